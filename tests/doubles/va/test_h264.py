#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""FFmpeg's own h264_vaapi and its VAAPI decoder of H.264 on the double: what went in comes out, bit for bit."""
import json
import subprocess
import unittest

import double
from case import FRAMES, HEIGHT, WIDTH, Case

SIZES = ((640, 368), (640, 362), (1920, 1080), (146, 150))
NEGATIVE = """
__kernel void negative(__write_only image2d_t to, unsigned index, __read_only image2d_t from)
{
    const sampler_t nearest = CLK_NORMALIZED_COORDS_FALSE | CLK_ADDRESS_CLAMP_TO_EDGE | CLK_FILTER_NEAREST;
    int2 at = (int2)(get_global_id(0), get_global_id(1));
    write_imagef(to, at, (float4)(1.0f) - read_imagef(from, nearest, at));
}
"""


class Encoding(Case):
    def test_any_player_shows_what_was_encoded(self):
        for width, height in SIZES:
            with self.subTest(size=f"{width}x{height}"):
                clip, wanted = self.clip(width, height, 3)
                self.assert_same(double.decoded(clip), wanted)

    def test_slices_of_several_rows(self):
        clip, wanted = self.clip(options=("-slices", "5"))
        self.assert_same(double.decoded(clip), wanted)
        self.assert_same(double.decoded(clip, options=double.TO_HOST, env=self.environment()), wanted)
        self.assertEqual(double.count(self.log, "decode"), FRAMES)

    def test_the_stream_says_what_it_is(self):
        clip, _ = self.clip()
        said = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-of", "json", "-show_streams", clip],
                              capture_output=True, text=True, check=True, timeout=60)
        stream = json.loads(said.stdout)["streams"][0]
        facts = [stream[key] for key in ("codec_name", "profile", "width", "height", "nb_read_packets")]
        self.assertEqual(facts, ["h264", "Constrained Baseline", WIDTH, HEIGHT, str(FRAMES)])

    def test_intra_pictures_alone(self):
        clip, wanted = self.clip(options=("-g", "1"))
        self.assert_same(double.decoded(clip), wanted)


class Decoding(Case):
    def test_surfaces_have_what_is_coded(self):
        for width, height in SIZES:
            with self.subTest(size=f"{width}x{height}"):
                clip, wanted = self.clip(width, height, 3)
                self.assert_same(double.decoded(clip, options=double.TO_HOST, env=self.environment()), wanted)
                self.assertEqual(double.count(self.log, "decode"), 3)
                self.log.unlink()

    def test_another_profile_is_left_to_software(self):
        source, clip = self.source(), self.folder / "high.mp4"
        double.ffmpeg([*double.raw_input(source, WIDTH, HEIGHT), "-c:v", "libx264", "-pix_fmt", "yuv420p", clip])
        got = double.decoded(clip, options=double.TO_HOST, env=self.environment())
        self.assert_same(got, double.decoded(clip))
        self.assertEqual(double.count(self.log, "decode"), 0)

    def test_other_macroblocks_are_an_error(self):
        source, clip = self.source(), self.folder / "baseline.mp4"
        double.ffmpeg([*double.raw_input(source, WIDTH, HEIGHT), "-c:v", "libx264", "-profile:v", "baseline",
                       "-pix_fmt", "yuv420p", clip])
        double.ffmpeg([*double.TO_HOST, "-i", clip, "-f", "null", "-"], self.environment(), check=False)
        self.assertEqual({said["status"] for name, said in double.events(self.log) if name == "decode"}, {"23"})


class Transcoding(Case):
    def test_on_surfaces_nothing_crosses(self):
        clip, wanted = self.clip()
        target = self.folder / "again.mp4"
        double.ffmpeg([*double.ON_SURFACES, "-i", clip, "-c:v", "h264_vaapi", target], self.environment())
        self.assertEqual(self.crossings(), 0)
        self.assert_same(double.decoded(target), wanted)

    def test_through_the_host_each_picture_crosses_twice(self):
        clip, wanted = self.clip()
        target = self.folder / "again.mp4"
        double.ffmpeg([*double.ON_SURFACES, "-i", clip, "-vf", "hwdownload,format=nv12,hwupload", "-c:v", "h264_vaapi",
                       target], self.environment())
        self.assertEqual(self.crossings(), 2 * FRAMES)
        self.assert_same(double.decoded(target), wanted)

    def through_opencl(self, target, clip, layer):
        (self.folder / "negative.cl").write_text(NEGATIVE)
        kernel = f"program_opencl=source={self.folder}/negative.cl:kernel=negative"
        return double.ffmpeg(
            ["-init_hw_device", f"vaapi=va:{double.NODE}", "-hwaccel", "vaapi", "-hwaccel_device", "va",
             "-hwaccel_output_format", "vaapi", "-i", clip, "-vf",
             f"hwmap=derive_device=opencl,{kernel},hwmap=derive_device=vaapi:reverse=1", "-c:v", "h264_vaapi",
             target], self.environment(layer=layer), check=False)

    def test_opencl_works_on_the_surfaces_themselves(self):
        clip, wanted = self.clip()
        target = self.folder / "negative.mp4"
        done = self.through_opencl(target, clip, layer=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.crossings(), 0)
        planes = 2 * 2 * FRAMES  # two of the decoder's surface, two of the encoder's
        self.assertEqual([double.count(self.log, name) for name in ("share", "acquire", "release")], [planes] * 3)
        self.assert_same(double.decoded(target), bytes(wanted).translate(bytes(range(255, -1, -1))))

    def test_without_the_layer_no_device_shares(self):
        clip, _ = self.clip()
        done = self.through_opencl(self.folder / "never.mp4", clip, layer=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(double.count(self.log, "share"), 0)


if __name__ == "__main__":
    unittest.main()
