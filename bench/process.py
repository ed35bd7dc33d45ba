#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera process` against its peers, as ratios in one run.

Every row runs ours and a peer in turn (A B, B A, A B ...), so that a machine whose speed drifts slows both alike, and
prints the median of the paired ratios with its interval: the order statistics that hold the true median with at least
96 % (for 9 pairs the 2nd and the 8th). Wall is from start to exit; CPU is user + system of the whole process tree; memory
is the largest sum of proportional set sizes (PSS) of the tree, polled in a run of its own that is not timed.

    bench/process.py [--pairs 9] [--seconds 60] [--only WORD] [--ours build/vidriera] [--clips build/clips]
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

X264 = "-c:v libx264 -preset {preset} -crf 23 -c:a copy -movflags +faststart"
GRAPH = ("split[a][b];[a]crop=iw/2:ih:0:0,lutyuv=y='val*0.7+0.3*{by}':u='val*0.7+0.3*{bu}':v='val*0.7+0.3*{bv}'[l];"
         "[b]crop=iw/2:ih:iw/2:0,lutyuv=y='val*0.7+0.3*{ry}':u='val*0.7+0.3*{ru}':v='val*0.7+0.3*{rv}'[r];[l][r]hstack")
# BT.709, limited range, 8 bits: blue and red
CODES = {"by": 31.8, "bu": 240.0, "bv": 117.7, "ry": 62.6, "ru": 102.3, "rv": 240.0}
PYTHON = "/usr/bin/python3"  # Debian's, which has python3-opencv
OPENCV = """
import cv2, sys, numpy as np
source = cv2.VideoCapture(sys.argv[1])
size = (int(source.get(3)), int(source.get(4)))
sink = cv2.VideoWriter(sys.argv[2], cv2.VideoWriter_fourcc(*"mp4v"), int(source.get(5)), size)
tint = np.zeros((size[1], size[0], 3), np.uint8)
tint[:, :size[0] // 2] = (255, 0, 0)
tint[:, size[0] // 2:] = (0, 0, 255)
while True:
    ok, frame = source.read()
    if not ok:
        break
    sink.write(cv2.addWeighted(frame, 0.7, tint, 0.3, 0))
sink.release()
"""


def run(command):
    """Seconds of wall and of CPU of a command that must succeed."""
    before = os.times()
    start = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def tree(pid):
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            pass
    return found


def pss(pid):
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def peak_memory(command):
    peak = 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(pss(pid) for pid in tree(process.pid)))
            time.sleep(0.02)
    return peak


def interval(ratios):
    """The order statistics around the median: for 9 values the 2nd and the 8th, for fewer than 7 all of them."""
    ordered = sorted(ratios)
    skip = 0 if len(ordered) < 7 else max(1, (len(ordered) - 5) // 4)
    return ordered[skip], ordered[-1 - skip]


def verdict(median, low, high, most):
    if most is None:
        return ""
    if low <= most < high:
        return "met, interval spans" if median <= most else "missed, interval spans"
    return "met" if high <= most else "missed"


def compare(name, ours, peer, pairs, bounds):
    """bounds: {"wall": most, "cpu": most} as far as there are any."""
    ours_runs, peer_runs = [], []
    run(ours), run(peer)
    for i in range(pairs):
        if i % 2:
            peer_runs.append(run(peer))
            ours_runs.append(run(ours))
        else:
            ours_runs.append(run(ours))
            peer_runs.append(run(peer))
    for column, what in enumerate(("wall", "cpu")):
        ratios = [a[column] / b[column] for a, b in zip(ours_runs, peer_runs)]
        median, (low, high) = statistics.median(ratios), interval(ratios)
        most = bounds.get(what)
        mine = statistics.median(r[column] for r in ours_runs)
        theirs = statistics.median(r[column] for r in peer_runs)
        print(f"| {name} | {what} | {mine:.2f} / {theirs:.2f} s | {median:.3f} | {low:.3f} to {high:.3f} | "
              f"{'' if most is None else f'{most:.2f}'} | {verdict(median, low, high, most)} |", flush=True)


def looped(clips, seconds, folder):
    """The demo clip's packets over and over, nothing encoded anew."""
    clip, target = clips / "bigbuckbunny.mp4", folder / "clip.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", str(int(seconds / 5) + 1), "-i", clip, "-t", str(seconds),
                    "-c", "copy", target], check=True)
    return str(target)


def gstreamer(clip, out, preset):
    half = "width=640 height=720"
    return ["gst-launch-1.0", "-q", "compositor", "name=mix", "background=black",
            "sink_0::zorder=0", "sink_1::zorder=1", "sink_1::alpha=0.3", "sink_2::zorder=2", "sink_2::alpha=0.3",
            "sink_2::xpos=640", "!", "video/x-raw,format=I420,width=1280,height=720", "!", "queue", "!", "x264enc",
            f"speed-preset={preset}", "pass=qual", "quantizer=23", "!", "mp4mux", "name=mux", "faststart=true", "!",
            "filesink", f"location={out}",
            "filesrc", f"location={clip}", "!", "qtdemux", "name=demux",
            "demux.video_0", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!", "mix.sink_0",
            "demux.audio_0", "!", "queue", "!", "aacparse", "!", "mux.",
            "videotestsrc", "pattern=solid-color", "foreground-color=0xff0000ff", "num-buffers=SECONDS", "!",
            f"video/x-raw,format=I420,{half.replace(' ', ',')},framerate=25/1", "!", "mix.sink_1",
            "videotestsrc", "pattern=solid-color", "foreground-color=0xffff0000", "num-buffers=SECONDS", "!",
            f"video/x-raw,format=I420,{half.replace(' ', ',')},framerate=25/1", "!", "mix.sink_2"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="", help="only rows whose name holds this word")
    parser.add_argument("--ours", default="build/vidriera")
    parser.add_argument("--clips", type=Path, default=Path("build/clips"))
    args = parser.parse_args()
    ours_binary = os.path.abspath(args.ours)
    with tempfile.TemporaryDirectory(prefix="vidriera-bench-") as temporary:
        folder = Path(temporary)
        clip = looped(args.clips, args.seconds, folder)
        out, other = str(folder / "ours.mp4"), str(folder / "peer.mp4")
        (folder / "loop.py").write_text(OPENCV)

        def ours(preset, *more):
            return [ours_binary, "process", "-q", clip, "-o", out, "--overwrite", "--preset", preset, *more]

        def ffmpeg(preset, *filters):
            return ["ffmpeg", "-v", "error", "-y", "-i", clip, *filters, *X264.format(preset=preset).split(), other]

        halves = ["-vf", "drawbox=0:0:iw/2:ih:blue@0.3:fill,drawbox=iw/2:0:iw/2:ih:red@0.3:fill"]
        rows = []
        for preset in ("ultrafast", "veryfast"):
            rows += [
                (f"ffmpeg, no filter; tint, {preset}", ours(preset), ffmpeg(preset), {"wall": 0.93, "cpu": 0.96}),
                (f"ffmpeg, no filter; --effect none, {preset}", ours(preset, "--effect", "none"), ffmpeg(preset),
                 {"wall": 0.97, "cpu": 1.00}),
                (f"ffmpeg, best graph, {preset}", ours(preset), ffmpeg(preset, "-vf", GRAPH.format(**CODES)),
                 {"wall": 1.00}),
            ]
        frames = str(args.seconds * 25)
        rows += [
            ("GStreamer compositor, ultrafast", ours("ultrafast"),
             [word.replace("SECONDS", frames) for word in gstreamer(clip, other, "ultrafast")], {"wall": 0.75}),
            ("OpenCV loop, mpeg4, no sound; ours ultrafast", ours("ultrafast"),
             [PYTHON, str(folder / "loop.py"), clip, other], {"wall": 0.57}),
            ("ffmpeg, two drawbox, ultrafast", ours("ultrafast"), ffmpeg("ultrafast", *halves), {"wall": 0.45}),
        ]
        print("| against | what | ours / theirs (medians) | median ratio | interval | at most | |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, mine, peer, bounds in rows:
            if args.only not in name:
                continue
            missing = shutil.which(peer[0]) is None
            if not missing and peer[0] == PYTHON:
                missing = subprocess.run([peer[0], "-c", "import cv2"], capture_output=True, check=False).returncode
            if missing:
                print(f"| {name} | | not installed: ./dev bench installs it | | | | |")
                continue
            compare(name, mine, peer, args.pairs, bounds)
        if not args.only or args.only in "memory":
            for preset in ("ultrafast", "veryfast"):
                a, b = peak_memory(ours(preset)), peak_memory(ffmpeg(preset))
                print(f"| ffmpeg, no filter; tint, {preset} | memory | {a / 2**20:.0f} / {b / 2**20:.0f} MiB | "
                      f"{a / b:.3f} | one run each | 1.00 | {'met' if a <= b else 'missed'} |")


if __name__ == "__main__":
    main()
