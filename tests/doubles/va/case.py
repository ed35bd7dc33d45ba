# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the double share: a folder, a log and an environment each."""
import shutil
import tempfile
import unittest
from pathlib import Path

import double

WIDTH, HEIGHT, FRAMES = 640, 362, 6


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="vidriera-double-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.log = self.folder / "log"

    def environment(self, **how):
        return double.environment(self.log, self.folder / "pocl", **how)

    def source(self, width=WIDTH, height=HEIGHT, frames=FRAMES):
        return double.pictures(self.folder / f"{width}x{height}.nv12", width, height, frames)

    def clip(self, width=WIDTH, height=HEIGHT, frames=FRAMES, options=()):
        """I_PCM from the double, and its pictures; the log is empty again."""
        source = self.source(width, height, frames)
        clip = double.encode(source, self.folder / "clip.mp4", width, height, self.environment(), options)
        self.log.unlink()
        return clip, source.read_bytes()

    def assert_same(self, got, wanted):
        self.assertEqual(len(got), len(wanted))
        differs = next((i for i, pair in enumerate(zip(got, wanted)) if pair[0] != pair[1]), None) \
            if got != wanted else None
        self.assertIsNone(differs, "the first byte that differs")

    def crossings(self):
        return double.count(self.log, *double.CROSSINGS)
