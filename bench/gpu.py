#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What devices cost `vidriera process` where no GPU is: differences in one run.

Ours and what it is compared with run in turn (A B, B A, A B ...); the median of the paired differences is printed with its
interval, as in process.py. The opencl row wants an OpenCL device of the processor (PoCL), whose cache is warm.

    bench/gpu.py [--pairs 9] [--seconds 60] [--only WORD] [--ours build/vidriera] [--clips build/clips]
"""
import argparse
import os
import statistics
import tempfile
from pathlib import Path

from process import interval, looped, run, verdict


def above(name, ours, other, pairs, most):
    """Seconds of the processor that ours takes above the other."""
    ours_runs, other_runs = [], []
    run(ours), run(other)
    for i in range(pairs):
        order = [(ours, ours_runs), (other, other_runs)]
        for command, runs in reversed(order) if i % 2 else order:
            runs.append(run(command)[1])
    differences = [a - b for a, b in zip(ours_runs, other_runs)]
    median, (low, high) = statistics.median(differences), interval(differences)
    print(f"| {name} | cpu | {statistics.median(ours_runs):.2f} / {statistics.median(other_runs):.2f} s | "
          f"{median:.2f} s | {low:.2f} to {high:.2f} | {'' if most is None else f'{most} s'} | "
          f"{verdict(median, low, high, most)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="", help="only rows whose name holds this word")
    parser.add_argument("--ours", default="build/vidriera")
    parser.add_argument("--clips", type=Path, default=Path("build/clips"))
    args = parser.parse_args()
    binary = os.path.abspath(args.ours)
    with tempfile.TemporaryDirectory(prefix="vidriera-bench-") as temporary:
        folder = Path(temporary)
        clip, out = looped(args.clips, args.seconds, folder), str(folder / "out.mp4")

        def ours(*more):
            return [binary, "process", "-q", clip, "-o", out, "--overwrite", "--preset", "ultrafast", *more]

        untouched = ours("--device", "cpu", "--effect", "none")
        rows = [
            ("opencl; --effect none on the processor", ours("--device", "opencl"), 3),
            ("cpu; --effect none on the processor", ours("--device", "cpu"), None),
        ]
        print("| what; against | what | ours / theirs (medians) | median difference | interval | at most | |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, mine, most in rows:
            if args.only in name:
                above(name, mine, untouched, args.pairs, most)


if __name__ == "__main__":
    main()
