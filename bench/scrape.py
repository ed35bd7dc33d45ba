#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scrape costs: /metrics as Prometheus asks for it, a connection each, of a worker that is idle, that works, and
whose broker is away. Wall milliseconds from connect() to the last byte: median, the 99th of 100, and the longest.

    bench/scrape.py [--scrapes 500] [--ours build/vidriera]
"""
import argparse
import http.client
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

MOST_MS = 5
SECONDS = 60


class Program:
    """A vidriera that runs; ended by its id."""

    def __init__(self, command, folder, **settings):
        env = {**os.environ, "VIDRIERA_DATA": str(folder / "data"), "VIDRIERA_HTTP_LISTEN": "127.0.0.1:0", **settings}
        self.log = folder / f"{command[1]}.log"
        with open(self.log, "wb") as stderr:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=stderr)
        self.address = re.search(r"http://([0-9.:]+)", self.await_words("the page: ")).group(1)

    def await_words(self, words):
        """The first line of the log that holds them."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                if words in line:
                    return line
            time.sleep(0.02)
        raise SystemExit(f"never said: {words}\n{self.log.read_text()}")

    def end(self):
        self.process.terminate()
        self.process.wait(SECONDS)


def scrape(address):
    start = time.monotonic()
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    took = (time.monotonic() - start) * 1000
    if answer.status != 200 or b"vidriera_slots " not in text:
        raise SystemExit(f"{answer.status}: {text[:200]}")
    return took


def measure(what, address, number):
    taken = sorted(scrape(address) for _ in range(number))
    slow = taken[int(len(taken) * 0.99)]
    print(f"| {what} | {statistics.median(taken):.2f} ms | {slow:.2f} ms | {taken[-1]:.2f} ms | {MOST_MS} ms | "
          f"{'met' if slow < MOST_MS else 'missed'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scrapes", type=int, default=500)
    parser.add_argument("--ours", default="build/vidriera")
    args = parser.parse_args()
    ours = os.path.abspath(args.ours)
    print("| a scrape, of a worker that | median | 99th of 100 | longest | at most | |", "| --- | --- | --- | --- | --- | --- |",
          sep="\n")
    with tempfile.TemporaryDirectory(prefix="vidriera-bench-") as temporary:
        folder = Path(temporary)
        (folder / "data/recordings").mkdir(parents=True)
        appliance = Program([ours, "run"], folder, VIDRIERA_WORKER_SLOTS="2")
        try:
            measure("is idle", appliance.address, args.scrapes)
            draft = folder / "clip.mp4"
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=120", "-pix_fmt",
                            "yuv420p", "-preset", "ultrafast", str(draft)], check=True)
            for name in "ab":
                os.link(draft, folder / f"data/recordings/.{name}")
                os.rename(folder / f"data/recordings/.{name}", folder / f"data/recordings/{name}.mp4")
            appliance.await_words("started: recordings/")
            measure("works on two recordings", appliance.address, args.scrapes)
        finally:
            appliance.end()
        worker = Program([ours, "worker"], folder, VIDRIERA_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        try:
            worker.await_words("no broker answers")
            measure("has no broker", worker.address, args.scrapes)
        finally:
            worker.end()


if __name__ == "__main__":
    main()
