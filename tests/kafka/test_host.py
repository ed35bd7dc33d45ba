#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's faults: a full disk, folders that are away or cannot be written. Nothing is lost or dead-lettered, and
work goes on by itself. The mounts are in a namespace of this program alone, and go with it."""
import ctypes
import os
import subprocess
import time
import unittest

from case import DLQ, RESULTS, KafkaCase, main
from children import wait_for
from clips import PLACEBO

CLONE_NEWNS = 0x20000


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def private_mounts():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
        return False
    mount("--make-rprivate", "/")
    return True


def setUpModule():
    if not private_mounts():
        raise unittest.SkipTest("no mount namespace to be had: only root gets one")


class Host(KafkaCase):
    def unmount(self, path):
        subprocess.run(["umount", "--lazy", str(path)], check=True)

    def shared(self, appliance, root):
        """The root becomes a share of its own, which can go and come back. The function that brings it back."""
        share = appliance.folder / f"share-{root}"
        share.mkdir()
        target = appliance.path(root)
        target.mkdir(exist_ok=True)

        def bring():
            mount("--bind", share, target)
        bring()
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(target)], check=False, stderr=subprocess.DEVNULL)
        return bring

    def assert_waits(self, appliance, worker):
        """Nothing came of the orders, and the worker lives."""
        before = len(self.read(RESULTS))
        time.sleep(3)
        self.assertTrue(worker.alive(), worker.text())
        self.assertEqual((len(self.read(RESULTS)), self.read(DLQ)), (before, []))
        self.assertGreater(self.lag(appliance), 0)

    def assert_goes_on(self, appliance, worker, recordings):
        appliance.wait_events(recordings, 60)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, recordings)

    def small_disk(self, appliance, size):
        """processed is on a disk of its own."""
        processed = appliance.path("processed")
        processed.mkdir()
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", processed)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(processed)], check=False, stderr=subprocess.DEVNULL)
        return processed

    def test_disk_full(self):
        """It fills up while an output is written."""
        appliance = self.kafka_appliance(worker_reserve=0)
        processed = self.small_disk(appliance, "300k")
        recordings = [appliance.record(f"s/{i}.mp4", size="640x360", frames=50) for i in range(3)]
        worker = appliance.worker()
        appliance.send_all(recordings, output={"quality": 1})
        wait_for(lambda: worker.said("No space left") or worker.said("full"), 30, "it says that the disk is full")
        self.assert_waits(appliance, worker)
        self.assertEqual(appliance.files("processed"), [])
        mount("-o", "remount,size=64m", processed)
        self.assert_goes_on(appliance, worker, recordings)

    def test_less_free_than_is_needed(self):
        """No job begins: less is free than the reserve, or than the reserve and the input's size."""
        for reserve, size in (("100M", "50m"), ("0", "100k")):
            with self.subTest(reserve=reserve, size=size):
                self.fresh_topics()
                appliance = self.kafka_appliance(worker_reserve=reserve)
                processed = self.small_disk(appliance, size)
                recording = appliance.record("s/r.mp4", size="640x360", frames=50)
                worker = appliance.worker()
                appliance.send(recording, id="r")
                wait_for(lambda worker=worker: worker.said("free"), 15, "it says that space is missing")
                self.assert_waits(appliance, worker)
                self.assertIsNone(worker.slot_with(recording))
                self.assertIsNone(worker.said("going on"), "it says that it goes on, and cannot")
                mount("-o", "remount,size=200m", processed)
                self.assert_goes_on(appliance, worker, [recording])

    def away(self, root):
        appliance = self.kafka_appliance()
        bring = self.shared(appliance, root)
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(3)]
        worker = appliance.worker()
        appliance.send(recordings[0], partition=0)
        appliance.wait_event(recordings[0])
        wait_for(appliance.path("archived", "s/0.mp4").exists, 15, "the first is archived")
        self.unmount(appliance.path(root))
        for recording in recordings[1:]:
            appliance.send(recording)
        self.assert_waits(appliance, worker)
        self.assertEqual(list(appliance.path(root).iterdir()), [], "something was written below the mount")
        bring()
        self.assert_goes_on(appliance, worker, recordings)

    def test_processed_is_not_mounted(self):
        self.away("processed")

    def test_recordings_is_not_mounted(self):
        self.away("recordings")

    def test_archived_is_not_mounted(self):
        """Results need it not: but an original must not land below the mount."""
        appliance = self.kafka_appliance()
        bring = self.shared(appliance, "archived")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        worker = appliance.worker()
        appliance.send(recordings[0])
        wait_for(appliance.path("archived", "s/0.mp4").exists, 30, "the first is archived")
        self.unmount(appliance.path("archived"))
        appliance.send(recordings[1])
        time.sleep(3)
        self.assertTrue(worker.alive(), worker.text())
        self.assertEqual((list(appliance.path("archived").iterdir()), self.read(DLQ)), ([], []))
        bring()
        appliance.wait_events(recordings)
        wait_for(appliance.path("archived", "s/1.mp4").exists, 90, "the second is archived")
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, recordings)

    def test_processed_goes_away_in_mid_job(self):
        appliance = self.kafka_appliance()
        bring = self.shared(appliance, "processed")
        recording = appliance.record_slow("s/r.mp4", 3)
        worker = appliance.worker()
        appliance.send(recording, **PLACEBO)
        worker.wait_slot(recording)
        self.unmount(appliance.path("processed"))
        wait_for(lambda: not worker.slot_with(recording), 60, "the attempt ends")
        time.sleep(2)
        self.assertTrue(worker.alive(), worker.text())
        self.assertEqual(self.read(DLQ), [])
        bring()
        self.assert_goes_on(appliance, worker, [recording])

    def test_processed_is_read_only(self):
        appliance = self.kafka_appliance()
        self.shared(appliance, "processed")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        worker = appliance.worker()
        appliance.send(recordings[0])
        appliance.wait_event(recordings[0])
        mount("-o", "remount,ro,bind", appliance.path("processed"))
        appliance.send(recordings[1])
        self.assert_waits(appliance, worker)
        mount("-o", "remount,rw,bind", appliance.path("processed"))
        self.assert_goes_on(appliance, worker, recordings)

    def test_read_only_from_the_start(self):
        """A worker that starts meanwhile waits too."""
        appliance = self.kafka_appliance()
        self.shared(appliance, "processed")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        appliance.send(recordings[0])
        self.drained(appliance)
        mount("-o", "remount,ro,bind", appliance.path("processed"))
        appliance.send(recordings[1])
        worker = appliance.worker()
        self.assert_waits(appliance, worker)
        mount("-o", "remount,rw,bind", appliance.path("processed"))
        self.assert_goes_on(appliance, worker, recordings)


if __name__ == "__main__":
    main()
