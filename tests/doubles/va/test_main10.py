#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""HEVC Main10 on the double: a pattern for each picture, and a digest of each that it is asked to encode."""
import array
import sys
import unittest

import xxhash

import double
from case import FRAMES, HEIGHT, WIDTH, Case


def pattern(width, height, poc):
    """A picture of P010, as README.md describes it."""
    def code(x, y, component):
        return (((1 + component) * x + (3 - component) * y + 37 * component + 5 * poc) & 1023) << 6

    words = array.array("H", (code(x, y, 0) for y in range(height) for x in range(width)))
    words.extend(code(x // 2, y, 1 + x % 2) for y in range(height // 2) for x in range(width))
    if sys.byteorder == "big":
        words.byteswap()
    return words.tobytes()


class Main10(Case):
    def hevc(self, height=HEIGHT):
        clip = self.folder / "ten.mp4"
        double.ffmpeg(["-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{height}:r=25", "-frames:v", FRAMES, "-pix_fmt",
                       "yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=error", clip])
        return clip

    def digests(self):
        return [said["digest"] for name, said in double.events(self.log) if name == "encode"]

    def test_surfaces_have_the_pattern_of_their_number(self):
        got = double.decoded(self.hevc(), "p010le", double.TO_HOST, self.environment(main10=True))
        self.assert_same(got, b"".join(pattern(WIDTH, HEIGHT, poc) for poc in range(FRAMES)))

    def test_what_is_encoded_has_its_digest_in_the_log(self):
        target = self.folder / "again.mp4"
        double.ffmpeg([*double.ON_SURFACES, "-i", self.hevc(368), "-c:v", "hevc_vaapi", target],
                      self.environment(main10=True))
        self.assertEqual(self.crossings(), 0)
        wanted = [xxhash.xxh3_64_hexdigest(pattern(WIDTH, 368, poc)) for poc in range(FRAMES)]
        self.assertEqual(self.digests(), wanted)

    def test_the_rows_below_the_picture_are_no_part_of_it(self):
        target = self.folder / "again.mp4"
        double.ffmpeg([*double.ON_SURFACES, "-i", self.hevc(), "-vf", "hwdownload,format=p010,hwupload", "-c:v",
                       "hevc_vaapi", target], self.environment(main10=True, fail="tall"))
        wanted = [xxhash.xxh3_64_hexdigest(pattern(WIDTH, HEIGHT, poc)) for poc in range(FRAMES)]
        self.assertEqual(self.digests(), wanted)

    def test_there_is_none_unasked(self):
        clip = self.hevc()
        got = double.decoded(clip, "p010le", double.TO_HOST, self.environment())
        self.assert_same(got, double.decoded(clip, "p010le"))


if __name__ == "__main__":
    unittest.main()
