#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at any moment: after a restart everything is as if nothing had happened.

VD_KILL_ROUNDS: how many rounds (100 when CI=true, else 25). VD_KILL_SEED: the random moments of an earlier run.
VD_FAULT_BINARY: a vidriera built with -DVD_FAULT_POINTS=ON, for the named steps; VD_BINARY when that one has them.
"""
import os
import random
import signal
import time
from pathlib import Path

import appliance as programs
from case import KafkaCase, main
from children import wait_for
from clips import BINARY

CI = os.environ.get("CI") == "true"
ROUNDS = int(os.environ.get("VD_KILL_ROUNDS", "100" if CI else "25"))
SEED = int(os.environ.get("VD_KILL_SEED", random.SystemRandom().randrange(10**6)))
STEPS = ("taken", "claimed", "started", "done", "sidecar", "named", "committed", "published", "archived")
BACKLOG = 10
# Long enough to be met, short enough to be done between two kills: twenty lives of a worker cost a job its own.
CLIP, ORDER = {"size": "160x90", "frames": 75}, {"output": {"preset": "slow"}}


def fault_binary():
    """A binary that has the named steps; None."""
    for binary in (os.environ.get("VD_FAULT_BINARY"), BINARY):
        if binary and Path(binary).exists() and b"VIDRIERA_FAULT" in Path(binary).read_bytes():
            return Path(binary)
    return None


class Random(KafkaCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.recordings, self.met, self.hurt = [], 0, set()

    def feed(self, appliance):
        """There is always something to be done."""
        undone = len(self.recordings) - len({event["input"]["path"] for event in appliance.events()})
        new = [appliance.record(f"s{len(self.recordings) + i}/r.mp4", **CLIP)
               for i in range(BACKLOG - undone)]
        appliance.send_all(new, **ORDER)
        self.recordings += new

    def busy(self, worker):
        """slot -> the recording that it works on."""
        here = {}
        for recording in self.recordings[-3 * BACKLOG:]:
            slot = worker.slot_with(recording)
            if slot:
                here[slot] = recording
        return here

    def kill_slot(self, worker):
        """Of a job that has not lost one: two deaths mean that the recording is to blame."""
        for slot in self.busy(worker):
            # Held still, or it goes on to another job between the look and the kill.
            os.kill(slot, signal.SIGSTOP)
            recording = self.busy(worker).get(slot)
            if recording and recording.path not in self.hurt:
                self.hurt.add(recording.path)
                os.kill(slot, signal.SIGKILL)
                return True
            os.kill(slot, signal.SIGCONT)
        return False

    def round(self, appliance, worker):
        """One kill. The worker that goes on, or None."""
        if self.random.random() < 0.9:
            wait_for(lambda: self.feed(appliance) or self.busy(worker), 30, "the worker is at work again")
        time.sleep(self.random.uniform(0, 0.7))
        if self.random.random() < 0.3:
            self.met += self.kill_slot(worker)
            return worker
        self.met += bool(self.busy(worker))
        worker.kill()
        return None

    def test_rounds(self):
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        appliance = self.kafka_appliance(instance="only", worker_slots=2)
        worker = None
        for _ in range(ROUNDS):
            self.feed(appliance)
            worker = worker or appliance.worker()
            worker = self.round(appliance, worker)
        if worker:
            worker.kill()
        self.drained(appliance, 120)
        print(f"{len(self.recordings)} recordings, {self.met} of {ROUNDS} kills met a running job", flush=True)
        self.assertGreaterEqual(self.met, ROUNDS / 2, "too few kills met a running job to tell anything")
        self.assert_end_state(appliance, self.recordings)


class Named(KafkaCase):
    """The binary of these tests ends itself at the step that VIDRIERA_FAULT names."""

    def setUp(self):
        super().setUp()
        self.binary = fault_binary()
        if not self.binary:
            (self.fail if CI else self.skipTest)("no binary with named steps: build one with -DVD_FAULT_POINTS=ON")
        before = programs.BINARY
        programs.BINARY = self.binary
        self.addCleanup(setattr, programs, "BINARY", before)

    def dies(self, appliance, step, **settings):
        worker = appliance.worker(fault=step, **settings)
        self.assertEqual(worker.wait(30), -signal.SIGKILL, f"it does not end itself at {step!r}")

    def test_one_kill_at_each(self):
        for step in STEPS:
            with self.subTest(step):
                self.fresh_topics()
                appliance = self.kafka_appliance(instance="only")
                recording = appliance.record("s/r.mp4")
                appliance.send(recording)
                self.dies(appliance, step)
                self.drained(appliance)
                self.assert_end_state(appliance, [recording])

    def test_every_step_in_turn_on_one_job(self):
        """Each life gets a little further, and the last one ends it."""
        appliance = self.kafka_appliance(instance="only")
        recording = appliance.record("s/r.mp4")
        appliance.send(recording)
        for step in STEPS:
            worker = appliance.worker(fault=step)
            wait_for(lambda worker=worker: not worker.alive() or self.lag(appliance) == 0, 30, f"{step} is over")
            worker.kill()
        self.drained(appliance)
        self.assert_end_state(appliance, [recording])

    def test_another_worker_takes_over(self):
        """Without its name: what the dead one left is nobody's in particular."""
        for step in ("started", "named", "committed", "published"):
            with self.subTest(step):
                self.fresh_topics()
                appliance = self.kafka_appliance()
                recording = appliance.record("s/r.mp4")
                appliance.send(recording)
                self.dies(appliance, step)
                self.drained(appliance)
                self.assert_end_state(appliance, [recording])

    def test_published_and_archived_by_whoever_is_there(self):
        """No restart: a worker that runs already archives what the dead one published."""
        appliance = self.kafka_appliance()
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        appliance.send(recordings[0])
        self.dies(appliance, "published")
        self.assertTrue(appliance.path("recordings", "s/0.mp4").exists(), "it was archived before it ended itself")
        other = appliance.worker()
        appliance.send(recordings[1])
        appliance.wait_events(recordings)
        wait_for(lambda: len(appliance.files("archived")) == 2, 75, "both are archived")
        self.assertEqual(other.stop(), 0)
        self.assert_end_state(appliance, recordings)


if __name__ == "__main__":
    main()
