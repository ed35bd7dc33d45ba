#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`--device auto` on a machine with an NVIDIA node, with the doubles as its driver; ../nodes.sh starts it."""
import json
import os
import shutil
import subprocess
from pathlib import Path

from case import PATIENCE, DoubleCase, main

BINARY = os.environ["VD_BINARY"]
PICTURES = 75
MIDDLE = 40  # more pictures than a trial has, fewer than the recording
STALL = "8"  # seconds


class AutoCase(DoubleCase):
    def setUp(self):
        super().setUp()
        self.clip = self.path("clip.mp4")
        self.ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=320x240:r=25:d={PICTURES / 25},setsar=1", "-c:v", "h264_nvenc",
                    self.clip)
        self.cache = Path(self.path("cache"))
        self.cache.mkdir()
        self.log = str(self.cache / "log")  # where a slot may write

    def environment(self, fail):
        return {**super().environment(fail), "CUDA_CACHE_PATH": self.path("cache")}

    def run_process(self, *args, fail=""):
        command = [BINARY, "process", self.clip, "-o", self.path("out.mp4"), "--overwrite", "--json", "--cache",
                   str(self.cache), *args]
        return subprocess.run(command, env=self.environment(fail), timeout=PATIENCE, capture_output=True, text=True,
                              check=False)

    def process(self, *args, fail=""):
        """The result's part about the device, and what was said."""
        done = self.run_process(*args, fail=fail)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["output"]["frames"], PICTURES)
        return result["device"], done.stderr

    def sessions(self):
        return len(self.events("session open"))


class Choice(AutoCase):
    def test_what_works_is_taken_and_remembered(self):
        device, _ = self.process()
        self.assertEqual((device["backend"], device["decoder"], device["kernel"], device["copies_per_frame"]),
                         ("cuda", "h264_nvdec", "ptx", 0))
        self.assertIn("vaapi-opencl: /dev/dri", device["fallback"])
        tried = self.sessions()
        self.forget()
        device, _ = self.process()
        self.assertEqual(device["backend"], "cuda")
        self.assertEqual(self.sessions(), 1)
        self.assertGreater(tried, 1)

    def test_what_does_not_work_is_told(self):
        for fail, words in (("no-nvenc", "h264_nvenc does not open"), ("old-driver", "h264_nvenc does not open"),
                            ("unsupported-nvenc", "h264_nvenc does not open"), ("session", "h264_nvenc is busy"),
                            ("no-device", "the NVIDIA driver sees no device"),
                            ("crash", "cuda:0: its driver crashed when tried (SIGSEGV)"),
                            ("launch", "the kernels do not run: CUDA_ERROR_LAUNCH_FAILED"),
                            ("module", "too old for our PTX (CUDA_ERROR_INVALID_PTX)"),
                            ("alloc", "CUDA_ERROR_OUT_OF_MEMORY"), ("encode", "h264_nvenc fails")):
            with self.subTest(fail):
                for verdict in self.cache.glob("*"):
                    if verdict.is_file():
                        verdict.unlink()
                device, said = self.process(fail=fail)
                self.assertEqual((device["backend"], device["encoder"]), ("cpu", "libx264"), said)
                self.assertIn(words, device["fallback"])

    def assert_coded_in_software(self, words, encoder, fail=""):
        """In the same run, and the device is none the worse for it."""
        device, said = self.process(fail=fail)
        self.assertEqual((device["backend"], device["encoder"]), ("cpu", encoder), said)
        self.assertIn(words, device["fallback"])
        self.assertNotIn("begun anew", said)
        self.assertTrue(self.events("launch"))

    def test_what_the_encoder_lacks_is_coded_in_software(self):
        self.ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=320x240:r=25:d={PICTURES / 25},setsar=1", "-pix_fmt",
                    "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", self.clip)
        self.assert_coded_in_software("hevc_nvenc does not open for p010le 320x240", "libx265", "no-deep")

    def test_what_is_too_wide_is_coded_in_software(self):
        self.ffmpeg("-f", "lavfi", "-i", f"color=s=4352x160:r=25:d={PICTURES / 25},setsar=1", "-c:v", "libx264",
                    "-preset", "ultrafast", self.clip)
        self.assert_coded_in_software("h264_nvenc: takes no side above 4096", "libx264")

    def test_a_driver_that_hangs_costs_seconds(self):
        device, _ = self.process(fail="hang-init")
        self.assertEqual(device["backend"], "cpu")
        self.assertIn("cuda:0: no answer within", device["fallback"])

    def test_demanded_it_never_falls_back(self):
        for fail, status, words in (("no-nvenc", 69, "h264_nvenc does not open"), ("session", 75, "h264_nvenc is busy"),
                                    (f"encode={MIDDLE}", 69, "h264_nvenc fails"), ("crash", 69, "died of SIGSEGV"),
                                    ("hang-init", 69, "made no progress"),
                                    (f"hang-encode={MIDDLE}", 69, "made no progress"),
                                    (f"hang-decode={MIDDLE}", 69, "made no progress")):
            with self.subTest(fail):
                done = self.run_process("--device", "cuda", "--stall", STALL, fail=fail)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertFalse(os.path.exists(self.path("out.mp4")))


class Middle(AutoCase):
    def test_a_device_that_fails_is_given_up(self):
        self.process()  # a trial has more launches
        for fail, words in ((f"launch={MIDDLE}", "the kernel fails: CUDA_ERROR_LAUNCH_FAILED"),
                            (f"encode={MIDDLE}", "h264_nvenc fails")):
            with self.subTest(fail):
                device, said = self.process(fail=fail)
                self.assertEqual(device["backend"], "cpu")
                self.assertIn("begun anew on cpu", said)
                self.assertIn(words, device["fallback"])

    def test_a_decoder_that_fails_once_may_be_right(self):
        device, said = self.process(fail=f"decode={MIDDLE}")
        self.assertEqual((device["backend"], device["decoder"]), ("cuda", "h264"))
        self.assertIn("as its decoder failed", said)

    def test_output_that_is_not_sound_is_the_devices(self):
        device, said = self.process(fail=f"times={MIDDLE}")
        self.assertEqual(device["backend"], "cpu")
        self.assertIn("h264_nvenc: its output is not sound: mp4 refuses a picture", device["fallback"])
        self.assertIn("begun anew on cpu", said)
        # where nothing else may do it, it is no reason to wait for the device
        done = self.run_process("--device", "cuda", fail=f"times={MIDDLE}")
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertIn("refuses a picture of h264_nvenc", done.stderr)

    def test_one_that_hangs_is_given_up(self):
        device, said = self.process("--stall", STALL, fail=f"hang-encode={MIDDLE}")
        self.assertEqual(device["backend"], "cpu")
        self.assertIn("begun anew on cpu", said)
        self.assertIn("made no progress", device["fallback"])


class Appliance(AutoCase):
    def run_appliance(self, fail="", count=1, **settings):
        """The results, in the order in which they were made, and what was said."""
        settings = {f"VIDRIERA_{name.upper()}": value for name, value in settings.items()}
        session = Path(self.path("data")) / "recordings" / "session"
        session.mkdir(parents=True)
        for i in range(count):
            shutil.copy(self.clip, session / f"clip{i}.mp4")
        command = [BINARY, "run", "--data", self.path("data"), "--exit-when-idle", "--cache", str(self.cache)]
        done = subprocess.run(command, env={**self.environment(fail), **settings}, timeout=PATIENCE, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        sidecars = (Path(self.path("data")) / "processed" / "session").glob("*.json")
        results = [json.loads(sidecar.read_text()) for sidecar in sidecars]
        return sorted(results, key=lambda result: result["finished"]), done.stderr

    def test_the_worker_takes_it(self):
        (result,), _ = self.run_appliance()
        self.assertEqual(result["device"]["backend"], "cuda")

    def test_the_worker_goes_on_without_it(self):
        (result,), said = self.run_appliance(fail=f"encode={MIDDLE}")
        self.assertEqual((result["status"], result["device"]["backend"]), ("completed", "cpu"), said)
        self.assertIn("h264_nvenc", result["device"]["fallback"])

    def test_a_hang_is_the_devices(self):
        (result,), said = self.run_appliance(fail=f"hang-encode={MIDDLE}", limits_stall="8s")
        self.assertEqual((result["status"], result["device"]["backend"]), ("completed", "cpu"), said)

    def test_taking_too_long_is_not(self):
        results, said = self.run_appliance(fail=f"hang-encode={MIDDLE}", worker_timeout="2s")
        self.assertEqual(results, [])
        self.assertIn("not done in 2 s", said)
        self.assertNotIn("begins anew", said)

    def test_one_that_is_demanded_and_busy_is_waited_for(self):
        busy, session = Path(self.path("busy")), Path(self.path("data")) / "recordings" / "session"
        busy.touch()
        session.mkdir(parents=True)
        shutil.copy(self.clip, session / "clip.mp4")
        settings = {"VIDRIERA_PROCESS_DEVICE": "cuda", "VIDRIERA_WORKER_ATTEMPTS": "1", "VIDRIERA_HTTP_LISTEN": "off"}
        command = [BINARY, "run", "--data", self.path("data"), "--cache", str(self.cache), "--log-format", "text"]
        with subprocess.Popen(command, env={**self.environment(f"busy={busy}"), **settings}, stderr=subprocess.PIPE,
                              text=True) as program:
            told = []
            for line in program.stderr:
                told.append(line)
                if "busy" in line and busy.exists():
                    busy.unlink()
                if "completed: " in line or "failed: " in line:
                    break
            program.terminate()
            program.communicate()
        self.assertFalse(busy.exists(), told)
        self.assertIn("completed: processed/session/clip.mp4", told[-1], told)

    def test_a_recording_that_it_cannot_do_stops_nobody(self):
        self.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=1", "-pix_fmt", "yuv444p", "-c:v", "libx264",
                    self.clip)
        results, said = self.run_appliance(process_device="cuda")
        self.assertEqual(results, [])
        self.assertIn("failed: recordings/session/clip0.mp4: encode: h264_nvenc: takes 4:2:0", said)

    def test_a_decoder_that_fails_at_each_recording_is_told(self):
        results, said = self.run_appliance(f"decode={MIDDLE},decode={2 * MIDDLE}", count=2, worker_slots="1")
        self.assertEqual([(result["device"]["backend"], result["device"]["decoder"]) for result in results],
                         [("cuda", "h264"), ("cpu", "h264")], said)
        self.assertIn("its decoder fails", results[1]["device"]["fallback"])


if __name__ == "__main__":
    main()
