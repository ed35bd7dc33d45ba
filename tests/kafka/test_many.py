#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several workers of one group: they share the jobs, none is done twice, and none is lost with a worker."""
import signal
import time

from case import SESSION_MS, KafkaCase, main
from children import send_signal, wait_for
from clients import RESULTS, Sender, read_all
from clips import PLACEBO
from gate import END_TXN, TXN_OFFSET_COMMIT, Gate

SESSION = SESSION_MS / 1000
ORDER = {"output": {"preset": "slower"}}


class Many(KafkaCase):
    def many(self, appliance, count):
        have = len(appliance.programs) + len(self.recordings)
        new = [appliance.record(f"s{have + i}/r.mp4", size="320x180", frames=50) for i in range(count)]
        appliance.send_all(new, **ORDER)
        self.recordings += new

    def setUp(self):
        super().setUp()
        self.recordings = []

    def many_until(self, appliance, workers):
        """Sends until each of these workers (names) has done some."""
        def look():
            if len(appliance.events()) >= len(self.recordings) - 6:
                self.many(appliance, 12)
            return workers <= {event["worker"] for event in appliance.events()}
        wait_for(look, 60, f"each of {workers} has done some")

    def busy(self, workers):
        """A worker that is at work."""
        return next((worker for worker in workers for recording in self.recordings[-36:]
                     if worker.slot_with(recording)), None)

    def stop_all(self, appliance):
        for program in appliance.programs:
            if program.alive():
                self.assertEqual(program.stop(60), 0, program.name)

    def test_one_of_three_is_killed(self):
        appliance = self.kafka_appliance(worker_slots=1)
        workers = [appliance.worker(worker_name=f"w{i}") for i in range(3)]
        self.many_until(appliance, {"w0", "w1", "w2"})
        self.many(appliance, 24)
        wait_for(lambda: self.busy(workers), 20, "one is at work").kill()
        appliance.wait_events(self.recordings, 120)
        self.stop_all(appliance)
        self.assert_end_state(appliance, self.recordings)

    def test_more_and_fewer_under_load(self):
        appliance = self.kafka_appliance(worker_slots=2)
        first = appliance.worker(worker_name="first")
        self.many_until(appliance, {"first"})
        for name in ("second", "third"):
            appliance.worker(worker_name=name)
        self.many_until(appliance, {"second", "third"})
        self.many(appliance, 24)
        self.assertEqual(first.stop(), 0)
        appliance.wait_events(self.recordings, 120)
        self.stop_all(appliance)
        self.assert_end_state(appliance, self.recordings)

    def test_more_while_long_jobs_run(self):
        """Partitions move; the jobs stay where they run, and are not cancelled."""
        appliance = self.kafka_appliance(worker_slots=4)
        recordings = [appliance.record_slow(f"s{i}/r.mp4", 2) for i in range(4)]  # together on few processors: longer
        first = appliance.worker(worker_name="first")
        for i, recording in enumerate(recordings):
            appliance.send(recording, partition=i, id=f"long-{i}", **PLACEBO)
        slots = [first.wait_slot(recording) for recording in recordings]
        appliance.worker(worker_name="second")
        appliance.worker(worker_name="third")
        for slot, recording in zip(slots, recordings):
            wait_for(lambda slot=slot, recording=recording: first.slot_with(recording) != slot, 60, "it is done")
        appliance.wait_events(recordings, 60)
        self.assertEqual({(event["worker"], event["attempt"]) for event in self.events()}, {("first", 1)})
        self.stop_all(appliance)
        self.assert_end_state(appliance, recordings)

    def test_two_of_one_name(self):
        """The second fences the first, which ends and says so."""
        appliance = self.kafka_appliance(instance="same")
        first = appliance.worker()
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        appliance.send(recordings[0])
        appliance.wait_event(recordings[0])
        second = appliance.worker()
        self.assertNotEqual(first.wait(30), 0)
        self.assertTrue(first.said("same") or first.said("instance"), first.text())
        appliance.send(recordings[1])
        appliance.wait_event(recordings[1])
        self.assertEqual(second.stop(), 0)
        self.assert_end_state(appliance, recordings)


class Zombie(KafkaCase):
    def test_wakes_up_after_another_took_over(self):
        """Stopped past its session with a job in hand. The other waits for the claim; one of them ends it, once."""
        for whole in (False, True):
            with self.subTest(slot_too=whole):
                self.fresh_topics()
                appliance = self.kafka_appliance(worker_slots=1)
                recording = appliance.record_slow("s/r.mp4", 4)
                zombie = appliance.worker(worker_name="zombie")
                appliance.send(recording, partition=0, id="r", **PLACEBO)
                slot = zombie.wait_slot(recording)
                stopped = [zombie.pid] + ([slot] if whole else [])
                for pid in stopped:
                    send_signal(pid, signal.SIGSTOP)
                other = appliance.worker(worker_name="other")
                extra = [appliance.record(f"t{i}/r.mp4") for i in range(1, 12)]
                for partition, more in enumerate(extra, 1):
                    appliance.send(more, partition)
                appliance.wait_events(extra, 60)  # the other has every partition, and waits in that of the job
                self.assertIsNone(other.slot_with(recording), "two work on one job")
                for pid in stopped:
                    send_signal(pid, signal.SIGCONT)
                event = appliance.wait_event(recording, 60)
                self.assertEqual(event["attempt"], 1)
                self.assertEqual((zombie.stop(), other.stop()), (0, 0))
                self.assert_end_state(appliance, [recording, *extra])

    def test_stopped_for_good(self):
        """It never wakes up, but is killed: the other does the job then."""
        appliance = self.kafka_appliance(worker_slots=1)
        recording = appliance.record_slow("s/r.mp4", 3)
        zombie = appliance.worker()
        appliance.send(recording, id="r", **PLACEBO)
        slot = zombie.wait_slot(recording)
        for pid in (zombie.pid, slot):
            send_signal(pid, signal.SIGSTOP)
        other = appliance.worker()
        time.sleep(2 * SESSION)
        self.assertIsNone(other.slot_with(recording), "two work on one job")
        zombie.kill()
        appliance.wait_event(recording, 60)
        self.assertEqual(other.stop(), 0)
        self.assert_end_state(appliance, [recording])


class Transactions(KafkaCase):
    """Between two requests of a transaction."""

    def setUp(self):
        super().setUp()
        self.gate = Gate(self.broker)
        self.addCleanup(self.gate.__exit__)

    def held(self, appliance, request, **settings):
        """A worker whose transaction is open: its request is held at the gate."""
        recording = appliance.record("s/held.mp4")
        self.gate.hold(request)
        worker = appliance.worker(kafka_bootstrap_servers=self.broker.gated, **settings)
        appliance.send(recording, id="held", partition=0)
        self.gate.wait_held(30)
        self.assertEqual(self.read(RESULTS), [])
        return recording, worker

    def test_rebalance_during_commit(self):
        for request in (TXN_OFFSET_COMMIT, END_TXN):
            with self.subTest(request=request):
                self.fresh_topics()
                appliance = self.kafka_appliance()
                recording, _ = self.held(appliance, request, worker_name="first")
                appliance.worker(worker_name="second")
                appliance.worker(worker_name="third")
                time.sleep(1.5)  # they ask for their share meanwhile
                self.gate.release()
                more = [appliance.record(f"t{i}/r.mp4") for i in range(12)]
                appliance.send_all(more)
                appliance.wait_events([recording, *more], 60)
                self.assertEqual([program.stop() for program in appliance.programs], [0, 0, 0])
                self.assert_end_state(appliance, [recording, *more])

    def killed_in_transaction(self, **settings):
        """(appliance, recording, when it was killed)"""
        appliance = self.kafka_appliance(**settings)
        recording, worker = self.held(appliance, END_TXN)
        worker.kill()
        self.gate.cut()
        self.gate.release()
        inside = read_all(self.broker.address, RESULTS, committed=False)
        self.assertEqual(len(inside), 1, "nothing was in the transaction")
        return appliance, recording, time.monotonic()

    def test_open_transaction_left_by_a_kill(self):
        """Readers wait for its end no longer than about 10 s; other results of that partition wait with them."""
        appliance, recording, killed = self.killed_in_transaction()
        Sender(self.broker.address).send(RESULTS, b"{}", key=b"held")  # behind it, in the same partition
        other = appliance.worker()
        wait_for(lambda: any(message.value == b"{}" for message in appliance.read(RESULTS)), 20, "readers get on")
        self.assertLess(time.monotonic() - killed, 13)
        wait_for(lambda: len(appliance.read(RESULTS)) == 2, 30, "the result comes in a transaction of the other")
        self.assertEqual(other.stop(), 0)
        events = [message.json() for message in self.read(RESULTS) if message.value != b"{}"]
        self.assertEqual([(event["job"], event["status"], event["attempt"]) for event in events],
                         [("held", "completed", 1)])
        self.assert_completed(appliance, recording, events[0])

    def test_open_transaction_and_the_same_instance(self):
        """Under its old name the worker ends it at once."""
        appliance, recording, killed = self.killed_in_transaction(instance="named")
        worker = appliance.worker()
        appliance.wait_event(recording)
        self.assertLess(time.monotonic() - killed, 8)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, [recording])


if __name__ == "__main__":
    main()
