#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dead letter goes back, with the header that `vidriera retry` gives it: the job is done anew, once."""
import json
import os
import shlex
import signal
import unittest

import appliance as programs
from appliance import sha256
from case import DLQ, STATUS, KafkaCase, main
from children import wait_for
from clients import JOBS
from test_kill import CI, fault_binary

RETRY = "vidriera.retry"
# Its recordings are too large for a worker with this, and for none without it.
STRICT = {"limits_pixels": "1000"}
# Of a retry, then of any job.
STEPS = ("taken", "claimed", "restored", "reset", "forgotten", "started", "done", "named", "committed", "published",
         "archived")


class RetryCase(KafkaCase):
    def failed(self, **fields):
        """A recording that failed, whose cause is gone."""
        appliance = self.kafka_appliance(instance="only")
        recording = appliance.record("s/r.mp4")
        appliance.record("s/other.mp4")
        appliance.path("recordings", "s/metadata.json").write_text("{}")
        place = appliance.send(recording, partition=3, **fields)
        self.drained(appliance, **STRICT)
        event, = self.events()
        self.assertEqual(event["status"], "failed", event)
        self.assertEqual(appliance.files("failed"), ["s/r.mp4", "s/r.mp4.reason.json"])
        letter, = self.read(DLQ)
        self.assertEqual(letter.header("vidriera.job"), event["job"])
        self.assertEqual(letter.header("vidriera.origin"), f"{JOBS}-{place[0]}-{place[1]}")
        return appliance, recording, letter

    def retry(self, letter, origin=None):
        """(partition, offset)"""
        headers = [(RETRY, (origin or letter.header("vidriera.origin")).encode())]
        return self.sender.send(JOBS, letter.value, letter.key, headers)

    def assert_done_anew(self, appliance, recording, before=1):
        """Failed so many times, completed once, and nothing is left of the failure."""
        events = self.events()
        self.assertEqual(sorted(event["status"] for event in events), ["completed"] + ["failed"] * before)
        self.assertEqual(len({event["job"] for event in events}), 1)
        self.assertEqual(len(self.read(DLQ)), before)
        event, = (event for event in events if event["status"] == "completed")
        self.assert_completed(appliance, recording, event)
        wait_for(lambda: not appliance.claims(), 15, f"no claim is left ({appliance.claims()})")
        self.assertEqual(appliance.parts(), [])
        self.assertEqual(appliance.files("failed"), [])
        self.assertEqual(appliance.files("processed"), ["s/r.mp4", "s/r.mp4.json"])
        self.assertEqual(appliance.files("archived"), ["s/r.mp4"])
        self.assertEqual(appliance.files("recordings"), ["s/metadata.json", "s/other.mp4"])
        return event

    def assert_duplicate(self, appliance, letter):
        before = (self.events(), [root for name in programs.ROOTS for root in appliance.files(name)])
        self.retry(letter)
        self.drained(appliance)
        after = (self.events(), [root for name in programs.ROOTS for root in appliance.files(name)])
        self.assertEqual(before, after)


class Retry(RetryCase):
    def test_the_cause_is_gone(self):
        asked = {"output": {"quality": 30.0}, "device": "cpu"}
        appliance, recording, letter = self.failed(id="job", **asked)
        reason = json.loads(appliance.path("failed", "s/r.mp4.reason.json").read_text())
        self.assertEqual(reason["replay"]["order"], asked)
        place = self.retry(letter)
        self.drained(appliance)
        self.assertEqual(self.assert_done_anew(appliance, recording)["attempt"], 1)
        running = [message.json() for message in self.read(STATUS) if message.value]
        told = [status for status in running if (status["partition"], status["offset"]) == place]
        self.assertTrue(told, running)
        self.assertEqual(told[0]["input"], {"root": "recordings", "path": "s/r.mp4"})
        self.assert_duplicate(appliance, letter)
        self.assert_done_anew(appliance, recording)

    def test_without_an_id(self):
        """The recording is away, so no digest of it can tell which job it was."""
        appliance, recording, letter = self.failed()
        self.retry(letter)
        self.drained(appliance)
        self.assert_done_anew(appliance, recording)
        self.assert_duplicate(appliance, letter)

    def test_fails_again(self):
        """The new failure has a letter of its own; the old one retries nothing any more."""
        appliance, recording, first = self.failed(id="job")
        again = self.retry(first)
        self.drained(appliance, **STRICT)
        self.assertEqual(appliance.files("failed"), ["s/r.mp4", "s/r.mp4.reason.json"])
        self.assertEqual([event["status"] for event in self.events()], ["failed"] * 2)
        second, = (letter for letter in self.read(DLQ) if letter.header("vidriera.origin") != first.header("vidriera.origin"))
        self.assertEqual(second.header("vidriera.origin"), f"{JOBS}-{again[0]}-{again[1]}")
        self.assertEqual(second.header(RETRY), first.header("vidriera.origin"))
        self.assert_duplicate(appliance, first)
        self.retry(second)
        self.drained(appliance)
        self.assert_done_anew(appliance, recording, 2)

    def test_of_another_message(self):
        """The coordinates are not those of the end: what it would be without the header."""
        appliance, _, letter = self.failed(id="job")
        self.retry(letter, f"{JOBS}-3-77")
        self.drained(appliance)
        self.assertEqual([event["status"] for event in self.events()], ["failed"])
        self.assertEqual(appliance.files("failed"), ["s/r.mp4", "s/r.mp4.reason.json"])

    def test_two_retries_at_once(self):
        appliance, recording, letter = self.failed(id="job")
        for partition in range(4):
            self.sender.send(JOBS, letter.value, letter.key, [(RETRY, letter.headers["vidriera.origin"])], partition)
        self.drained(appliance, worker_slots=2)
        self.assert_done_anew(appliance, recording)

    def test_another_file_has_its_place(self):
        """It is nobody's to overwrite; the one that is there is what the order is about."""
        appliance, old, letter = self.failed(id="job")
        new = appliance.record("s/r.mp4")
        self.retry(letter)
        self.drained(appliance)
        event, = (event for event in self.events() if event["status"] == "completed")
        self.assert_completed(appliance, new, event)
        self.assertEqual(sha256(appliance.path("failed", "s/r.mp4")), old.sha256)


@unittest.skipUnless(os.geteuid() == 0, "only root can be two users")
class AnotherUser(RetryCase):
    OTHER, OURS = 1000, 10001

    def test_a_folder_that_is_not_ours(self):
        """The recording cannot be had back: that order fails with words; mended, it can be retried."""
        appliance, recording, first = self.failed(id="job")
        self.give_away(appliance.data)
        folder = appliance.path("failed", "s")
        os.chown(folder, self.OTHER, self.OTHER)
        folder.chmod(0o755)
        again = self.retry(first)
        worker = self.as_other(appliance)
        self.wait_no_lag(appliance)
        event, = (event for event in self.events() if "cannot be tried again" in event["error"]["message"])
        self.assertEqual((event["job"], event["status"]), ("job", "failed"))
        self.assertRegex(event["error"]["message"], r"failed/s/r\.mp4 .*setfacl")
        wait_for(lambda: not appliance.claims(), 15, f"no claim is left ({appliance.claims()})")
        self.assertEqual(appliance.files("failed"), ["s/r.mp4", "s/r.mp4.reason.json"])
        folder.chmod(0o777)
        second, = (letter for letter in self.read(DLQ)
                   if letter.header("vidriera.origin") == f"{JOBS}-{again[0]}-{again[1]}")
        self.retry(second)
        self.wait_no_lag(appliance)
        self.assertEqual(worker.stop(), 0)
        self.assert_done_anew(appliance, recording, 2)

    def give_away(self, folder):
        os.chown(folder, self.OURS, self.OURS)
        for top, folders, files in os.walk(folder):
            for name in folders + files:
                os.chown(os.path.join(top, name), self.OURS, self.OURS, follow_symlinks=False)

    def as_other(self, appliance):
        # The tie to our end is cut where the user changes: setpriv makes it anew.
        user = f"--reuid={self.OURS} --regid={self.OURS} --clear-groups --pdeathsig=KILL"
        return appliance.start("worker", wrap=["setpriv", *shlex.split(user)])


class Killed(RetryCase):
    def setUp(self):
        super().setUp()
        binary = fault_binary()
        if not binary:
            (self.fail if CI else self.skipTest)("no binary with named steps: build one with -DVD_FAULT_POINTS=ON")
        before = programs.BINARY
        programs.BINARY = binary
        self.addCleanup(setattr, programs, "BINARY", before)

    def test_at_each_step(self):
        for step in STEPS:
            for fields in ({"id": "job"}, {}):
                with self.subTest(step, **fields):
                    self.fresh_topics()
                    appliance, recording, letter = self.failed(**fields)
                    self.retry(letter)
                    worker = appliance.worker(fault=step)
                    self.assertEqual(worker.wait(30), -signal.SIGKILL, f"it does not end itself at {step!r}")
                    self.drained(appliance)
                    self.assert_done_anew(appliance, recording)

    def test_at_every_step_in_turn(self):
        appliance, recording, letter = self.failed(id="job")
        self.retry(letter)
        for step in STEPS:
            worker = appliance.worker(fault=step)
            wait_for(lambda worker=worker: not worker.alive() or self.lag(appliance) == 0, 30, f"{step} is over")
            worker.kill()
        worker = appliance.worker()
        wait_for(lambda: worker.said("Kafka answers"), 30, "the last one is there")
        wait_for(lambda: self.lag(appliance) == 0 and not appliance.claims(), 30, "all is done")
        self.assertEqual(worker.stop(), 0)
        self.assert_done_anew(appliance, recording)


if __name__ == "__main__":
    main()
