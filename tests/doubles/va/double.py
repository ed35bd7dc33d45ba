# SPDX-License-Identifier: GPL-3.0-or-later
"""ffmpeg on the VA driver double: its environment, what it logs, and pictures to feed it."""
import os
import random
import subprocess
from pathlib import Path

FOLDER = Path(os.environ.get("VD_DOUBLES", Path(__file__).resolve().parents[3] / "build/tests/doubles/va"))
NODE = "/dev/null"  # any file that can be opened
CROSSINGS = ("get", "put", "map")  # of a whole picture, between host and device


def environment(log, scratch, layer=False, fail="", main10=False):
    values = dict(os.environ, LIBVA_DRIVER_NAME="vd_double", LIBVA_DRIVERS_PATH=str(FOLDER),
                  LD_PRELOAD=str(FOLDER / "vd_double_display.so"), VD_DOUBLE_LOG=str(log), VD_DOUBLE_FAIL=fail,
                  POCL_CACHE_DIR=str(scratch))
    for name in ("VD_DOUBLE_MAIN10", "VD_DOUBLE_PLANE1", "OPENCL_LAYERS"):
        values.pop(name, None)
    if main10:
        values["VD_DOUBLE_MAIN10"] = "1"
    if layer:
        values["OPENCL_LAYERS"] = str(FOLDER / "vd_double_layer.so")
    return values


def events(log):
    """What the double did: (name, {key: value}) for each line."""
    if not log.exists():
        return []
    lines = (line.split() for line in log.read_text().splitlines())
    return [(words[1], dict(word.split("=", 1) for word in words[2:])) for words in lines]


def count(log, *names):
    return sum(name in names for name, _ in events(log))


def ffmpeg(arguments, env=None, check=True):
    command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
    return done


# Few values, and mostly those around a start code.
_TELLING = bytes([0] * 160 + [1] * 24 + [2] * 24 + [3] * 24 + [255] * 24)


def pictures(path, width, height, frames):
    """Raw NV12 that is as hard on emulation prevention as can be in every other picture; noise in the others."""
    dice = random.Random(f"{width}x{height}")
    size = width * height * 3 // 2
    with path.open("wb") as file:
        for i in range(frames):
            noise = dice.randbytes(size)
            file.write(noise if i % 2 else noise.translate(_TELLING))
    return path


def raw_input(path, width, height):
    return ["-f", "rawvideo", "-pix_fmt", "nv12", "-s", f"{width}x{height}", "-r", "25", "-i", path]


def encode(source, target, width, height, env, options=()):
    """A clip of I_PCM, made by the double."""
    ffmpeg(["-vaapi_device", NODE, *raw_input(source, width, height), "-vf", "hwupload", "-c:v", "h264_vaapi", "-qp",
            "20", *options, target], env)
    return target


def decoded(clip, pixels="nv12", options=(), env=None):
    """The clip's pictures as raw bytes; by software, unless options say otherwise."""
    target = clip.with_suffix(".raw")
    ffmpeg([*options, "-i", clip, "-f", "rawvideo", "-pix_fmt", pixels, target], env)
    data = target.read_bytes()
    target.unlink()
    return data


ON_SURFACES = ("-hwaccel", "vaapi", "-hwaccel_device", NODE, "-hwaccel_output_format", "vaapi")
TO_HOST = ("-hwaccel", "vaapi", "-hwaccel_device", NODE)
