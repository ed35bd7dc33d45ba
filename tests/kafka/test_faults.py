#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fails around a job: the broker, the slot, the worker's own end, a folder of somebody else."""
import os
import shlex
import signal
import time
import unittest

import clips
from case import CONTROL, DLQ, RESULTS, SESSION_MS, KafkaCase, main
from children import descendants, wait_for
from clips import PLACEBO
from gate import Gate


class BrokerAway(KafkaCase):
    def test_gone_at_start(self):
        """Says so, waits, and goes on by itself when the broker comes."""
        appliance = self.kafka_appliance(kafka_bootstrap_servers=self.broker.gated)
        recording = appliance.record("s/r.mp4")
        appliance.send(recording)
        worker = appliance.worker()
        wait_for(lambda: worker.said("broker"), 15, "the worker says that there is no broker")
        time.sleep(1)
        self.assertTrue(worker.alive(), worker.text())
        self.assertLess(len(worker.lines()), 50, "it says it over and over")
        with Gate(self.broker):
            appliance.wait_event(recording)
            self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, [recording])

    def test_stopped_in_mid_job_past_the_session(self):
        """The job is not cancelled: the attempt that ran when the broker went finishes."""
        appliance = self.kafka_appliance()
        recording = appliance.record_slow("s/r.mp4", 3 + 3 * SESSION_MS / 1000)
        worker = appliance.worker()
        appliance.send(recording, id="r", **PLACEBO)  # without an id a slot would read it first to make one
        slot = worker.wait_slot(recording)
        self.broker.stop()
        time.sleep(1.2 * SESSION_MS / 1000)
        self.assertEqual(worker.slot_with(recording), slot, "the job was given up, or ended too early for this test")
        self.broker.start()
        self.assertEqual(worker.slot_with(recording), slot, "the job was given up, or ended too early for this test")
        event = appliance.wait_event(recording, 60)
        self.assertEqual(event["attempt"], 1)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, [recording])

    def test_crashed_and_back_after_the_job_is_done(self):
        """The event waits for the broker."""
        appliance = self.kafka_appliance()
        recordings = [appliance.record_slow("s/r.mp4", 2), appliance.record("s/next.mp4")]
        worker = appliance.worker()
        appliance.send(recordings[0], partition=0, **PLACEBO)
        appliance.send(recordings[1], partition=0)
        worker.wait_slot(recordings[0])
        self.broker.kill()
        wait_for(appliance.path("processed", "s/r.mp4.json").exists, 60, "the job is done without a broker")
        time.sleep(1.2 * SESSION_MS / 1000)
        self.assertTrue(worker.alive(), worker.text())
        self.broker.start()
        appliance.wait_events(recordings, 60)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, recordings)
        self.assertEqual({event["attempt"] for event in self.events()}, {1})


class LongJobs(KafkaCase):
    def test_three_times_longer_than_the_poll_interval(self):
        appliance = self.kafka_appliance(kafka_session_timeout_ms=2000, kafka_heartbeat_interval_ms=300,
                                         kafka_max_poll_interval_ms=2000)
        recording = appliance.record_slow("s/r.mp4", 7)
        worker = appliance.worker()
        appliance.send(recording, id="r", **PLACEBO)  # without an id a slot would read it first to make one
        slot = worker.wait_slot(recording)
        while worker.slot_with(recording):
            self.assertEqual(worker.slot_with(recording) or slot, slot, "it was started again")
            time.sleep(0.2)
        event = appliance.wait_event(recording)
        self.assertGreater(event["metrics"]["wall_s"], 6, "too quick for this test")
        self.assertEqual(event["attempt"], 1)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, [recording])


class Slots(KafkaCase):
    def killed(self, times, number=signal.SIGKILL, **settings):
        """A job whose slot gets the signal in its first attempts, beside another that is left alone."""
        appliance = self.kafka_appliance(worker_slots=2, **settings)
        recording, other = appliance.record_slow("s/r.mp4", 4), appliance.record_slow("s/other.mp4", 4)
        worker = appliance.worker()
        appliance.send(other, partition=1, **PLACEBO)
        appliance.send(recording, partition=0, id="victim", **PLACEBO)
        beaten = set()
        for _ in range(times):
            slot = wait_for(lambda: {worker.slot_with(recording)} - {None} - beaten, 60, "the next attempt").pop()
            os.kill(slot, number)
            beaten.add(slot)
        event = appliance.wait_event(recording, 90)
        self.assertEqual(appliance.wait_event(other, 60)["attempt"], 1, "the other slot did not go on")
        self.assertEqual(worker.stop(), 0)
        return appliance, [recording, other], event

    def test_killed_once(self):
        appliance, recordings, event = self.killed(1)
        self.assertEqual((event["status"], event["attempt"]), ("completed", 2))
        self.assert_end_state(appliance, recordings)

    def test_killed_twice(self):
        """No third attempt: the recording is set aside, and the signal is named."""
        appliance, (recording, other), event = self.killed(2)
        self.assertIn(event["status"], ("failed", "rejected"))
        self.assertEqual(event["error"]["class"], "reject")
        self.assertIn("SIGKILL", event["error"]["message"])
        letter, = self.read(DLQ)
        self.assertIn("SIGKILL", letter.header("vidriera.error.message"))
        self.assertEqual(letter.header("vidriera.error.attempt"), "2")
        wait_for(appliance.path("failed", recording.path).exists, 15, "it is in failed")
        self.assertEqual(appliance.files("failed"), ["s/r.mp4", "s/r.mp4.reason.json"])
        self.assertEqual(appliance.files("processed"), ["s/other.mp4", "s/other.mp4.json"])
        wait_for(lambda: appliance.files("archived") == [other.path], 15, "the other is archived")
        self.assertEqual(appliance.parts(), [])

    def test_stopped(self):
        """A slot that makes no progress is ended, and the job tried again."""
        appliance, recordings, event = self.killed(1, signal.SIGSTOP, limits_stall="8s")
        self.assertEqual((event["status"], event["attempt"]), ("completed", 2))
        self.assert_end_state(appliance, recordings)

    def test_past_its_time(self):
        appliance = self.kafka_appliance(worker_timeout="1s", worker_attempts=2)
        recording = appliance.record_slow("s/r.mp4", 20)
        appliance.worker()
        appliance.send(recording, **PLACEBO)
        event = appliance.wait_event(recording, 60)
        self.assertEqual((event["status"], event["error"]["class"]), ("failed", "reject"))
        wait_for(appliance.path("failed", recording.path).exists, 15, "it is in failed")
        self.assertEqual(appliance.parts(), [])


class Cancel(KafkaCase):
    def cancel(self, job):
        self.sender.send(CONTROL, b'{"action":"cancel"}', key=job.encode())

    def assert_cancelled(self, appliance, recordings):
        self.assertEqual([event["status"] for event in self.events()], ["cancelled"] * len(recordings))
        self.assertEqual((appliance.files("processed"), appliance.parts()), ([], []))
        self.assertEqual(self.read(DLQ), [])
        wait_for(lambda: not appliance.claims(), 15, "no claim is left")
        last = {message.key: message.value for message in self.read(CONTROL)}
        self.assertEqual(set(last.values()), {None}, "a tombstone follows")

    def test_a_running_one_and_one_that_waits(self):
        appliance = self.kafka_appliance()
        running, waiting = appliance.record_slow("s/r.mp4", 30), appliance.record("s/waits.mp4")
        worker = appliance.worker()
        appliance.send(running, partition=0, id="running", **PLACEBO)
        appliance.send(waiting, partition=0, id="waiting")
        worker.wait_slot(running)
        self.cancel("waiting")
        self.cancel("running")
        appliance.wait_events([running, waiting], 20)
        self.assertEqual(worker.stop(), 0)
        self.assert_cancelled(appliance, [running, waiting])

    def test_before_any_worker_is_there(self):
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        self.cancel("early")
        appliance.send(recording, id="early")
        self.drained(appliance)
        self.assert_cancelled(appliance, [recording])


class Drain(KafkaCase):
    def started(self, seconds, **settings):
        appliance = self.kafka_appliance(**settings)
        recordings = [appliance.record_slow("s/r.mp4", seconds), appliance.record("s/next.mp4")]
        worker = appliance.worker()
        appliance.send(recordings[0], partition=0, id="r", **PLACEBO)
        appliance.send(recordings[1], partition=0, id="next")
        worker.wait_slot(recordings[0])
        return appliance, recordings, worker

    def test_the_running_job_finishes(self):
        appliance, recordings, worker = self.started(3, worker_drain="60s")
        self.assertEqual(worker.stop(60), 0)
        self.assertEqual([event["input"]["path"] for event in self.events()], ["s/r.mp4"])
        self.drained(appliance)
        self.assert_end_state(appliance, recordings)

    def assert_given_back(self, appliance, recordings, worker, wall):
        self.assertLess(wall, 6)
        self.assertEqual((self.read(RESULTS), self.read(DLQ)), ([], []))
        self.assertEqual((appliance.parts(), appliance.files("processed")), ([], []))
        self.assertFalse(descendants(worker.pid))
        self.drained(appliance)
        self.assert_end_state(appliance, recordings)

    def test_the_running_job_is_given_back(self):
        appliance, recordings, worker = self.started(6, worker_drain="1s")
        began = time.monotonic()
        self.assertEqual(worker.stop(), 0)
        self.assert_given_back(appliance, recordings, worker, time.monotonic() - began)

    def test_a_second_signal_means_now(self):
        appliance, recordings, worker = self.started(6, worker_drain="60s")
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertTrue(worker.alive())
        worker.signal(signal.SIGTERM)
        worker.wait()
        self.assert_given_back(appliance, recordings, worker, time.monotonic() - began)

    def test_a_job_that_has_no_id_yet(self):
        """A slot only reads the recording to make one: there is nothing to wait for."""
        appliance = self.kafka_appliance(worker_drain="60s")
        recording = appliance.record("s/large.mp4", clips.make().read_bytes())
        os.truncate(appliance.path("recordings", recording.path), 4 << 30)  # a hole that takes a second to read
        worker = appliance.worker()
        appliance.send(recording)
        worker.wait_slot(recording)
        began = time.monotonic()
        self.assertEqual(worker.stop(), 0)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.events(), [])

    def test_an_idle_worker_ends_at_once(self):
        appliance = self.kafka_appliance()
        worker = appliance.worker()
        recording = appliance.record("s/r.mp4")
        appliance.send(recording)
        appliance.wait_event(recording)
        began = time.monotonic()
        self.assertEqual(worker.stop(), 0)
        self.assertLess(time.monotonic() - began, 3)


@unittest.skipUnless(os.geteuid() == 0, "only root can be two users")
class AnotherUser(KafkaCase):
    JIBRI, OURS = 1000, 10001

    def test_a_folder_that_is_not_ours(self):
        """Done, but cannot be moved: it says how to mend that, and never does it again."""
        appliance = self.kafka_appliance()
        recording = appliance.record("session/r.mp4")
        session = appliance.path("recordings", "session")
        os.chown(appliance.data, self.OURS, self.OURS)
        for path in (session.parent, session, session / "r.mp4"):
            os.chown(path, self.JIBRI, self.JIBRI)
        session.chmod(0o755)
        worker = self.as_other(appliance)
        appliance.send(recording, id="foreign")
        self.assertEqual(appliance.wait_event(recording)["status"], "completed")
        line = wait_for(lambda: worker.said("unarchived", "session/r.mp4"), 15, "it is told as unarchived")
        self.assertRegex(line, r"\b(chmod|chown|setfacl|chgrp)\b")
        self.assertTrue((session / "r.mp4").exists())
        appliance.send(recording, id="foreign")
        self.wait_no_lag(appliance)
        self.assertEqual(worker.stop(), 0)
        session.chmod(0o777)
        again = self.as_other(appliance)
        wait_for(appliance.path("archived", recording.path).exists, 20, "it is archived once that is mended")
        self.assertEqual(again.stop(), 0)
        self.assert_end_state(appliance, [recording])

    def as_other(self, appliance):
        # The tie to our end is cut where the user changes: setpriv makes it anew.
        user = f"--reuid={self.OURS} --regid={self.OURS} --clear-groups --pdeathsig=KILL"
        return appliance.start("worker", wrap=["setpriv", *shlex.split(user)])


if __name__ == "__main__":
    main()
