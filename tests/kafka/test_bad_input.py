#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders and recordings that cannot be done: each gets a dead letter with its reason and an event, and nothing else
happens to it."""
import json
import os
import random

import clips
from appliance import sha256
from case import DLQ, RESULTS, KafkaCase, main
from children import wait_for
from clients import JOBS, TOPICS
from clips import PLACEBO

HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-mine": b"\xff\x00"}


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def ordered(path, **more):
    return json.dumps({"input": {"path": path}, **more}).encode()


# name -> (bytes, a word that the reason must hold)
MESSAGES = {
    "not JSON": (b"please tint s/good.mp4", ""),
    "empty": (b"", ""),
    "cut off": (b'{"input":{"path":"s/good.mp4"', ""),
    "a list": (b'[{"input":{"path":"s/good.mp4"}}]', ""),
    "something behind it": (b'{"input":{"path":"s/good.mp4"}} x', ""),
    "not UTF-8": (b'{"input":{"path":"s/go\xffod.mp4"}}', ""),
    "a NUL in a text": (rb'{"input":{"path":"s/good.mp4\u0000"}}', ""),
    "a key twice": (b'{"input":{"path":"s/good.mp4","path":"s/good.mp4"}}', ""),
    "too big": (ordered("s/good.mp4", meta={"x": "y" * 70000}), ""),
    "too deep": (ordered("s/good.mp4", meta={"x": nested(40)}), ""),
    "unknown field": (ordered("s/good.mp4", colour="red"), "colour"),
    "unknown field inside": (b'{"input":{"path":"s/good.mp4","url":"x"}}', "url"),
    "no input": (b"{}", "input"),
    "path of a wrong type": (b'{"input":{"path":7}}', "path"),
    "unknown root": (b'{"input":{"root":"etc","path":"s/good.mp4"}}', "root"),
    "id that is a path": (ordered("s/good.mp4", id="../../x"), "id"),
    "unknown effect": (ordered("s/good.mp4", effect={"name": "sepia"}), "split-tint"),
    "strength 7": (ordered("s/good.mp4", effect={"name": "split-tint", "strength": 7}), "strength"),
    "unknown codec": (ordered("s/good.mp4", output={"codec": "mpeg2"}), "codec"),
    "encoder options": (ordered("s/good.mp4", output={"preset": "fast -vf null"}), "preset"),
    "dot dot": (ordered("../outside.mp4"), "path"),
    "dot dot inside": (ordered("s/../../outside.mp4"), "path"),
    "absolute": (ordered("/etc/passwd"), "path"),
    "other specversion": (b'{"specversion":"0.3","data":{"input":{"path":"s/good.mp4"}}}', ""),
}
# name -> path, made by make_inputs()
INPUTS = {
    "missing": "s/none.mp4", "missing folder": "none/none.mp4", "a folder": "s/folder.mp4", "a FIFO": "s/fifo.mp4",
    "a link out": "s/link.mp4", "a link to a good one": "s/inner.mp4", "a linked folder": "linked/outside.mp4",
}


def make_inputs(appliance):
    outside = appliance.folder / "outside"
    outside.mkdir()
    (outside / "outside.mp4").write_bytes(clips.make().read_bytes())
    (appliance.data / "outside.mp4").write_bytes(clips.make().read_bytes())
    session = appliance.path("recordings", "s")
    (session / "folder.mp4").mkdir(parents=True)
    os.mkfifo(session / "fifo.mp4")
    (session / "link.mp4").symlink_to(outside / "outside.mp4")
    (session / "inner.mp4").symlink_to("good.mp4")
    appliance.path("recordings", "linked").symlink_to(outside)


class BadInput(KafkaCase):
    def dead_letters(self):
        """By the offset of the original, which is also its key in our books: (partition, offset)."""
        letters = {}
        for message in self.read(DLQ):
            place = tuple(int(message.header(f"__connect.errors.{name}")) for name in ("partition", "offset"))
            self.assertNotIn(place, letters, "two dead letters for one message")
            letters[place] = message
        return letters

    def events_by_job(self):
        events = {}
        for message in self.read(RESULTS):
            event = message.json()
            self.assertNotIn(event["job"], events, "two events of one job")
            self.assertEqual(message.key.decode(), event["job"])
            events[event["job"]] = event
        return events

    def assert_dead(self, letter, sent, word, status="rejected"):
        """The original as it was, and the reasons in headers of text."""
        self.assertEqual((letter.key, letter.value), (sent["key"], sent["value"]))
        for name, value in HEADERS.items():
            self.assertEqual(letter.headers[name], value if isinstance(value, bytes) else value.encode())
        self.assertEqual(letter.header("__connect.errors.topic"), JOBS)
        for name in ("code", "class", "message", "worker"):
            self.assertTrue(letter.header(f"vidriera.error.{name}"), name)
        self.assertTrue(letter.header("vidriera.error.attempt").isdigit())
        self.assertEqual(letter.header("vidriera.error.class"), "reject")
        self.assertEqual(letter.header("__connect.errors.exception.message"), letter.header("vidriera.error.message"))
        self.assertIn(word, letter.header("vidriera.error.message"))
        event = self.events_by_job()[sent["job"]]
        self.assertEqual((event["status"], event["error"]["class"]), (status, "reject"))
        self.assertEqual(event["error"]["message"], letter.header("vidriera.error.message"))
        self.assertEqual(event["error"]["stage"], letter.header("vidriera.error.stage") or "")
        self.assertNotIn("output", event)

    def send_and_drain(self, appliance, values):
        """name -> what was sent and where, after a worker has taken it all."""
        records = [(JOBS, value, f"key of {name}".encode(), HEADERS, None) for name, value in values.items()]
        sent = {}
        for (name, value), place in zip(values.items(), self.sender.send_all(records)):
            sent[name] = {"key": f"key of {name}".encode(), "value": value, "place": place,
                          "job": f"{JOBS}-{place[0]}-{place[1]}"}
        self.drained(appliance, worker_slots=2)
        return sent

    def test_messages(self):
        appliance = self.kafka_appliance()
        good = appliance.record("s/good.mp4")
        make_inputs(appliance)
        before = appliance.everything("recordings")
        sent = self.send_and_drain(appliance, {name: value for name, (value, _) in MESSAGES.items()})
        letters = self.dead_letters()
        self.assertEqual(set(letters), {record["place"] for record in sent.values()})
        for name, (_, word) in MESSAGES.items():
            with self.subTest(name):
                self.assert_dead(letters[sent[name]["place"]], sent[name], word)
        self.assertEqual(appliance.everything("recordings"), before)
        self.assertEqual(sha256(appliance.path("recordings", good.path)), good.sha256)
        self.assertEqual([appliance.files(root) for root in ("processed", "archived", "failed")], [[], [], []])
        appliance.send(good, id="good")
        self.drained(appliance)
        self.assert_completed(appliance, good, self.events_by_job()["good"])

    def test_inputs(self):
        appliance = self.kafka_appliance()
        good = appliance.record("s/good.mp4")
        make_inputs(appliance)
        sent = self.send_and_drain(appliance, {name: ordered(path) for name, path in INPUTS.items()})
        letters, events = self.dead_letters(), self.events_by_job()
        self.assertEqual(set(letters), {record["place"] for record in sent.values()})
        jobs = {event["input"]["path"]: job for job, event in events.items()}
        for name, path in INPUTS.items():
            with self.subTest(name):
                sent[name]["job"] = jobs[path]
                self.assert_dead(letters[sent[name]["place"]], sent[name], path)
        session = appliance.path("recordings", "s")
        self.assertTrue((session / "fifo.mp4").is_fifo() and (session / "link.mp4").is_symlink())
        self.assertTrue((session / "inner.mp4").is_symlink() and appliance.path("recordings", "linked").is_symlink())
        self.assertEqual(sha256(session / "good.mp4"), good.sha256)
        self.assertEqual([appliance.files(root) for root in ("processed", "archived", "failed")], [[], [], []])

    def test_the_id_of_a_rejected_order(self):
        appliance = self.kafka_appliance()
        sent = self.send_and_drain(appliance, {
            "named": ordered("s/none.mp4", id="my-id", meta={"a": 1}),
            "named badly otherwise": ordered("s/none.mp4", id="other-id", effect={"name": "sepia"})})
        for name, job in (("named", "my-id"), ("named badly otherwise", "other-id")):
            sent[name]["job"] = job
            self.assert_dead(self.dead_letters()[sent[name]["place"]], sent[name], "")
        self.assertEqual(self.events_by_job()["my-id"]["input"]["path"], "s/none.mp4")

    def test_undecodable_recordings(self):
        clip = clips.make(frames=50).read_bytes()
        noise = random.Random(4).randbytes(30000)
        broken = {"empty.mp4": b"", "noise.mp4": noise, "cut.mp4": clip[:len(clip) // 2],
                  "text.mp4": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "sound.mp4": self.sound_only()}
        appliance = self.kafka_appliance()
        recordings = {name: appliance.record(f"s/{name}", data) for name, data in broken.items()}
        good = appliance.record("s/good.mp4")
        sent = self.send_and_drain(appliance, {
            name: ordered(f"s/{name}", id=name) for name in [*broken, "good.mp4"]})
        letters, events = self.dead_letters(), self.events_by_job()
        for name, recording in recordings.items():
            with self.subTest(name):
                sent[name]["job"] = name
                self.assert_dead(letters[sent[name]["place"]], sent[name], "", "failed")
                moved = appliance.path("failed", recording.path)
                wait_for(moved.exists, 15, f"{name} is in failed")
                self.assertEqual(sha256(moved), recording.sha256)
                reason = json.loads(appliance.path("failed", f"{recording.path}.reason.json").read_text())
                self.assertEqual((reason["job"], reason["error"]), (name, events[name]["error"]))
        self.assert_completed(appliance, good, events["good.mp4"])
        self.assertEqual(len(letters), len(broken))
        self.assert_nothing_more(appliance, set(broken))

    def assert_nothing_more(self, appliance, failed):
        wait_for(lambda: not appliance.claims(), 15, "no claim is left")
        self.assertEqual(appliance.parts(), [])
        self.assertEqual(appliance.files("processed"), ["s/good.mp4", "s/good.mp4.json"])
        self.assertEqual(appliance.files("recordings"), [])
        names = {f"s/{name}" for name in failed} | {f"s/{name}.reason.json" for name in failed}
        self.assertEqual(appliance.files("failed"), sorted(names))

    def sound_only(self):
        return clips.make(frames=26, options=("-vn",)).read_bytes()

    def test_a_dead_letter_too_large_for_the_broker(self):
        """The jobs topic takes more than the dead letter topic: the letter is cut, and says so."""
        self.admin.delete_all()
        self.admin.create([name for name in TOPICS if name != DLQ])
        self.admin.create([DLQ], max_message_bytes=20000)
        appliance = self.kafka_appliance()
        value = ordered("s/none.mp4", id="large", meta={"x": "y" * 60000})
        place = self.sender.send(JOBS, value, key=b"k")
        self.drained(appliance)
        letter = self.dead_letters()[place]
        self.assertLess(len(letter.value), len(value))
        self.assertTrue(value.startswith(letter.value))
        self.assertIn(str(len(value)).encode(), letter.headers.values(), "no header tells the size before")
        self.assertEqual(self.events_by_job()["large"]["status"], "rejected")

    def test_a_tombstone_is_passed(self):
        appliance = self.kafka_appliance()
        good = appliance.record("s/good.mp4")
        self.sender.send(JOBS, None, key=b"k", partition=0)
        appliance.send(good, partition=0)
        self.drained(appliance)
        self.assertEqual(appliance.wait_event(good)["status"], "completed")

    def test_bad_ones_do_not_hold_up_good_ones(self):
        """A hundred bad orders while a long job runs in the other slot."""
        appliance = self.kafka_appliance()
        long, short = appliance.record_slow("s/long.mp4", 4), appliance.record("s/short.mp4")
        appliance.worker(worker_slots=2)
        appliance.send(long, partition=0, **PLACEBO)
        self.sender.send_all([(JOBS, b"junk", None, None, 1 + i % 11) for i in range(100)])
        appliance.send(short, partition=1)
        self.assertEqual(appliance.wait_event(short)["status"], "completed")
        self.assertEqual(appliance.wait_event(long)["status"], "completed")
        self.wait_no_lag(appliance)
        self.assertEqual(len(self.read(DLQ)), 100)


if __name__ == "__main__":
    main()
