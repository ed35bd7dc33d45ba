#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in which the double can be told to fail is seen to: VD_DOUBLE_FAIL."""
import signal
import subprocess
import time
import unittest

import double
from case import FRAMES, HEIGHT, WIDTH, Case

PATIENCE = 60


class Failures(Case):
    def encode(self, fail):
        return double.ffmpeg(["-vaapi_device", double.NODE, *double.raw_input(self.source(), WIDTH, HEIGHT), "-vf",
                              "hwupload", "-c:v", "h264_vaapi", "-async_depth", "1", self.folder / "failed.mp4"],
                             self.environment(fail=fail), check=False)

    def decode(self, fail, clip):
        return double.ffmpeg([*double.TO_HOST, "-i", clip, "-f", "framemd5", self.folder / "failed.md5"],
                             self.environment(fail=fail), check=False)

    def failures(self):
        return [said for name, said in double.events(self.log) if name == "fail"]

    def assert_refused(self, done, words):
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(words, done.stderr)

    def test_no_profile(self):
        clip, _ = self.clip()
        self.assertEqual(self.decode("no-profile", clip).returncode, 0)
        self.assertEqual(double.count(self.log, "decode"), 0)
        self.assert_refused(self.encode("no-profile"), "No usable encoding profile found")

    def test_no_decode(self):
        clip, _ = self.clip()
        self.assertEqual(self.decode("no-decode", clip).returncode, 0)
        self.assertEqual(double.count(self.log, "decode"), 0)
        self.assertEqual(self.encode("no-decode").returncode, 0)

    def test_no_encode(self):
        clip, _ = self.clip()
        self.assert_refused(self.encode("no-encode"), "No usable encoding entrypoint found")
        self.decode("no-encode", clip)
        self.assertEqual(double.count(self.log, "decode"), FRAMES)

    def test_surface(self):
        self.assert_refused(self.encode("surface:3"), "allocat")
        self.assertEqual(self.failures()[0], {"what": "surface", "n": "3"})
        self.assertEqual(double.count(self.log, "surfaces"), 2)

    def test_sync(self):
        clip, _ = self.clip()
        self.assertIn("Failed to sync surface", self.decode("sync:2", clip).stderr)
        self.assertEqual(self.failures()[0], {"what": "sync", "n": "2"})
        self.assert_refused(self.encode(f"sync:{FRAMES + 2}"), "Failed to")

    def test_decode(self):
        clip, _ = self.clip()
        self.assertIn("Failed to end picture decode", self.decode("decode:4", clip).stderr)
        good = [said["status"] == "0" for name, said in double.events(self.log) if name == "decode"]
        self.assertEqual(good, [True] * 3 + [False] * (FRAMES - 3))

    def test_encode(self):
        self.assert_refused(self.encode("encode:4"), "Failed to end picture encode")
        good = [said["status"] == "0" for name, said in double.events(self.log) if name == "encode"]
        self.assertEqual(good, [True] * 3 + [False])

    def test_tall(self):
        source, clip = self.source(1920, 1080, 2), self.folder / "tall.mp4"
        double.encode(source, clip, 1920, 1080, self.environment(fail="tall"))
        rows = {said["rows"] for name, said in double.events(self.log)
                if name == "surfaces" and said["size"] == "1920x1080"}
        self.assertEqual(rows, {"1088"})
        self.assert_same(double.decoded(clip), source.read_bytes())

    def hangs(self, fail, where):
        """Until it is killed; what is checked is that it said so and has not ended."""
        source = self.source()
        with (self.folder / "stderr").open("wb") as said:
            child = subprocess.Popen(
                ["ffmpeg", "-nostdin", "-y", "-vaapi_device", double.NODE,
                 *map(str, double.raw_input(source, WIDTH, HEIGHT)), "-vf", "hwupload", "-c:v", "h264_vaapi",
                 str(self.folder / "never.mp4")], env=self.environment(fail=fail), stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + PATIENCE
            while ("hang", {"where": where}) not in double.events(self.log):
                self.assertLess(time.monotonic(), deadline, (self.folder / "stderr").read_text())
                time.sleep(0.02)
            with self.assertRaises(subprocess.TimeoutExpired):
                child.wait(0.5)
        finally:
            child.kill()
            child.wait()

    def test_hang(self):
        self.hangs("hang:3", "picture")
        self.assertEqual(double.count(self.log, "encode"), 2)

    def test_hang_in_init(self):
        self.hangs("hang-init", "init")

    def test_crash_in_init(self):
        self.assertEqual(self.encode("crash-init").returncode, -signal.SIGSEGV)

    def test_an_order_that_nobody_knows(self):
        for fail in ("surfaces:3", "surface", "surface:0", "surface:x", "tall:2", "sync:1,nonsense"):
            with self.subTest(fail=fail):
                self.assert_refused(self.encode(fail), f"VD_DOUBLE_FAIL={fail}: not understood")


if __name__ == "__main__":
    unittest.main()
