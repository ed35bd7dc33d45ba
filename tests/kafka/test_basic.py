#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job from Kafka, and what comes of it: messages in, results out, the commands around the worker."""
import json
import subprocess

import clips
from appliance import sha256
from broker import free_port
from case import RESULTS, STATUS, KafkaCase, main
from children import wait_for
from clients import JOBS, TOPICS
from clips import PLACEBO

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Messages(KafkaCase):
    def test_one_line_of_kcat(self):
        appliance = self.appliance(self.broker.address)  # as it comes: the group is the default one too
        recording = appliance.record("a/b.mp4")
        appliance.worker()
        subprocess.run(["kcat", "-P", "-b", self.broker.address, "-t", JOBS], text=True, check=True,
                       input='{"input":{"path":"a/b.mp4"}}\n')
        event = appliance.wait_event(recording)
        self.assert_completed(appliance, recording, event)
        self.assertEqual((event["input"]["root"], event["input"]["bytes"]), ("recordings", recording.bytes))
        self.assertEqual((event["input"]["frames"], event["output"]["frames"]), (clips.RATE, clips.RATE))
        self.assertEqual((event["output"]["path"], event["session"]), ("a/b.mp4", "a"))
        self.assertTrue(event["verify"]["frames_match"] and event["verify"]["audio_identical"])
        self.assertEqual(event["attempt"], 1)
        self.assertLessEqual({"effect", "device", "metrics", "dropped", "warnings", "started", "finished", "worker",
                              "version"}, event.keys())
        message, = self.read(RESULTS)
        self.assertEqual(message.key.decode(), event["job"])
        self.assertEqual(message.header("ce_specversion"), "1.0")
        self.assertEqual(message.header("content-type"), "application/json")
        self.assertIn("completed", message.header("ce_type"))
        for name in ("ce_id", "ce_source", "ce_time"):
            self.assertTrue(message.header(name), name)

    def test_cloudevents_binary_structured_and_bare(self):
        appliance = self.kafka_appliance()
        recordings = [appliance.record(f"s{i}/r.mp4") for i in range(3)]
        appliance.worker()
        meta = {"patient": "ñ-17", "nested": {"list": [1, 2.5, None]}}
        order = {"id": "binary-1", "input": {"root": "recordings", "path": "s0/r.mp4"}, "session": "session one",
                 "meta": meta, "x-note": "passed over"}
        self.sender.send(JOBS, json.dumps(order), headers={
            "content-type": "application/json", "ce_specversion": "1.0", "ce_id": "e1", "ce_source": "/test",
            "ce_type": "vidriera.job.requested.v1", "traceparent": TRACE})
        order = {"id": "structured-1", "input": {"path": "s1/r.mp4"}, "meta": meta}
        self.sender.send(JOBS, json.dumps({"specversion": "1.0", "id": "e2", "source": "/test", "data": order,
                                           "type": "vidriera.job.requested.v1", "traceparent": TRACE}),
                         headers={"content-type": "application/cloudevents+json; charset=UTF-8"})
        appliance.send(recordings[2])
        appliance.wait_events(recordings)
        results = {message.json()["input"]["path"]: message for message in self.read(RESULTS)}
        for path, job, session in (("s0/r.mp4", "binary-1", "session one"), ("s1/r.mp4", "structured-1", "s1")):
            event = results[path].json()
            self.assertEqual((event["job"], event["session"], event["meta"]), (job, session, meta))
            self.assertEqual(results[path].key.decode(), job)
            self.assertEqual(results[path].header("traceparent"), TRACE)
        self.assertEqual(results["s2/r.mp4"].json()["meta"], {})
        self.assertNotIn("traceparent", results["s2/r.mp4"].headers)

    def test_the_recipe_of_the_order_holds(self):
        appliance = self.kafka_appliance(effect_strength="0.1")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        appliance.worker()
        appliance.send(recordings[0])
        appliance.send(recordings[1], output={"codec": "hevc", "preset": "ultrafast", "quality": 40},
                       effect={"name": "split-tint", "left": "#00ff00", "strength": 0.5, "split": 0.25})
        plain = appliance.wait_event(recordings[0])
        asked = appliance.wait_event(recordings[1])
        self.assertEqual((plain["effect"]["strength"], plain["output"]["codec"]), (0.1, "h264"))
        self.assertEqual((asked["effect"]["strength"], asked["effect"]["split"]), (0.5, 0.25))
        self.assertEqual((asked["effect"]["left"], asked["effect"]["right"]), ("#00ff00", "#ff0000"))
        self.assertEqual(asked["output"]["codec"], "hevc")

    def test_status_goes_along_and_ends_with_a_tombstone(self):
        appliance = self.kafka_appliance()
        recording = appliance.record_slow("s/slow.mp4", 3)
        appliance.worker(worker_name="its-name")
        appliance.send(recording, id="watched", **PLACEBO)

        wall = appliance.wait_event(recording)["metrics"]["wall_s"]

        def ended():
            mine = [message for message in appliance.read(STATUS, committed=False) if message.key == b"watched"]
            return mine and mine[-1].value is None and mine
        told = [message.json() for message in wait_for(ended, 10, "a tombstone ends the status")[:-1]]
        fractions = [status["fraction"] for status in told if "fraction" in status]
        self.assertTrue(any(0 < fraction < 1 for fraction in fractions), told)
        self.assertEqual(fractions, sorted(fractions))
        self.assertTrue(all(status["worker"] == "its-name" and "state" in status for status in told), told)
        self.assertLessEqual(len(told), wall + 5, "more than one a second")

    def test_logs_are_json_lines_that_name_job_and_trace(self):
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        worker = appliance.worker()
        appliance.send(recording, id="logged", headers={"traceparent": TRACE})
        appliance.wait_event(recording)
        self.assertEqual(worker.stop(), 0)
        lines = worker.lines()
        self.assertTrue(all({"ts", "level", "msg"} <= line.keys() for line in lines), lines)
        about = [line for line in lines if line.get("job") == "logged"]
        self.assertTrue(about, lines)
        self.assertTrue(all(line["trace"] == TRACE.split("-")[1] for line in about), about)


class Topics(KafkaCase):
    def assert_topics(self):
        self.assertEqual(self.admin.names(), set(TOPICS))
        for name, (partitions, settings) in TOPICS.items():
            self.assertEqual(self.admin.partitions(name), partitions, name)
            there = self.admin.settings(name)
            self.assertEqual({key: there[key] for key in settings}, settings, name)

    def test_check_and_create(self):
        self.admin.delete_all()
        appliance = self.kafka_appliance()
        missing = appliance.run("topics", "--check")
        self.assertEqual(missing.returncode, 78, missing.stderr)
        self.assertIn("vidriera topics --create", missing.stdout + missing.stderr)
        self.assertEqual(self.admin.names(), set())
        made = appliance.run("topics", "--create")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assert_topics()
        good = appliance.run("topics", "--check")
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(sum(line.startswith("vidriera.") for line in good.stdout.splitlines()), 5, good.stdout)

    def test_no_broker(self):
        gone = self.kafka_appliance(kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
        self.assertEqual(gone.run("topics", "--check").returncode, 69)

    def test_a_worker_makes_what_is_missing(self):
        self.admin.delete_all()
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        appliance.worker()
        wait_for(lambda: self.admin.names() == set(TOPICS), 20, "the worker makes the topics")
        self.assert_topics()
        appliance.send(recording)
        appliance.wait_event(recording)

    def test_a_worker_that_may_not_make_them(self):
        self.admin.delete_all()
        self.admin.create([JOBS, RESULTS])
        appliance = self.kafka_appliance(create_topics="no")
        worker = appliance.worker()
        self.assertEqual(worker.wait(), 78)
        self.assertIn("vidriera topics --create", worker.text())
        self.assertEqual(self.admin.names(), {JOBS, RESULTS})


class Ends(KafkaCase):
    def test_once(self):
        appliance = self.kafka_appliance()
        nothing = appliance.run("worker", "--once", "--wait-s", "2")
        self.assertEqual((nothing.returncode, nothing.stdout), (0, ""), nothing.stderr)
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(2)]
        for recording in recordings:
            appliance.send(recording, partition=3)
        one = appliance.run("worker", "--once")
        self.assertEqual(one.returncode, 0, one.stderr)
        self.assertEqual([event["input"]["path"] for event in self.events()], ["s/0.mp4"])
        self.assertEqual(appliance.run("worker", "--once").returncode, 0)
        self.assert_end_state(appliance, recordings)

    def test_once_without_broker(self):
        appliance = self.kafka_appliance(kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
        done = appliance.run("worker", "--once", "--wait-s", "2")
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertTrue(done.stderr.strip())

    def test_max_jobs(self):
        appliance = self.kafka_appliance()
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(5)]
        appliance.send_all(recordings)
        done = appliance.run("worker", "--max-jobs", "3", worker_slots=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.events()), 3)
        self.assertEqual(appliance.run("worker", "--max-jobs", "2").returncode, 0)
        self.assert_end_state(appliance, recordings)

    def test_usage(self):
        appliance = self.kafka_appliance()
        for command in (("worker", "surplus"), ("worker", "--max-jobs", "-1"), ("topics",), ("submit",),
                        ("topics", "--check", "--create")):
            self.assertEqual(appliance.run(*command).returncode, 64, command)

    def test_no_data_folder(self):
        done = self.kafka_appliance(data=None).run("worker", "--once")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("data", done.stderr)


class Twice(KafkaCase):
    """One event, one file, whatever comes again."""

    def test_the_same_order_again(self):
        for fields in ({"id": "given"}, {}):
            with self.subTest(**fields):
                self.fresh_topics()
                appliance = self.kafka_appliance()
                recording = appliance.record("s/r.mp4")
                for partition in (0, 0, 5):
                    appliance.send(recording, partition=partition, **fields)
                self.drained(appliance)
                self.assert_end_state(appliance, [recording])
                appliance.send(recording, partition=7, **fields)  # it is archived by now
                self.drained(appliance)
                self.assert_end_state(appliance, [recording])

    def test_a_duplicate_is_told_as_completed(self):
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        appliance.send(recording, id="again", partition=0)
        self.drained(appliance)
        before = len([m for m in self.read(STATUS) if m.key == b"again"])
        appliance.send(recording, id="again", partition=1)
        self.drained(appliance)
        later = [m for m in self.read(STATUS) if m.key == b"again"][before:]
        self.assertIn("completed", [m.json()["state"] for m in later if m.value], later)

    def test_at_once_on_two_workers(self):
        appliance = self.kafka_appliance()
        recording = appliance.record_slow("s/r.mp4", 2)
        workers = [appliance.worker(worker_slots=2) for _ in range(2)]
        for partition in range(12):
            appliance.send(recording, partition=partition, id="one", **PLACEBO)
        self.wait_no_lag(appliance, 90)
        self.assertEqual([worker.stop() for worker in workers], [0, 0])
        self.assert_end_state(appliance, [recording])
        self.assertEqual(self.events()[0]["attempt"], 1)

    def test_an_output_that_was_deleted_by_hand(self):
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        appliance.send(recording, id="gone")
        self.drained(appliance)
        self.assert_end_state(appliance, [recording])
        for name in appliance.files("processed"):
            appliance.path("processed", name).unlink()
        appliance.send(recording, id="gone")
        appliance.send(recording)
        self.drained(appliance)
        self.assertEqual(len(self.events()), 1)
        self.assertEqual(appliance.files("processed"), [])
        self.assertEqual(appliance.dead_letters(), [])

    def test_the_same_name_in_different_sessions(self):
        appliance = self.kafka_appliance()
        recordings = [appliance.record(f"{session}/talk.mp4") for session in ("one", "two", "one/deeper")]
        appliance.send_all(recordings)
        self.drained(appliance)
        self.assert_end_state(appliance, recordings)

    def test_the_same_name_in_the_same_session(self):
        """A second recording comes under the name of one that is archived: both are kept."""
        appliance = self.kafka_appliance()
        first = appliance.record("s/talk.mp4")
        appliance.send(first)
        self.drained(appliance)
        self.assert_end_state(appliance, [first])
        second = appliance.record("s/talk.mp4")
        appliance.send(second)
        self.drained(appliance)
        events = self.events()
        self.assertEqual([event["status"] for event in events], ["completed"] * 2)
        outputs = {event["output"]["path"] for event in events}
        self.assertEqual(len(outputs), 2)
        self.assert_tree(appliance, outputs, ["s/talk.2.mp4", "s/talk.mp4"])
        self.assertEqual({sha256(appliance.path("archived", name)) for name in ("s/talk.mp4", "s/talk.2.mp4")},
                         {first.sha256, second.sha256})

    def test_the_same_container_name_from_two_inputs(self):
        """talk.ts becomes talk.mp4, which talk.mp4 is called already."""
        appliance = self.kafka_appliance()
        recordings = [appliance.record("s/talk.mp4"),
                      appliance.record("s/talk.ts", clips.make(extension="ts").read_bytes())]
        appliance.send_all(recordings)
        self.drained(appliance)
        self.assert_end_state(appliance, recordings)

    def test_one_recording_with_two_recipes(self):
        for archive in ("keep", "move"):
            with self.subTest(archive=archive):
                self.fresh_topics()
                appliance = self.kafka_appliance(archive=archive)
                recording = appliance.record_slow("s/r.mp4", 2)
                worker = appliance.worker(worker_slots=2)
                for i, strength in enumerate((0.2, 0.8)):
                    effect = {"name": "split-tint", "strength": strength}
                    appliance.send(recording, partition=i, effect=effect, **PLACEBO)
                self.wait_no_lag(appliance)
                self.assertEqual(worker.stop(), 0)
                events = self.events()
                self.assertEqual([event["status"] for event in events], ["completed"] * 2, events)
                self.assertEqual(sorted(event["effect"]["strength"] for event in events), [0.2, 0.8])
                outputs = {event["output"]["path"] for event in events}
                self.assertEqual(len(outputs), 2)
                self.assert_tree(appliance, outputs, ["s/r.mp4"] if archive == "move" else [])
                self.assertEqual(len(appliance.files("recordings")), 0 if archive == "move" else 1)


class Submit(KafkaCase):
    def test_files_and_folders(self):
        appliance = self.kafka_appliance()
        recordings = [appliance.record(path) for path in ("s/one.mp4", "t/two.mp4", "t/deep/three.mp4")]
        appliance.worker()
        done = appliance.run("submit", "--wait", appliance.path("recordings", "s/one.mp4"),
                             appliance.path("recordings", "t"))
        self.assertEqual(done.returncode, 0, done.stderr)
        appliance.programs[0].stop()
        self.assert_end_state(appliance, recordings)

    def test_wait_ends_as_the_job_does(self):
        appliance = self.kafka_appliance()
        appliance.record("s/noise.mp4", bytes(range(256)) * 64)
        appliance.worker()
        done = appliance.run("submit", "--wait", appliance.path("recordings", "s/noise.mp4"))
        self.assertEqual(done.returncode, 65, done.stderr)

    def test_what_is_not_there(self):
        appliance = self.kafka_appliance()
        done = appliance.run("submit", appliance.path("recordings", "s/none.mp4"))
        self.assertEqual(done.returncode, 66, done.stderr)

    def test_the_broker_is_down(self):
        appliance = self.kafka_appliance()
        recording = appliance.record("s/r.mp4")
        done = appliance.run("submit", appliance.path("recordings", "s/r.mp4"),
                             kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 0, done.stderr)
        spool = appliance.path(".vidriera/spool")
        self.assertEqual(len(list(spool.iterdir())), 1)
        self.assertEqual(spool.stat().st_mode & 0o777, 0o700)
        appliance.worker()
        appliance.start("watch", watch_quiet=600)
        appliance.wait_event(recording)
        wait_for(lambda: not list(spool.iterdir()), 10, "the spool is empty")


class Watch(KafkaCase):
    def test_a_finished_recording_becomes_a_job_once(self):
        appliance = self.kafka_appliance(watch_quiet=1)
        recordings = [appliance.record(f"s{i}/r.mp4") for i in range(3)]
        for _ in range(2):
            done = appliance.run("watch", "--once")
            self.assertEqual(done.returncode, 0, done.stderr)
        worker = appliance.worker()
        appliance.start("watch")
        appliance.wait_events(recordings)
        recordings.append(appliance.record("later/r.mp4"))
        appliance.wait_events(recordings)
        wait_for(lambda: len(appliance.files("archived")) == 4, 15, "all are archived")
        for program in appliance.programs:
            self.assertEqual(program.stop(), 0)
        self.assert_end_state(appliance, recordings)
        self.assertTrue(worker.said("completed=4", "rejected=0"), worker.text())


if __name__ == "__main__":
    main()
