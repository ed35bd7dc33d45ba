#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""FFmpeg's own NVENC, NVDEC and CUDA code on the doubles: what is encoded is what comes back, bit for bit."""
import itertools
import os
import re
import signal

from case import DoubleCase, main

SIZES = ("640x368", "640x362")
PICTURES = 10


# Of 10 bits, each is told from its neighbours.
TEN_BITS = "format=yuv420p10,geq=lum='mod(X*7+Y*13+N*31,1024)':cb='mod(X*5+Y*3+N,1024)':cr='mod(X+Y*11+N*7,1024)'"
CODINGS = (("h264_nvenc", "nv12"), ("h264_nvenc", "yuv420p"), ("hevc_nvenc", "nv12"), ("hevc_nvenc", "p010le"))


def source(size, pix_fmt="nv12"):
    picture = f"nullsrc=s={size}:r=25,{TEN_BITS}" if pix_fmt == "p010le" else f"testsrc2=s={size}:r=25"
    return ("-f", "lavfi", "-i", picture, "-frames:v", str(PICTURES), "-pix_fmt", pix_fmt)


class RoundTrip(DoubleCase):
    def test_content_is_exact(self):
        for size, (encoder, pix_fmt) in itertools.product(SIZES, CODINGS):
            with self.subTest(size=size, encoder=encoder, pix_fmt=pix_fmt):
                self.round_trip(size, encoder, pix_fmt)

    def round_trip(self, size, encoder, pix_fmt):
        raw = self.path("raw.mkv")
        planar = "yuv420p10" if pix_fmt == "p010le" else "yuv420p"
        self.ffmpeg(*source(size, pix_fmt), "-pix_fmt", planar, "-c:v", "ffv1", raw)
        wanted = self.pixels("-i", raw, pix_fmt=pix_fmt)
        self.assertEqual(len(set(wanted)), PICTURES)
        made, again = self.path("made.mp4"), self.path("again.mp4")
        self.ffmpeg("-i", raw, "-pix_fmt", pix_fmt, "-c:v", encoder, made)
        stream = self.probe(made)
        self.assertEqual(f"{stream['width']}x{stream['height']}", size)
        self.assertEqual(self.pixels("-i", made, pix_fmt=pix_fmt), wanted)

        self.forget()
        self.assertEqual(self.pixels("-hwaccel", "cuda", "-i", made, pix_fmt=pix_fmt), wanted)
        self.assertEqual(len(self.events("decode")), PICTURES)

        self.forget()
        self.ffmpeg("-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-i", made, "-c:v", encoder, again)
        self.assertEqual(len(self.events("decode")), PICTURES)
        self.assertEqual(len(self.events("encode", input="device")), PICTURES)
        for kind in ("HtoD", "DtoH"):
            self.assertEqual(self.events("memcpy", kind=kind), [])
        self.assertEqual(self.pixels("-i", again, pix_fmt=pix_fmt), wanted)

    def test_copies_are_counted(self):
        self.ffmpeg(*source("640x362"), "-c:v", "h264_nvenc", self.path("made.mp4"))
        self.assertEqual(len(self.events("memcpy", kind="HtoD", by="nvenc")), PICTURES)
        self.forget()
        uploaded = self.path("uploaded.mp4")
        self.ffmpeg("-init_hw_device", "cuda=c", "-filter_hw_device", "c", *source("640x362"), "-vf",
                    "format=nv12,hwupload", "-pix_fmt", "cuda", "-c:v", "h264_nvenc", uploaded)
        self.assertEqual(len(self.events("memcpy", kind="HtoD")), 2 * PICTURES)
        self.assertEqual(self.pixels("-i", uploaded), self.pixels(*source("640x362")))

    def test_headers_say_what_the_encoder_was_told(self):
        for (encoder, profile, suffix), full in itertools.product(
                (("h264_nvenc", "high", "h264"), ("hevc_nvenc", "main", "hevc")), (False, True)):
            with self.subTest(encoder=encoder, full=full):
                raw = self.path("made." + suffix)  # so that nothing but the stream tells
                area = "pc" if full else "tv"
                # FFmpeg 5.1 takes the colours of its options, 7.1 those of the pictures.
                self.ffmpeg(*source("640x362"), "-vf", f"setsar=4/3,scale=out_range={area},setparams=colorspace=bt709:"
                            f"color_trc=iec61966-2-1:color_primaries=smpte170m:range={area}", "-color_range", area,
                            "-colorspace", "bt709", "-color_trc", "iec61966-2-1", "-color_primaries", "smpte170m",
                            "-profile:v", profile, "-c:v", encoder, raw)
                stream = self.probe(raw)
                self.assertEqual(stream["color_range"], area)
                self.assertEqual(stream["color_space"], "bt709")
                self.assertEqual(stream["color_transfer"], "iec61966-2-1")
                self.assertEqual(stream["color_primaries"], "smpte170m")
                self.assertEqual(stream["sample_aspect_ratio"], "4:3")
                self.assertEqual(stream["profile"].lower(), profile)
                headers = self.ffmpeg("-i", raw, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-").stderr
                ticks, scale = (int(re.search(name + r" .* = (\d+)", headers).group(1))
                                for name in ("num_units_in_tick", "time_scale"))
                self.assertEqual(scale, ticks * (50 if encoder == "h264_nvenc" else 25))  # of H.264, ticks are of fields

    def test_b_pictures_make_it_hold_back(self):
        wanted = self.pixels(*source("640x362"))
        made = self.path("made.mp4")
        self.ffmpeg(*source("640x362"), "-c:v", "h264_nvenc", "-bf", "3", made)
        self.assertEqual(self.events("session start")[0]["interval"], "4")
        self.assertEqual(self.pixels("-i", made), wanted)


class Refusals(DoubleCase):
    def test_what_nvdec_has_not_is_decoded_in_software(self):
        clips = {
            "HEVC of 12 bits": ("-c:v", "libx265", "-pix_fmt", "yuv420p12", "-x265-params", "log-level=none"),
            "MPEG-2": ("-c:v", "mpeg2video"),
            "VP8": ("-c:v", "libvpx"),
        }
        for name, coding in clips.items():
            with self.subTest(name):
                clip = self.path("clip.mkv")
                self.ffmpeg(*source("640x362", "yuv420p"), *coding, clip)
                wanted = self.pixels("-i", clip)
                self.forget()
                self.assertEqual(self.pixels("-hwaccel", "cuda", "-i", clip), wanted)
                self.assertEqual([event["supported"] for event in self.events("caps")[:1]], ["0"])
                self.assertEqual(self.events("decode"), [])

    FOREIGN = {"libx264": (), "libx265": ("-x265-params", "log-level=none")}

    def test_foreign_streams_are_decoded_in_software_without_nvdec(self):
        for encoder, more in self.FOREIGN.items():
            with self.subTest(encoder):
                clip = self.path("clip.mp4")
                self.ffmpeg(*source("640x362", "yuv420p"), "-c:v", encoder, *more, clip)
                wanted = self.pixels("-i", clip)
                self.assertEqual(len(wanted), PICTURES)
                self.assertEqual(self.pixels("-hwaccel", "cuda", "-i", clip, fail="no-nvdec"), wanted)
                self.assertEqual(self.events("decoder open"), [])

    def test_foreign_streams_are_errors_in_the_middle(self):
        for encoder, more in self.FOREIGN.items():
            with self.subTest(encoder):
                clip = self.path("clip.mp4")
                self.ffmpeg(*source("640x362", "yuv420p"), "-c:v", encoder, *more, clip)
                self.forget()
                result = self.run_ffmpeg("-xerror", "-hwaccel", "cuda", "-i", clip, "-f", "null", "-")
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("operation not supported", result.stderr)
                self.assertEqual(len(self.events("decoder open")), 1)
                self.assertGreater(len(self.events("decode refused")), 0)
                self.assertEqual(self.events("decode"), [])

    def test_nvenc_has_a_least_size(self):
        result = self.run_ffmpeg(*source("128x128"), "-c:v", "h264_nvenc", self.path("made.mp4"))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("less than the minimum", result.stderr)

    def test_nvenc_has_no_10_bits_of_h264(self):
        result = self.run_ffmpeg(*source("640x368", "p010le"), "-c:v", "h264_nvenc", self.path("made.mp4"))
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(self.events("session start"), [])


class Failures(DoubleCase):
    def encode(self, fail, size="640x368"):
        return self.run_ffmpeg(*source(size), "-c:v", "h264_nvenc", self.path("made.mp4"), fail=fail)

    def test_failures_of_opening(self):
        for fail, words in {
            "no-device": "no CUDA-capable device",
            "no-nvenc": "no encode device",
            "unsupported-nvenc": "unsupported device",
            "old-driver": "Driver does not support the required nvenc API version",
            "session": "out of memory",
            "session=1": "out of memory",
        }.items():
            with self.subTest(fail):
                self.forget()
                result = self.encode(fail)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(words, result.stderr)
                self.assertEqual(len(self.events("fail", what=fail.partition("=")[0])), 1)
                self.assertEqual(self.events("encode"), [])

    def test_busy_ends(self):
        busy = self.path("busy")
        with open(busy, "w", encoding="ascii"):
            pass
        self.assertIn("out of memory", self.encode("busy=" + busy).stderr)
        os.remove(busy)
        self.assertEqual(self.encode("busy=" + busy).returncode, 0)

    def test_a_picture_is_not_encoded(self):
        self.assertNotEqual(self.encode("encode=4").returncode, 0)
        self.assertEqual(len(self.events("encode")), 3)

    def test_no_memory(self):
        result = self.run_ffmpeg("-init_hw_device", "cuda=c", "-filter_hw_device", "c", *source("640x362"), "-vf",
                                 "format=nv12,hwupload", "-pix_fmt", "cuda", "-c:v", "h264_nvenc",
                                 self.path("made.mkv"), fail="alloc")
        self.assertIn("CUDA_ERROR_OUT_OF_MEMORY", result.stderr)
        self.assertEqual(self.events("encode"), [])

    def test_crash(self):
        self.assertEqual(self.encode("crash").returncode, -signal.SIGSEGV)

    def test_hangs(self):
        made = self.path("made.mp4")
        self.ffmpeg(*source("640x368"), "-c:v", "h264_nvenc", made)
        again = ("-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-i", made, "-c:v", "h264_nvenc",
                 self.path("again.mp4"))
        for fail in ("hang-init", "hang-decode=5", "hang-encode=2"):
            name = fail.partition("=")[0]
            with self.subTest(name):
                self.forget()
                with self.start_ffmpeg(*again, fail=fail) as process:
                    self.wait_until(lambda: self.events("fail", what=name))
                    self.assertIsNone(process.poll())
                    process.kill()
                self.assertLess(len(self.events("encode")), PICTURES)

    def test_decode_error(self):
        made = self.path("made.mp4")
        self.ffmpeg(*source("640x368"), "-c:v", "h264_nvenc", made)
        self.forget()
        result = self.run_ffmpeg("-xerror", "-hwaccel", "cuda", "-i", made, "-f", "null", "-", fail="decode=5")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(len(self.events("fail", what="decode")), 1)

    def test_once(self):
        fail = "encode=4,once=" + self.path("once")
        self.assertNotEqual(self.encode(fail).returncode, 0)
        self.assertEqual(self.encode(fail).returncode, 0)


if __name__ == "__main__":
    main()
