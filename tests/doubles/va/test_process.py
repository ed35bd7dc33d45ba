#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera process --device vaapi:PATH` on the double, from decoder to encoder: the output, decoded in software, against
the same recording done on the processor without loss; what crossed between host and device; and what is refused."""
import json
import os
import subprocess
import unittest

import xxhash

import double
from case import FRAMES, HEIGHT, WIDTH, Case
from test_main10 import pattern


class Process(Case):
    def setUp(self):
        super().setUp()
        # a slot may write to the runtimes' caches alone
        scratch = self.folder / "pocl"
        scratch.mkdir()
        self.log = scratch / "log"

    def process(self, clip, *options, env=None):
        """The exit status, the result document and what was said."""
        self.output = self.folder / "output.mp4"
        self.output.unlink(missing_ok=True)
        done = subprocess.run([os.environ["VD_BINARY"], "process", "--json", "--progress", "none", "-o", self.output,
                               *options, clip], env=env, capture_output=True, text=True, timeout=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def on_device(self, clip, *options, **how):
        return self.process(clip, "--device", f"vaapi:{double.NODE}", *options, env=self.environment(**how))

    def by_processor(self, clip):
        status, _, said = self.process(clip, "--device", "cpu", "--quality", "0", "--preset", "ultrafast")
        self.assertEqual(status, 0, said)
        return double.decoded(self.output)

    def made(self, clip, backend, copies, **how):
        """The output's pictures."""
        status, result, said = self.on_device(clip, **how)
        self.assertEqual(status, 0, said)
        device = result["device"]
        self.assertEqual([device[key] for key in ("backend", "copies_per_frame", "encoder")],
                         [backend, copies, "h264_vaapi"])
        self.assertEqual(device["kernel"] == "opencl-image", copies == 0)
        return double.decoded(self.output)

    def assert_near(self, got, wanted):
        self.assertEqual(len(got), len(wanted))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(got, wanted)), 1)

    def assert_decoders_surfaces_are_only_read(self):
        shared = [how for name, how in double.events(self.log) if name == "share"]
        self.assertEqual({how["access"] for how in shared if how["decoded"] == "1"}, {"read"})
        self.assertIn("write", {how["access"] for how in shared if how["decoded"] == "0"})
        if os.environ.get("VD_PAIRS") == "1":  # of samples, which an image can have in Debian 13
            self.assertEqual({how["order"] for how in shared if how["plane"] == "1"}, {"RG"})


class Pictures(Process):
    def test_through_the_host_bit_for_bit(self):
        clip, source = self.clip()
        wanted = self.by_processor(clip)
        self.assertNotEqual(wanted, source)
        self.assert_same(self.made(clip, "vaapi-host", 2), wanted)
        self.assertGreaterEqual(double.count(self.log, "decode"), FRAMES)  # the look ahead decodes as well
        self.assertEqual(self.crossings(), 2 * FRAMES)

    def test_without_a_copy_within_a_code(self):
        clip, source = self.clip()
        wanted = self.by_processor(clip)
        self.assertNotEqual(wanted, source)
        self.assert_near(self.made(clip, "vaapi-opencl", 0, layer=True), wanted)
        self.assertEqual(self.crossings(), 0)
        self.assert_decoders_surfaces_are_only_read()

    def test_surfaces_with_more_rows_than_the_picture(self):
        clip, _ = self.clip(1920, 1080, 2)
        wanted = self.by_processor(clip)
        self.assert_near(self.made(clip, "vaapi-opencl", 0, layer=True, fail="tall"), wanted)
        self.assertIn("1920x1088", {how["size"] for name, how in double.events(self.log) if name == "share"})
        self.assert_same(self.made(clip, "vaapi-host", 2, fail="tall"), wanted)

    def test_more_pictures_than_pools_have(self):
        clip, _ = self.clip(192, 128, 110)
        wanted = self.by_processor(clip)
        self.assert_same(self.made(clip, "vaapi-host", 2), wanted)
        self.assert_near(self.made(clip, "vaapi-opencl", 0, layer=True), wanted)

    def test_the_stream_says_its_colours(self):
        told = {"sample_aspect_ratio": "4:3", "color_range": "pc", "color_space": "bt709",
                "color_transfer": "iec61966-2-1", "color_primaries": "smpte170m"}
        clip = self.folder / "coloured.mp4"
        double.ffmpeg([*double.raw_input(self.source(), WIDTH, HEIGHT), "-vf",
                       "setsar=4/3,setparams=range=pc:colorspace=bt709:color_trc=iec61966-2-1:color_primaries=smpte170m",
                       "-c:v", "libx264", "-color_range", "pc", "-colorspace", "bt709", "-color_trc", "iec61966-2-1", "-color_primaries",
                       "smpte170m", clip])
        for backend in ("vaapi-host", "vaapi-opencl"):
            with self.subTest(backend):
                self.made(clip, backend, 1, layer=backend == "vaapi-opencl")
                raw = self.folder / "output.h264"  # so that nothing but the stream tells
                double.ffmpeg(["-i", self.output, "-c", "copy", raw])
                done = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", raw], check=True,
                                      capture_output=True, text=True, timeout=60)
                stream = json.loads(done.stdout)["streams"][0]
                self.assertEqual({key: stream.get(key) for key in told}, told)

    def test_decoded_in_software_each_picture_goes_up(self):
        source, clip = self.source(), self.folder / "high.mp4"
        double.ffmpeg([*double.raw_input(source, WIDTH, HEIGHT), "-c:v", "libx264", "-pix_fmt", "yuv420p", clip])
        wanted = self.by_processor(clip)
        for backend in ("vaapi-opencl", "vaapi-host"):
            with self.subTest(backend=backend):
                self.assert_same(self.made(clip, backend, 1, layer=backend == "vaapi-opencl"), wanted)
                self.assertEqual(double.count(self.log, "decode"), 0)
                self.assertEqual(self.crossings(), FRAMES)
                self.log.unlink()

    def test_ten_bits(self):
        clip = self.folder / "ten.mp4"
        double.ffmpeg(["-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x368:r=25", "-frames:v", FRAMES, "-pix_fmt",
                       "yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=error", clip])
        wanted = [xxhash.xxh3_64_hexdigest(pattern(WIDTH, 368, poc)) for poc in range(FRAMES)]
        for layer, copies in ((False, 2), (True, 0)):
            with self.subTest(copies=copies):
                status, result, said = self.on_device(clip, "--strength", "0", "--codec", "hevc", main10=True,
                                                      layer=layer)
                self.assertEqual(status, 0, said)
                self.assertEqual(result["device"]["copies_per_frame"], copies)
                got = [how["digest"] for name, how in double.events(self.log) if name == "encode"]
                self.assertEqual(got[-FRAMES:], wanted)
                self.log.unlink()


class Refusals(Process):
    """A demanded device never falls back."""

    def assert_unavailable(self, clip, *words, status=69, **how):
        got, _, said = self.on_device(clip, **how)
        self.assertEqual(got, status, said)
        for word in words:
            self.assertIn(word, said)
        self.assertFalse(self.output.exists())

    def test_surfaces(self):
        clip, _ = self.clip()
        for layer in (False, True):
            for n in (1, 3, 6):
                with self.subTest(layer=layer, n=n):
                    self.assert_unavailable(clip, "surface", layer=layer, fail=f"surface:{n}")
            self.assert_unavailable(clip, "surfaces", "no room", status=75, layer=layer, fail="room:20")

    def test_waiting(self):
        clip, _ = self.clip()
        self.assert_unavailable(clip, "vaapi-host", "cannot be", fail="sync:3")
        self.assert_unavailable(clip, "vaapi-opencl", "cannot be mapped", layer=True, fail="sync:9")

    def test_encoding(self):
        clip, _ = self.clip()
        self.assert_unavailable(clip, fail="encode:2")
        self.assert_unavailable(clip, "h264_vaapi does not open", fail="no-encode")

    def test_a_kind_that_it_has_not(self):
        clip = self.folder / "ten.mp4"
        double.ffmpeg(["-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x368:r=25", "-frames:v", FRAMES, "-pix_fmt",
                       "yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=error", clip])
        for layer in (False, True):
            with self.subTest(layer=layer):
                self.assert_unavailable(clip, "surfaces of 640x368 in p010le: not that format", "use --device auto", layer=layer)

    def test_no_gpu(self):
        clip, _ = self.clip()
        status, _, said = self.process(clip, "--device", f"vaapi:{double.NODE}")
        self.assertEqual(status, 69, said)
        self.assertIn("not the render node of a GPU", said)
        status, _, said = self.process(clip, "--device", "vaapi:/dev/dri/renderD999")
        self.assertEqual(status, 69, said)
        self.assertIn("no such node", said)


if __name__ == "__main__":
    unittest.main()
