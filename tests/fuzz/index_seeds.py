#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes small recordings' skeletons as inputs of fuzz/index.c.

usage: index_seeds.py FOLDER
"""

import pathlib
import struct
import sys


def box(kind, body=b"", size=None):
    return struct.pack(">I4s", len(body) + 8 if size is None else size, kind) + body


FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
MOOV = box(b"moov", box(b"mvhd", bytes(100)))
EBML = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska"
SEEDS = {
    "index-first": FTYP + MOOV + box(b"mdat", bytes(50)),
    "index-last": FTYP + box(b"mdat", bytes(50)) + MOOV,
    "no-index": FTYP + box(b"mdat", bytes(50), 0),
    "large-size": FTYP + struct.pack(">I4sQ", 1, b"mdat", 1 << 62) + MOOV,
    "cut": FTYP + MOOV[:40],
    "matroska": EBML + b"\x18\x53\x80\x67\x84" + bytes(4),
    "live": EBML + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(4),
    "other": b"G" + bytes(187),
}

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (folder / name).write_bytes(data)
