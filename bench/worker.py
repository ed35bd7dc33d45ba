#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera worker` with a real Kafka on the same machine: what Kafka, slots and transactions cost beside `process`.

Rows of time run both sides in turn and print the median of the paired ratios with its interval, as bench/process.py
does. A job through the worker is timed from the client's side: until a read_committed consumer has its result.

    bench/worker.py [--pairs 5] [--seconds 60] [--only WORD] [--jobs 300] [--many 5000] [--ours build/vidriera]
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/kafka"))
# pylint: disable=wrong-import-position
import process  # noqa: E402

MS, MIB = 1e-3, 2**20
FIRST_PICTURE = "started: "  # of a line, once a slot has decoded that much


def row(name, what, measured, median, low, high, most, places=3):
    print(f"| {name} | {what} | {measured} | {median:.{places}f} | {low:.{places}f} to {high:.{places}f} | "
          f"{most:.{places}f} | {process.verdict(median, low, high, most)} |", flush=True)


class Bench:
    """One broker for all rows, fresh topics and folders for each run."""

    def __init__(self, args, folder):
        # What is measured is chosen by the environment when these are imported.
        from appliance import Appliance, Recording
        from broker import Broker
        from clients import RESULTS, Admin
        self.args, self.folder, self.runs = args, folder, 0
        self.make_appliance, self.recording, self.results = Appliance, Recording, RESULTS
        self.broker = Broker(folder / "broker")
        self.broker.start()
        self.admin = Admin(self.broker.address)

    def appliance(self, **settings):
        self.runs += 1
        self.admin.delete_all()
        self.admin.create()
        return self.make_appliance(self.folder / f"run-{self.runs}", self.broker.address,
                                   worker_group=f"bench-{self.runs}", kafka_session_timeout_ms=6000, **settings)

    def wait_results(self, appliance, count, seconds):
        deadline = time.monotonic() + seconds
        while len(appliance.read(self.results)) < count:
            if time.monotonic() > deadline or not any(program.alive() for program in appliance.programs):
                raise SystemExit(f"bench: {len(appliance.read(self.results))} of {count} results\n"
                                 + appliance.programs[-1].text()[-2000:])
            time.sleep(0.002)
        return appliance.read(self.results)

    def ready(self, appliance, **settings):
        """A worker that has done a job and is idle."""
        worker = appliance.worker(**settings)
        appliance.send(appliance.record("warm/up.mp4"))
        self.wait_results(appliance, 1, 30)
        time.sleep(1)
        return worker

    # 300 short recordings

    def many_by_worker(self, count):
        appliance = self.appliance(worker_slots=2)
        recordings = [appliance.record(f"s{i}/r.mp4") for i in range(count)]
        appliance.send_all(recordings)
        appliance.read(self.results)
        start = time.monotonic()
        appliance.worker()
        self.wait_results(appliance, count, 600)
        wall = time.monotonic() - start
        appliance.programs[0].stop()
        appliance.close()
        return wall

    def many_by_process(self, count):
        self.runs += 1
        appliance = self.make_appliance(self.folder / f"loop-{self.runs}")
        for i in range(count):
            appliance.record(f"s{i}/r.mp4")
        loop = ('cd "$1" && find . -name "*.mp4" -print0 | xargs -0 -P 2 -I @ '
                'sh -c \'mkdir -p "$2/${1%/*}" && exec "$3" process -q --progress none "$1" -o "$2/$1"\' - @ "$2" "$3"')
        out = appliance.data / "out"
        start = time.monotonic()
        subprocess.run(["sh", "-c", loop, "-", appliance.path("recordings"), out, os.environ["VD_BINARY"]], check=True,
                       stdin=subprocess.DEVNULL)
        wall = time.monotonic() - start
        made = sum(1 for _ in out.rglob("*.mp4"))
        if made != count:
            raise SystemExit(f"bench: the loop made {made} of {count}")
        return wall

    def many(self):
        count = self.args.jobs
        self.compare(f"{count} one-second recordings, 2 slots; a 2-way loop of process", self.args.pairs, 1.0,
                     lambda: self.many_by_worker(count), lambda: self.many_by_process(count))

    def compare(self, name, pairs, most, ours, theirs):
        mine, peers = [], []
        for i in range(pairs):
            for side in ((mine, ours), (peers, theirs))[::-1 if i % 2 else 1]:
                side[0].append(side[1]())
        ratios = [a / b for a, b in zip(mine, peers)]
        measured = f"{statistics.median(mine):.2f} / {statistics.median(peers):.2f} s"
        row(name, "wall", measured, statistics.median(ratios), *process.interval(ratios), most)

    # One long recording

    def long(self):
        clip = Path(process.looped(self.args.clips, self.args.seconds, self.folder))
        appliance = self.appliance()
        worker = self.ready(appliance)
        done = [1]

        def ours():
            number = done[0]
            target = appliance.path("recordings", f"long-{number}")
            target.mkdir()
            # Another job each time: the path is part of its id.
            os.link(clip, target / "r.mp4")
            start = time.monotonic()
            appliance.send(f"long-{number}/r.mp4")
            self.wait_results(appliance, number + 1, 600)
            done[0] += 1
            return time.monotonic() - start

        def theirs():
            start = time.monotonic()
            subprocess.run([os.environ["VD_BINARY"], "process", "-q", "--progress", "none", "--overwrite", str(clip),
                            "-o", str(self.folder / "theirs.mp4")], check=True, stdin=subprocess.DEVNULL)
            return time.monotonic() - start

        self.compare(f"one {self.args.seconds} s 720p recording; process", max(self.args.pairs, 9), 1.02, ours, theirs)
        worker.stop()
        appliance.close()

    # How soon

    def first_pictures(self, worker):
        """job -> when its first picture was decoded, on the wall clock."""
        times = {}
        for line in worker.lines():
            if line.get("msg", "").startswith(FIRST_PICTURE) and "job" in line:
                times.setdefault(line["job"], datetime.fromisoformat(line["ts"].replace("Z", "+00:00")).timestamp())
        return times

    def soon(self, count=25):
        appliance = self.appliance()
        worker = self.ready(appliance)
        sent, ids = {}, [f"soon-{i}" for i in range(count)]
        for i, job in enumerate(ids):
            recording = appliance.record(f"{job}/r.mp4")
            sent[job] = time.time()
            appliance.send(recording, id=job, partition=i % 12)
            self.wait_results(appliance, i + 2, 30)
            time.sleep(0.3)
        times = self.first_pictures(worker)
        if not set(ids) <= set(times):
            raise SystemExit(f"bench: the log has no line with '{FIRST_PICTURE}' for each job")
        waits = [(times[job] - sent[job]) / MS for job in ids]
        row("message to first picture, idle worker", "ms", f"{count} jobs", statistics.median(waits),
            *process.interval(waits), 60, 1)
        self.soon_behind(appliance, worker, count)
        worker.stop()
        appliance.close()

    def soon_behind(self, appliance, worker, count):
        """Two jobs on one partition: from the first one's result (its time in Kafka) to the second one's picture."""
        waits, before = [], len(appliance.read(self.results))
        for i in range(count):
            pair = [appliance.record(f"behind-{i}/{name}.mp4") for name in "ab"]
            for recording, name in zip(pair, "ab"):
                appliance.send(recording, id=f"behind-{i}{name}", partition=i % 12)
            self.wait_results(appliance, before + 2 * i + 2, 30)
        times = self.first_pictures(worker)
        made = {message.key.decode(): message.timestamp for message in appliance.read(self.results)}
        waits = [(times[f"behind-{i}b"] - made[f"behind-{i}a"]) / MS for i in range(count)]
        row("result to first picture of the next in its partition", "ms", f"{count} pairs", statistics.median(waits),
            *process.interval(waits), 60, 1)

    # What stays

    def memory(self):
        """Of the supervisor alone, its slots not counted."""
        first, last = 50, self.args.many
        appliance = self.appliance(worker_slots=2)
        worker = appliance.worker()
        sizes, made = [], 0
        for upto in (first, last):
            while made < upto:
                step = min(250, upto - made)
                appliance.send_all([appliance.record(f"s{made + i}/r.mp4", frames=3) for i in range(step)],
                                   effect={"name": "none"}, output={"preset": "ultrafast"})
                made += step
                self.wait_results(appliance, made, 300)
            time.sleep(5)
            sizes.append(process.pss(worker.pid))
        grown = (sizes[1] - sizes[0]) / MIB
        measured = f"{sizes[1] / MIB:.1f} / {sizes[0] / MIB:.1f} MiB"
        row(f"supervisor after {last} jobs; after {first}", "growth, MiB", measured, grown, grown, grown, 5, 1)
        worker.stop()
        appliance.close()

    def idle(self, seconds=60):
        appliance = self.appliance()
        worker = self.ready(appliance)
        pids = [worker.pid, *worker.slots()]
        before = sum(map(cpu_seconds, pids))
        time.sleep(seconds)
        share = 100 * (sum(map(cpu_seconds, pids)) - before) / seconds
        row("idle worker with its slots", "% of a core", f"{seconds} s", share, share, share, 1, 2)
        worker.stop()
        appliance.close()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--many", type=int, default=5000)
    parser.add_argument("--only", default="", help="only rows whose name holds this word: many long soon memory idle")
    parser.add_argument("--ours", default=str(ROOT / "build/vidriera"))
    parser.add_argument("--clips", type=Path, default=ROOT / "build/clips")
    args = parser.parse_args()
    os.environ["VD_BINARY"] = os.path.abspath(args.ours)
    with tempfile.TemporaryDirectory(prefix="vidriera-bench-") as folder:
        rows = [name for name in ("many", "long", "soon", "memory", "idle") if args.only in name]
        if not rows:
            return
        bench = Bench(args, Path(folder))
        print("| what; against | unit | ours / theirs (medians) | median | interval | at most | |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        try:
            for name in rows:
                getattr(bench, name)()
        finally:
            bench.broker.kill()


if __name__ == "__main__":
    main()
