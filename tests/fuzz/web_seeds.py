#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what clients of the web server write, for fuzz/web.c.

usage: web_seeds.py FOLDER
"""

import pathlib
import sys

SEEDS = [
    "bytes=0-", "bytes=0-499", "bytes=-500", "bytes=500-600,601-999", "bytes=18446744073709551615-", "127.0.0.1:8870",
    "[::1]:8870", "[::]:0", "localhost", "Vidriera.example.org:443", "http://127.0.0.1:8870", "https://[::1]", "null",
    "same-origin", "Bearer a token of some length", "/", "/healthz", "/api/jobs/vidriera.jobs-0-17/cancel",
    "/media/0a1b2c/original", "kneeling/x.mp4", ".x.mkv", "1763980000000", "a.example, b.example",
]

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for number, seed in enumerate(SEEDS):
    (folder / f"{number:02}").write_text(seed, encoding="utf-8")
