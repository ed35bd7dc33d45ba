#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera process --device cuda` from end to end: its pictures against those of --device cpu, bit for bit."""
import json
import os
import subprocess

from case import PATIENCE, DoubleCase, main

BINARY = os.environ["VD_BINARY"]
PICTURES = 10
SOURCE = ("-f", "lavfi", "-i", f"testsrc2=s=1280x720:r=25:d={PICTURES / 25}")


class ProcessCase(DoubleCase):
    def environment(self, fail):
        # where a driver may keep what it compiled, a media process may write: also the log
        return {**super().environment(fail), "CUDA_CACHE_PATH": self.folder}

    def clip(self, size, *coding, pix_fmt="yuv420p", name="clip.mp4"):
        path = self.path(name)
        self.ffmpeg(*SOURCE, "-vf", f"scale={size.replace('x', ':')},setsar=1", "-pix_fmt", pix_fmt, *coding, path)
        self.forget()
        return path

    def run_process(self, clip, device, *args, fail=""):
        command = [BINARY, "process", clip, "-o", self.path(f"{device}.mp4"), "--overwrite", "--json"]
        return subprocess.run([*command, "--device", device, *args], env=self.environment(fail), timeout=PATIENCE,
                              capture_output=True, text=True, check=False)

    def process(self, clip, device, *args, pix_fmt="nv12", fail=""):
        """The result's part about the device, and a digest of each picture."""
        result = self.run_process(clip, device, *args, fail=fail)
        self.assertEqual(result.returncode, 0, result.stderr)
        pictures = self.pixels("-i", self.path(f"{device}.mp4"), pix_fmt=pix_fmt)
        self.assertEqual(len(pictures), PICTURES)
        return json.loads(result.stdout)["device"], pictures

    def assert_as_on_cpu(self, clip, fail=""):
        """What the NVENC double makes is exact, and so is x264 at quality 0."""
        device, pictures = self.process(clip, "cuda", fail=fail)
        _, wanted = self.process(clip, "cpu", "--quality", "0")
        self.assertEqual(pictures, wanted)
        self.assertNotEqual(pictures, self.pixels("-i", clip))
        self.assertEqual((device["backend"], device["encoder"]), ("cuda", "h264_nvenc"))
        return device

    def crossings(self):
        """Planes that were copied between host and device, either way."""
        return len(self.events("memcpy", kind="HtoD")) + len(self.events("memcpy", kind="DtoH"))


class Pictures(ProcessCase):
    def test_nothing_leaves_the_device(self):
        for size in ("640x368", "640x362", "1280x720"):
            with self.subTest(size):
                device = self.assert_as_on_cpu(self.clip(size, "-c:v", "h264_nvenc", pix_fmt="nv12"))
                self.assertEqual((device["decoder"], device["kernel"]), ("h264_nvdec", "ptx"))
                self.assertEqual(device["copies_per_frame"], 0)
                self.assertEqual(len(self.events("encode", input="device")), PICTURES)
                self.assertEqual(self.crossings(), 0)

    def test_a_preview_is_no_copy_of_the_way(self):
        clip = self.clip("640x368", "-c:v", "h264_nvenc", pix_fmt="nv12")
        device, _ = self.process(clip, "cuda", "--preview", self.path("preview.png"))
        self.assertEqual(device["copies_per_frame"], 0)
        self.assertGreater(self.crossings(), 0)

    def test_decoding_comes_before_showing(self):
        """Whatever the distances of the pictures are; the encoder's presets ask for B pictures."""
        clip = self.path("clip.mkv")
        self.ffmpeg(*SOURCE, "-vf", "scale=640:368,setsar=1,setpts=N*N/25/TB", "-vsync", "passthrough", "-c:v",
                    "libx264", clip)
        self.assert_as_on_cpu(clip)
        told = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=pts,dts", "-of", "csv=p=0",
                               self.path("cuda.mp4")], capture_output=True, text=True, check=True).stdout
        times = [tuple(map(int, line.split(",")[:2])) for line in told.split()]
        self.assertEqual(len(times), PICTURES)
        self.assertTrue(all(dts <= pts for pts, dts in times), times)
        self.assertEqual([dts for _, dts in times], sorted({dts for _, dts in times}))

    def test_ten_bits(self):
        clip = self.clip("640x362", "-c:v", "hevc_nvenc", pix_fmt="p010le")
        device, pictures = self.process(clip, "cuda", pix_fmt="p010le")
        self.assertEqual((device["decoder"], device["kernel"], device["encoder"]), ("hevc_nvdec", "ptx", "hevc_nvenc"))
        self.assertEqual((device["copies_per_frame"], self.crossings()), (0, 0))
        device, wanted = self.process(clip, "cuda", pix_fmt="p010le", fail="no-nvdec")
        self.assertEqual((device["decoder"], device["copies_per_frame"]), ("hevc", 1))
        self.assertEqual(pictures, wanted)
        self.assertNotEqual(pictures, self.pixels("-i", clip, pix_fmt="p010le"))

    def test_more_pictures_than_pools_have(self):
        count, clip = 110, self.path("long.mp4")
        self.ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=192x160:r=25:d={count / 25},setsar=1", "-c:v", "h264_nvenc", clip)
        made = []
        for device, options in (("cuda", ()), ("cpu", ("--quality", "0"))):
            done = self.run_process(clip, device, *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            made.append(self.pixels("-i", self.path(f"{device}.mp4")))
        self.assertEqual(len(made[0]), count)
        self.assertEqual(made[0], made[1])

    def test_the_stream_says_its_colours(self):
        told = {"sample_aspect_ratio": "4:3", "color_range": "pc", "color_space": "bt709",
                "color_transfer": "iec61966-2-1", "color_primaries": "smpte170m"}
        clip = self.path("coloured.mp4")
        for decoder, coding in (("h264_nvdec", "h264_nvenc"), ("h264", "libx264")):
            with self.subTest(decoder):
                self.ffmpeg(*SOURCE, "-vf", "scale=640:362:out_range=pc,format=yuv420p,setsar=4/3,setparams=range=pc:"
                            "colorspace=bt709:color_trc=iec61966-2-1:color_primaries=smpte170m", "-c:v", coding,
                            "-color_range", "pc", "-colorspace", "bt709", "-color_trc", "iec61966-2-1",
                            "-color_primaries", "smpte170m", clip)
                self.assertEqual({key: self.probe(clip).get(key) for key in told}, told)
                device, _ = self.process(clip, "cuda")
                self.assertEqual(device["decoder"], decoder)
                raw = self.path("made.h264")  # so that nothing but the stream tells
                self.ffmpeg("-i", self.path("cuda.mp4"), "-c", "copy", raw)
                stream = self.probe(raw)
                self.assertEqual({key: stream.get(key) for key in told}, told)

    def assert_decoded_in_software(self, device, decoder):
        self.assertEqual((device["decoder"], device["copies_per_frame"]), (decoder, 1))
        self.assertNotEqual(device["kernel"], "ptx")
        self.assertEqual(len(self.events("encode", input="device")), PICTURES)
        self.assertEqual(self.crossings(), 2 * PICTURES)

    def test_software_decodes_what_nvdec_does_not(self):
        clip = self.clip("640x362", "-c:v", "libx264")
        self.assert_decoded_in_software(self.assert_as_on_cpu(clip, fail="no-nvdec"), "h264")

    def test_software_decodes_what_nvdec_fails_at(self):
        clip = self.clip("640x362", "-c:v", "libx264")
        self.assert_decoded_in_software(self.assert_as_on_cpu(clip), "h264")

    def test_software_begins_anew_where_nvdec_fails_in_the_middle(self):
        clip = self.clip("640x362", "-c:v", "h264_nvenc", pix_fmt="nv12")
        device = self.assert_as_on_cpu(clip, fail="decode=5")
        self.assertEqual(len(self.events("fail", what="decode")), 1)
        self.assertEqual((device["decoder"], device["copies_per_frame"]), ("h264", 1))

    def test_odd_sizes_are_padded(self):
        clip = self.clip("641x361", "-c:v", "libvpx-vp9", "-deadline", "realtime", name="clip.mkv")
        device = self.assert_as_on_cpu(clip)
        self.assertEqual((device["kernel"] != "ptx", device["copies_per_frame"]), (True, 1))


class Failures(ProcessCase):
    def assert_fails(self, fail, status, words):
        clip = self.clip("640x362", "-c:v", "h264_nvenc", pix_fmt="nv12")
        result = self.run_process(clip, "cuda", fail=fail)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertFalse(os.path.exists(self.path("cuda.mp4")))

    def test_sessions_are_taken(self):
        self.assert_fails("session", 75, "h264_nvenc is busy")

    def test_there_is_no_nvenc(self):
        for fail in ("no-nvenc", "unsupported-nvenc", "old-driver"):
            with self.subTest(fail):
                self.assert_fails(fail, 69, "h264_nvenc does not open")

    def assert_unfit(self, clip, fail, words):
        result = self.run_process(clip, "cuda", fail=fail)
        self.assertEqual(result.returncode, 69, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertIn("use --device auto", result.stderr)

    def test_the_encoder_is_not_of_that_kind(self):
        clip = self.clip("640x362", "-c:v", "hevc_nvenc", pix_fmt="p010le")
        for fail in ("no-deep", "no-hevc"):
            with self.subTest(fail):
                self.assert_unfit(clip, fail, "hevc_nvenc does not open for p010le 640x362")

    def test_the_picture_is_too_wide(self):
        clip = self.clip("4352x160", "-c:v", "libx264", "-preset", "ultrafast")
        self.assert_unfit(clip, "", "h264_nvenc: takes no side above 4096, and the picture is 4352x160")

    def test_there_is_no_device(self):
        self.assert_fails("no-device", 69, "the NVIDIA driver sees no device")

    def test_driver_is_too_old(self):
        self.assert_fails("module", 69, "too old for our PTX (CUDA_ERROR_INVALID_PTX)")

    def test_kernel_fails(self):
        # the first two launches are of opening
        # what comes next tells, the kernel or the decoder
        self.assert_fails("launch=9", 69, "CUDA_ERROR_LAUNCH_FAILED")

    def test_encoder_fails(self):
        self.assert_fails("encode=3", 69, "h264_nvenc fails")


if __name__ == "__main__":
    main()
