#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera doctor` on the double: both VAAPI backends tried by the whole pipeline, a recording done on each of them."""
import json
import os
import subprocess
import unittest

import double
from case import FRAMES, Case


class Doctor(Case):
    def setUp(self):
        super().setUp()
        # a slot may write to the runtimes' caches alone
        scratch = self.folder / "pocl"
        scratch.mkdir()
        self.log = scratch / "log"

    def doctor(self, *words, **how):
        """The exit status and the document."""
        done = subprocess.run([os.environ["VD_BINARY"], "doctor", "--json", "--cache", self.folder / "cache", "--device",
                               f"vaapi:{double.NODE}", *words], env=self.environment(**how), capture_output=True,
                              text=True, timeout=120)
        return done.returncode, json.loads(done.stdout)

    def test_without_a_copy_and_through_the_host(self):
        status, found = self.doctor(layer=True)
        self.assertEqual(status, 0)
        self.assertEqual([one["device"] for one in found["candidates"]],
                         [f"vaapi-opencl:{double.NODE}", f"vaapi-host:{double.NODE}"])
        for candidate, copies in zip(found["candidates"], (0, 2)):
            self.assertEqual([(one["width"], one["height"], one["copies_per_frame"], one["decoder"], one["encoder"])
                              for one in candidate["trials"]],
                             [(640, height, copies, "h264_vaapi", "h264_vaapi") for height in (368, 362)])
            proven = {(one["codec"], one["bits"]): one for one in candidate["codecs"]}
            self.assertEqual(set(proven), {("h264", 8), ("hevc", 8), ("hevc", 10), ("av1", 8)})
            self.assertEqual((proven["h264", 8]["encoder"], proven["h264", 8]["decoder"]), ("h264_vaapi", "h264_vaapi"))
            self.assertTrue(proven["av1", 8]["error"])
        self.assertEqual(found["takes"]["device"], f"vaapi-opencl:{double.NODE}")
        self.assertTrue(any(one["maps_vaapi"] for one in found["opencl"]["devices"]))

    def test_why_not_the_better_one(self):
        status, found = self.doctor()
        self.assertEqual(status, 0)
        better, other = found["candidates"]
        self.assertEqual([better["works"], other["works"]], [False, True])
        self.assertIn("cl_intel_va_api_media_sharing", better["error"])
        self.assertEqual(found["takes"]["device"], other["device"])
        self.assertEqual([one["device"] for one in found["takes"]["not"]], [better["device"]])

    def test_nothing_works(self):
        status, found = self.doctor(fail="encode:2")
        self.assertEqual(status, 69)
        self.assertIsNone(found["takes"]["device"])
        for candidate in found["candidates"]:
            self.assertTrue(candidate["tried"])
            self.assertTrue(candidate["error"])

    def test_a_recording_on_each(self):
        clip, _ = self.clip()
        status, found = self.doctor(clip, layer=True)
        self.assertEqual(status, 0)
        runs = found["clip"]["runs"]
        self.assertEqual([one["device"] for one in runs],
                         ["cpu", f"vaapi-opencl:{double.NODE}", f"vaapi-host:{double.NODE}"])
        for one in runs:
            self.assertTrue(one["works"], one)
            self.assertGreater(one["speed"], 0)
        self.assertEqual([one["copies_per_frame"] for one in runs], [0, 0, 2])
        self.assertEqual(runs[1]["used"]["backend"], "vaapi-opencl")
        self.assertGreaterEqual(double.count(self.log, "encode"), 2 * FRAMES)
        for one in runs[1:]:  # the processor's output is coded with some loss, the double's with none
            self.assertGreater(min(one["psnr"].values()), 30)


if __name__ == "__main__":
    unittest.main()
