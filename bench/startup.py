#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `--device auto` costs where there is no GPU: `vidriera process` on a recording of one second, with auto and with
cpu in turn (A B, B A, A B ...), as the median of the paired differences with the interval that holds the true
median with at least 95 %. No driver may be loaded for it, installed or not.

    bench/startup.py [--pairs 41] [--ours build/vidriera]
"""
import argparse
import math
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

MOST_MS = 5


def run(command):
    """Milliseconds of wall and of CPU; os.times() would count in hundredths of a second."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def order_interval(values):
    """Order statistics around the median, by the binomial distribution."""
    ordered, n, below, skip = sorted(values), len(values), 0.0, -1
    while below + math.comb(n, skip + 1) / 2**n <= 0.025:
        skip += 1
        below += math.comb(n, skip) / 2**n
    skip = max(skip, 0)
    return ordered[skip], ordered[-1 - skip]


def verdict(median, low, high):
    if low < MOST_MS <= high:
        return "met, interval spans" if median < MOST_MS else "missed, interval spans"
    return "met" if high < MOST_MS else "missed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=41)
    parser.add_argument("--ours", default="build/vidriera")
    args = parser.parse_args()
    nodes = [*Path("/dev/dri").glob("renderD*"), *Path("/dev").glob("nvidia[0-9]*")]
    if nodes:
        print(f"a GPU is here ({nodes[0]}): auto is measured with it")
    drivers = ", ".join(sorted(path.name for path in Path("/etc/OpenCL/vendors").glob("*"))) or "none"
    with tempfile.TemporaryDirectory(prefix="vidriera-bench-") as temporary:
        folder = Path(temporary)
        clip = str(folder / "clip.mp4")  # small, so that little but the start is measured
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-pix_fmt", "yuv420p",
                        clip], check=True)

        def command(device):
            return [os.path.abspath(args.ours), "process", "-q", clip, "-o", str(folder / "out.mp4"), "--overwrite",
                    "--preset", "ultrafast", "--device", device]

        runs = {"auto": [], "cpu": []}
        for device in runs:
            run(command(device))
        for i in range(args.pairs):
            for device in sorted(runs, reverse=bool(i % 2)):
                runs[device].append(run(command(device)))
    print(f"OpenCL drivers installed: {drivers}")
    print("| what | auto / cpu (medians) | auto above cpu | interval | under | |\n| --- | --- | --- | --- | --- | --- |")
    for column, what in enumerate(("wall", "cpu time")):
        auto, cpu = ([one[column] for one in runs[device]] for device in ("auto", "cpu"))
        extra = [a - b for a, b in zip(auto, cpu)]
        median, (low, high) = statistics.median(extra), order_interval(extra)
        print(f"| {what} | {statistics.median(auto):.1f} / {statistics.median(cpu):.1f} ms | {median:.2f} ms | "
              f"{low:.2f} to {high:.2f} ms | {MOST_MS} ms | {verdict(median, low, high)} |")


if __name__ == "__main__":
    main()
