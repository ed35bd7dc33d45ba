# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings to test with: made once by ffmpeg, kept in build/kafka/clips."""
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from broker import ROOT

BINARY = Path(os.environ.get("VD_BINARY", ROOT / "build/vidriera"))
CACHE = Path(os.environ.get("VD_KAFKA_CLIPS", ROOT / "build/kafka/clips"))
RATE = 25


def make(frames=RATE, size="160x90", extension="mp4", options=()):
    """The clip's path: moving picture and a tone."""
    named = "".join(option.strip("-+") for option in options)
    target = CACHE / f"{size}-{frames}{named}.{extension}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        draft = CACHE / f".{os.getpid()}-{target.name}"
        seconds = frames / RATE
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={RATE}",
                        "-f", "lavfi", "-i", "sine=440", "-t", f"{seconds}", "-c:v", "libx264", "-preset", "veryfast",
                        "-c:a", "aac", *options, str(draft)], check=True, stdin=subprocess.DEVNULL)
        draft.rename(target)
    return target


def numbered(number, **clip):
    """The bytes of a clip like no other: an mp4 box that players pass over holds the number."""
    return make(**clip).read_bytes() + struct.pack(">I4sQ", 16, b"free", number)


PLACEBO = {"output": {"preset": "placebo"}}  # for an order: what makes a slow clip slow
_SLOW_SIZE = "640x360"
_SPEED_LASTS = 900


def _cpu_of_placebo(frames, folder):
    """Seconds of processor, which are as many when other tests run beside."""
    before = os.times()
    subprocess.run([BINARY, "process", "-q", make(frames, _SLOW_SIZE), "-o", Path(folder) / "out.mp4", "--overwrite",
                    "--preset", "placebo", "--progress", "none"], check=True, stdin=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def _frames_a_second():
    """At placebo, with all processors at work on it alone: hardly more. Measured anew from time to time."""
    known = CACHE / f"speed-{BINARY.stat().st_mtime_ns}"
    if not known.exists() or time.time() - known.stat().st_mtime > _SPEED_LASTS:
        with tempfile.TemporaryDirectory() as folder:
            short, long = (min(_cpu_of_placebo(frames, folder) for _ in range(2)) for frames in (5, 30))
        known.write_text(str(25 / max(long - short, 0.1) * len(os.sched_getaffinity(0))))
    return float(known.read_text())


def slow(seconds):
    """A clip that takes about so long, hardly less, in one slot with PLACEBO."""
    return make(int(seconds * 1.1 * _frames_a_second()) + 5, _SLOW_SIZE)
