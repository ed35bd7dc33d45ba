#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`vidriera run` on what Jibri leaves: the whole appliance in one process, with the embedded broker."""
import json
import os
import subprocess
import threading
import time
import unittest
from pathlib import Path

import clips
from appliance import Recording, digest, sha256
from broker import ROOT
from case import Case, main
from children import wait_for

NAMES = ("plain_2026-03-04-10-00-00.mp4", "it's \"quoted\"_2026-03-04-10-00-00.mp4",
         "line\nbreak_2026-03-04-10-00-00.mp4", "sesión ñandú 日本 🎥_2026-03-04-10-00-00.mp4",
         "-n --help; $(id) `id` %s_2026-03-04-10-00-00.mp4", "n" * 125 + "_2026-03-04-10-00-00.mp4")
METADATA = {"meeting_url": "https://meet.example/room", "share": True,
            "participants": [{"user": {"id": "x", "name": "Núria"}}]}


class Jibri(Case):
    def setUp(self):
        super().setUp()
        self.appliance = super().appliance(watch_quiet="1s", watch_rescan="2s")

    def session(self, name, *files, metadata=METADATA):
        recordings = [self.appliance.record(f"{name}/{file}") for file in files]
        if metadata is not None:
            self.appliance.path("recordings", f"{name}/metadata.json").write_text(json.dumps(metadata))
        return recordings

    def run_until_idle(self, *more, seconds=120, **settings):
        program = self.appliance.start("run", "--exit-when-idle", *more, **settings)
        self.assertEqual(program.wait(seconds), 0, program.text()[-2000:])
        return program

    def document(self, recording):
        """The sidecar of its only output."""
        documents = [json.loads(self.appliance.path("processed", name).read_text())
                     for name in self.appliance.files("processed") if name.endswith(".json")]
        mine, = [document for document in documents if document["input"]["path"] == recording.path]
        return mine

    def assert_done(self, recordings, archived_too=()):
        """Each once, and nothing else: there are no events to count, so the tree tells."""
        outputs = set()
        for recording in recordings:
            document = self.document(recording)
            self.assertEqual(document["status"], "completed")
            file = self.appliance.path("processed", document["output"]["path"])
            self.assertEqual(digest(file), document["output"]["digest"])
            self.assertEqual(sha256(self.appliance.path("archived", recording.path)), recording.sha256)
            outputs.add(document["output"]["path"])
        self.assert_tree(self.appliance, outputs, {*archived_too, *(recording.path for recording in recordings)})

    def test_names_and_metadata(self):
        recordings = []
        for i, name in enumerate(NAMES):
            recordings += self.session(f"session{i}", name)
        program = self.run_until_idle()
        self.assert_done(recordings, {f"session{i}/metadata.json" for i in range(len(NAMES))})
        for recording in recordings:
            document = self.document(recording)
            self.assertEqual(document["output"]["path"], recording.path)
            self.assertEqual({key: document["meta"].get(key) for key in METADATA}, METADATA)
            self.assertEqual(document["session"], recording.path.split("/")[0])
        self.assertEqual(program.text().count("embedded"), 1, "it says once what its broker is")
        self.assertNotIn("Núria", program.text())

    def test_metadata_leaves_with_the_last_recording(self):
        recordings = self.session("s", "one.mp4", "two.mp4")
        broken = self.session("mixed", "good.mp4")
        self.appliance.record("mixed/noise.mp4", bytes(5000))
        self.run_until_idle()
        self.assertEqual(self.appliance.files("recordings"), [])
        self.assertEqual(sorted(name for name in self.appliance.files("archived") if name.startswith("s/")),
                         ["s/metadata.json", "s/one.mp4", "s/two.mp4"])
        self.assertEqual(self.document(recordings[1])["meta"]["share"], True)
        self.assertEqual(self.document(broken[0])["status"], "completed")
        self.assertIn("mixed/noise.mp4", self.appliance.files("failed"))

    def test_a_folder_that_was_never_finalized(self):
        """No metadata.json, no mark: an orphan, done when it is quiet and readable."""
        recordings = self.session("orphan", "r.mp4", metadata=None)
        program = self.run_until_idle()
        self.assertTrue(program.said("orphan"), program.text())
        self.assertEqual(self.document(recordings[0])["meta"], {})
        self.assert_done(recordings)

    def test_metadata_of_any_kind(self):
        """It has no schema: what cannot be read does not stop the recording."""
        kinds = {"list": "[1, 2]", "cut": '{"meeting_url": "htt', "empty": "", "bytes": "\x00\x01",
                 "large": json.dumps({"participants": ["x" * 100] * 5000})}
        recordings = []
        for kind, text in kinds.items():
            recordings += self.session(kind, "r.mp4", metadata=None)
            self.appliance.path("recordings", f"{kind}/metadata.json").write_text(text)
        self.run_until_idle()
        self.assert_done(recordings, {f"{kind}/metadata.json" for kind in kinds})

    def test_the_finalize_script(self):
        """Its mark makes a recording finished; without it a long quiet time would be waited for."""
        marked, = self.session("marked", "r.mp4", metadata=None)
        self.session("unmarked", "r.mp4", metadata=None)
        done = subprocess.run([ROOT / "docker/finalize.sh", self.appliance.path("recordings", "marked")], check=False,
                              capture_output=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        self.assertTrue(self.appliance.path("recordings", "marked/.vidriera-final").exists())
        program = self.appliance.start("run", watch_quiet="1h")
        wait_for(self.appliance.path("archived", marked.path).exists, 30, "the marked one is archived")
        time.sleep(1)
        self.assertTrue(self.appliance.path("recordings", "unmarked/r.mp4").exists(), "the unmarked one was taken")
        self.assertEqual(program.stop(), 0)

    def test_a_growing_file_is_not_taken(self):
        """Its index is at the front, so that it could be read from its first piece on."""
        whole = clips.make(frames=250, size="320x180", options=("-movflags", "+faststart")).read_bytes()
        target = self.appliance.path("recordings", "s/growing.mp4")
        target.parent.mkdir(parents=True)
        others = self.session("t", "at-once.mp4")
        grown = threading.Event()

        def grow():
            pieces = 34
            size = len(whole) // pieces + 1
            with open(target, "ab", buffering=0) as file:
                for i in range(pieces):
                    file.write(whole[i * size:(i + 1) * size])
                    time.sleep(0.6)
            grown.set()
        writer = threading.Thread(target=grow)
        writer.start()
        program = self.appliance.start("run", "--exit-when-idle", watch_quiet="2s")
        wait_for(self.appliance.path("archived", others[0].path).exists, 15, "the other is done meanwhile")
        inode = target.stat().st_dev, target.stat().st_ino
        early = False
        while not grown.is_set():
            early = early or program.slot_with(_Inode(inode)) or "s/growing.mp4" in self.appliance.files("processed")
            time.sleep(0.05)
        writer.join()
        self.assertFalse(early, "it was taken while it grew")
        self.assertTrue(program.alive(), "it ended while a file grew")
        recording = Recording(self.appliance.path("recordings"), "s/growing.mp4")
        self.assertEqual(program.wait(60), 0)
        self.assertEqual(self.document(recording)["output"]["frames"], 250)
        self.assert_done([recording, *others], {"t/metadata.json"})

    def test_killed_and_started_again(self):
        """What was archived stays so, the rest is done, and nothing twice."""
        recordings = []
        for i in range(40):
            recordings += self.session(f"s{i}", "r.mp4")
        for done in (1, 8, 20):
            program = self.appliance.start("run", "--exit-when-idle", worker_slots=2)
            wait_for(lambda done=done, program=program: self.archived() >= done or not program.alive(), 60,
                     "some are done")
            self.assertTrue(program.alive(), program.text()[-2000:])
            program.kill()
        self.run_until_idle(worker_slots=2)
        self.assert_done(recordings, {f"s{i}/metadata.json" for i in range(40)})
        before = sorted((name, self.appliance.path("processed", name).stat().st_mtime_ns)
                        for name in self.appliance.files("processed"))
        self.run_until_idle()
        self.assertEqual(before, sorted((name, self.appliance.path("processed", name).stat().st_mtime_ns)
                                        for name in self.appliance.files("processed")))

    def archived(self):
        return sum(name.endswith(".mp4") for name in self.appliance.files("archived"))

    def test_undecodable(self):
        good = self.session("s", "good.mp4")
        noise = self.appliance.record("t/noise.mp4", os.urandom(20000))
        program = self.run_until_idle()
        self.assertEqual(sha256(self.appliance.path("failed", "t/noise.mp4")), noise.sha256)
        reason = json.loads(self.appliance.path("failed", "t/noise.mp4.reason.json").read_text())
        self.assertEqual((reason["status"], reason["error"]["class"]), ("failed", "reject"))
        self.assertEqual(self.document(good[0])["status"], "completed")
        self.assertEqual(self.appliance.files("recordings"), [])
        self.assertTrue(program.said("completed=1", "failed=1", "rejected=0"), program.text())
        self.run_until_idle()
        self.assertEqual(len(self.appliance.files("failed")), 2)

    def test_more_than_the_broker_holds(self):
        """Its broker keeps little: the folder is the queue, and a hundred jobs at most are on their way."""
        recordings = []
        for i in range(150):
            recordings += self.session(f"s{i}", "r.mp4", metadata=None)
        self.run_until_idle(worker_slots=2, seconds=240)
        self.assert_done(recordings)

    def test_what_is_no_recording_of_ours(self):
        """Dot files, parts, links, other files and names that are not UTF-8 stay, and do not keep it from ending."""
        recordings = self.session("s", "r.mp4", metadata=None)
        folder = self.appliance.path("recordings", "s")
        clip = clips.make().read_bytes()
        stays = [b".hidden.mp4", b"upload.mp4.part", b"notes.txt", b"latin-\xf1.mp4"]
        for name in stays:
            (folder / os.fsdecode(name)).write_bytes(clip)
        (self.folder / "outside.mp4").write_bytes(clip)
        (folder / "link.mp4").symlink_to(self.folder / "outside.mp4")
        program = self.run_until_idle()
        self.assertEqual(sorted(os.listdir(os.fsencode(folder))), sorted([*stays, b"link.mp4"]))
        self.assertEqual(self.document(recordings[0])["status"], "completed")
        self.assertTrue(program.said("rename"), "nothing was said of the name that is not UTF-8")

    def test_submit_finds_the_embedded_broker(self):
        program = self.appliance.start("run", watch_quiet="1h")
        address = self.appliance.path(".vidriera", "broker")
        wait_for(address.exists, 15, "the broker's address is written down")
        recording = self.appliance.record("s/r.mp4")
        done = self.appliance.run("submit", "--wait", self.appliance.path("recordings", recording.path))
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(self.appliance.path("archived", recording.path).exists, 15, "it is archived")
        self.assertEqual(program.stop(), 0)
        self.assertFalse(address.exists(), "the address of a broker that is gone")
        self.assert_done([recording])

    def test_nothing_there(self):
        began = time.monotonic()
        self.run_until_idle()
        self.assertLess(time.monotonic() - began, 15)
        for root in ("recordings", "processed", "archived", "failed"):
            self.assertTrue(self.appliance.path(root).is_dir(), root)
        self.assertEqual(self.appliance.path(".vidriera").stat().st_mode & 0o777, 0o700)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_a_fault_of_the_host(self):
        """Nothing can be written: it does not end as if all were done, but with 75."""
        self.session("s", "r.mp4", metadata=None)
        processed = self.appliance.path("processed")
        processed.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", processed], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(processed)], check=False)
        program = self.appliance.start("run", "--exit-when-idle", worker_reserve="100M")
        self.assertEqual(program.wait(60), 75, program.text())
        self.assertEqual(self.appliance.files("recordings"), ["s/r.mp4"])

    def spool(self, number, recording, **fields):
        """An order that waits for a broker."""
        name = f".vidriera/spool/{number:020}-{Path(recording.path).stem}.job"
        order = {"input": {"path": recording.path}, **fields}
        self.appliance.path(name).write_text(json.dumps(order))

    def test_orders_in_the_spool_alone(self):
        """One without an id too: it does not end before they are done, as its broker forgets them with it."""
        self.run_until_idle()
        first, second = self.session("s", "a.video", "b.video", metadata=None)  # the watch takes no such names
        self.spool(1, first)
        self.spool(2, second, id="second")
        self.run_until_idle(worker_slots=1)
        self.assertEqual([self.document(one)["status"] for one in (first, second)], ["completed"] * 2)
        self.assertEqual(os.listdir(self.appliance.path(".vidriera/spool")), [])

    def test_an_order_for_a_device_that_is_not_here(self):
        """It is tried again, given up by itself, and keeps nobody waiting."""
        self.run_until_idle()
        for turn, device in enumerate(("vaapi:/dev/dri/none", "cuda:63")):
            with self.subTest(device):
                # the watch takes no files of the first one's name; the other one is its own, and comes later
                demanding, plain = self.session(f"s{turn}", "demanding.video", "plain.mp4", metadata=None)
                self.spool(turn, demanding, device=device)
                program = self.run_until_idle(worker_slots=1, worker_attempts=3)
                self.assertEqual(self.document(plain)["status"], "completed")
                said = program.text()
                self.assertTrue(program.said(f"failed: recordings/s{turn}/demanding.video: "), said)
                self.assertTrue(program.said("run ended: completed=1 failed=1"), said)
                self.assertEqual(self.appliance.files("recordings"), [])
                self.assertIn(f"s{turn}/demanding.video", self.appliance.files("failed"))


class _Inode:
    """A recording of which only that is known."""

    def __init__(self, inode):
        self.inode = inode


if __name__ == "__main__":
    main()
