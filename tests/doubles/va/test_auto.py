#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera process` where render nodes are: ../nodes.sh "renderD128 renderD129" starts it. `--device auto` tries, remembers,
and goes on with the next best when a device fails in the middle; one that is demanded never does; two are told apart."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import double
from case import Case

FIRST, SECOND = 128, 129
WIDTH, HEIGHT = 192, 128
PICTURES, MIDDLE = 110, 60  # more than fit into pools and queues
STALL = "8"  # seconds
AT_MOST = 120


def node(number):
    return f"/dev/dri/renderD{number}"


class Auto(Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="vidriera-double-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.scratch = cls.shared / "pocl"  # where a slot may write, so the log is there too
        cls.scratch.mkdir()
        source = double.pictures(cls.shared / "source.nv12", WIDTH, HEIGHT, PICTURES)
        cls.clip = double.encode(source, cls.shared / "clip.mp4", WIDTH, HEIGHT,
                                 double.environment(cls.scratch / "log", cls.scratch))
        cls.by_processor = None  # a digest, once it is wanted

    def setUp(self):
        super().setUp()
        self.log = self.scratch / "log"
        self.log.unlink(missing_ok=True)
        self.cache = self.folder / "cache"
        self.output = self.folder / "output.mp4"

    def run_vidriera(self, *words, **how):
        return subprocess.run([os.environ["VD_BINARY"], *words], capture_output=True, text=True, timeout=AT_MOST,
                              check=False, env=double.environment(self.log, self.scratch, **how))

    def run_process(self, *options, cache=None, **how):
        return self.run_vidriera("process", "--json", "--progress", "none", "--overwrite", "-o", self.output, "--cache",
                                 cache or self.cache, *options, self.clip, **how)

    def process(self, *options, **how):
        """What the result says of the device, and what was said."""
        done = self.run_process(*options, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["output"]["frames"], PICTURES)
        return result["device"], done.stderr

    def opened(self):
        """The number of each node that a process opened, in turn."""
        return [int(how["node"]) for name, how in double.events(self.log) if name == "init"]

    def trust(self, layer):
        """From here on both nodes are known to work, and nothing else is known."""
        known = [self.shared / f"known-{layer}-{number}" for number in (SECOND, FIRST)]
        for cache, fail in zip(known, (f"no-profile,node:{FIRST}", "")):  # the second is tried when the first fails
            if not cache.exists():
                self.process(layer=layer, cache=cache, fail=fail)
        shutil.rmtree(self.cache, ignore_errors=True)
        for cache in known:
            shutil.copytree(cache, self.cache, dirs_exist_ok=True)
        self.log.unlink(missing_ok=True)


class Choice(Auto):
    def test_what_works_is_taken_and_remembered(self):
        for layer, backend, copies in ((True, "vaapi-opencl", 0), (False, "vaapi-host", 2)):
            with self.subTest(backend):
                for again in (False, True):
                    device, _ = self.process(layer=layer)
                    self.assertEqual((device["backend"], device["decoder"], device["encoder"],
                                      device["copies_per_frame"]), (backend, "h264_vaapi", "h264_vaapi", copies))
                    self.assertEqual(len(self.opened()) == 1, again)
                    self.log.unlink()
        self.assertIn("cl_intel_va_api_media_sharing", device["fallback"])

    def test_what_does_not_work_is_told(self):
        for fail, words in (("no-profile", "h264_vaapi does not open"), ("surface:30", "surfaces of 640x368"),
                            ("sync:9", "h264_vaapi fails"), ("encode:2", "h264_vaapi fails"),
                            ("crash-init", f"vaapi-host:{node(FIRST)}: its driver crashed when tried (SIGSEGV)")):
            with self.subTest(fail):
                shutil.rmtree(self.cache, ignore_errors=True)
                device, said = self.process(fail=fail)
                self.assertEqual((device["backend"], device["decoder"], device["encoder"]), ("cpu", "h264", "libx264"),
                                 said)
                self.assertIn(words, device["fallback"])
                self.assertNotIn("begun anew", said)

    def test_a_driver_that_hangs_costs_seconds(self):
        device, _ = self.process(fail=f"hang-init,node:{FIRST}", layer=True)
        self.assertEqual(device["backend"], "vaapi-opencl")
        self.assertIn(f"vaapi-opencl:{node(FIRST)}: no answer within", device["fallback"])
        self.assertEqual(set(self.opened()), {FIRST, SECOND})

    def test_software_decodes_where_only_an_encoder_is(self):
        for fail in ("no-decode", "decode:2"):
            with self.subTest(fail):
                shutil.rmtree(self.cache, ignore_errors=True)
                device, _ = self.process(fail=fail)
                self.assertEqual((device["backend"], device["decoder"], device["copies_per_frame"]),
                                 ("vaapi-host", "h264", 1))


class Middle(Auto):
    """Both nodes are known to work, and fail in the middle of a recording."""

    def assert_as_on_the_processor(self, device):
        self.assertEqual((device["backend"], device["decoder"], device["encoder"], device["copies_per_frame"]),
                         ("cpu", "h264", "libx264", 0))
        made = hashlib.sha256(self.output.read_bytes()).hexdigest()
        if not type(self).by_processor:
            self.process("--device", "cpu")
            type(self).by_processor = hashlib.sha256(self.output.read_bytes()).hexdigest()
        self.assertEqual(made, type(self).by_processor)

    def fall_back(self, fail, words, *options, layer=False):
        with self.subTest(fail):
            self.trust(layer)
            device, said = self.process(*options, layer=layer, fail=fail)
            self.assertIn("begun anew on cpu", said)
            self.assertIn(words, device["fallback"])
            self.assert_as_on_the_processor(device)

    def test_the_other_goes_on(self):
        for layer, backend in ((False, "vaapi-host"), (True, "vaapi-opencl")):
            with self.subTest(backend):
                self.trust(layer)
                device, said = self.process(layer=layer, fail=f"encode:{MIDDLE},node:{FIRST}")
                self.assertEqual(device["backend"], backend)
                self.assertIn(f"begun anew on {backend}:{node(SECOND)}", said)
                self.assertIn("h264_vaapi fails", device["fallback"])

    def test_the_processor_goes_on(self):
        self.fall_back(f"encode:{MIDDLE}", "h264_vaapi fails")
        self.fall_back("surface:30", f"surfaces of {WIDTH}x{HEIGHT}")
        self.fall_back("sync:90", "a surface cannot be read")
        self.fall_back("hang:90", "made no progress", "--stall", STALL)

    def test_a_node_that_fails_is_given_up_for_every_backend(self):
        self.fall_back("sync:90", "a surface cannot be mapped", layer=True)
        self.assertEqual(self.opened(), [FIRST, SECOND])  # what goes through the host would fail there as well


class Worker(Auto):
    def test_it_goes_on_without_the_device(self):
        self.trust(False)
        session = self.folder / "data" / "recordings" / "session"
        session.mkdir(parents=True)
        shutil.copy(self.clip, session)
        done = self.run_vidriera("run", "--data", self.folder / "data", "--exit-when-idle", "--cache", self.cache,
                                 fail=f"encode:{MIDDLE}")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads((self.folder / "data" / "processed" / "session" / "clip.mp4.json").read_text())
        self.assertEqual((result["status"], result["device"]["backend"]), ("completed", "cpu"), done.stderr)
        self.assertIn("h264_vaapi fails", result["device"]["fallback"])


class Demanded(Auto):
    def test_by_path_and_by_index(self):
        for words, number in (("vaapi:0", FIRST), ("vaapi:1", SECOND), (f"vaapi:{node(FIRST)}", FIRST),
                              (f"vaapi-host:{node(SECOND)}", SECOND), ("vaapi-opencl:1", SECOND)):
            with self.subTest(words):
                self.log.unlink(missing_ok=True)
                self.process("--device", words, layer=True, fail=f"no-profile,node:{FIRST + SECOND - number}")
                self.assertEqual(set(self.opened()), {number})

    def test_a_family_is_the_first_of_it_that_works(self):
        for layer, fail, backend in ((False, "crash-init", "vaapi-host"), (True, "no-profile", "vaapi-opencl")):
            with self.subTest(fail):
                device, _ = self.process("--device", "vaapi", layer=layer, fail=f"{fail},node:{FIRST}")
                self.assertEqual(device["backend"], backend)
                self.assertEqual(self.opened()[-1], SECOND)

    def test_there_is_no_third(self):
        done = self.run_process("--device", "vaapi:2")
        self.assertEqual(done.returncode, 69)
        self.assertIn("there are 2 such devices, counted from 0", done.stderr)
        self.assertEqual(self.opened(), [])

    def test_software_decodes_what_it_does_not(self):
        for fail, words in (("no-decode", "decoded in software"), (f"decode:{MIDDLE}", "as its decoder failed")):
            with self.subTest(fail):
                device, said = self.process("--device", "vaapi:0", fail=fail)
                self.assertEqual((device["backend"], device["decoder"], device["encoder"], device["copies_per_frame"]),
                                 ("vaapi-host", "h264", "h264_vaapi", 1))
                self.assertIn(words, said)

    def test_it_never_falls_back(self):
        for fail, words in (("no-profile", "h264_vaapi does not open"), (f"encode:{MIDDLE}", "h264_vaapi fails"),
                            ("hang:90", "made no progress"), ("hang-init", "made no progress"),
                            ("crash-init", "died of SIGSEGV")):
            with self.subTest(fail):
                done = self.run_process("--device", "vaapi:0", "--stall", STALL, fail=fail)
                self.assertEqual(done.returncode, 69, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(list(self.folder.glob("*.mp4")), [])
                self.assertEqual(set(self.opened()), {FIRST})
                self.log.unlink()


if __name__ == "__main__":
    unittest.main()
