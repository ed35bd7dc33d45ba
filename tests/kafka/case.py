# SPDX-License-Identifier: GPL-3.0-or-later
"""What the test files share: one broker a file, fresh topics and folders a test, and the checks of the end state."""
import collections
import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import children
from appliance import Appliance, digest, sha256
from broker import Broker
from children import wait_for
from clients import CONTROL, DLQ, JOBS, RESULTS, STATUS, Admin, Sender, read_all

SESSION_MS = 3000


class Case(unittest.TestCase):
    """A folder for each test; what the programs said is printed when it fails."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="vidriera-test-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.appliances = []

    def tearDown(self):
        for appliance in self.appliances:
            appliance.close()
        if self._failed():
            self._print_logs()

    def appliance(self, address=None, **settings):
        made = Appliance(self.folder / f"appliance-{len(self.appliances)}", address, **settings)
        self.appliances.append(made)
        return made

    def _failed(self):
        result = self._outcome.result
        return any(test is self or getattr(test, "test_case", None) is self
                   for test, _ in result.failures + result.errors)

    def _print_logs(self):
        for log in sorted(self.folder.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            print(f"--- {self.id()}: {log.name}, the last of {len(lines)} lines", *lines[-25:], sep="\n",
                  file=sys.stderr)

    # The end state

    def assert_completed(self, appliance, recording, event):
        """One event, and all that belongs to it: output with its sidecar and digest, the original archived."""
        self.assertEqual(event["schema"], "vidriera.result.v1")
        self.assertEqual((event["status"], event.get("error")), ("completed", None), event)
        self.assertEqual(event["output"]["root"], "processed")
        file = appliance.path("processed", event["output"]["path"])
        self.assertTrue(file.is_file(), f"no {file}")
        self.assertEqual((digest(file), file.stat().st_size), (event["output"]["digest"], event["output"]["bytes"]))
        self.assertEqual(self.sidecar(file), event)
        archived = appliance.path("archived", recording.path)
        wait_for(archived.exists, 15, f"{recording.path} is archived")
        self.assertEqual(sha256(archived), recording.sha256)
        self.assertFalse(appliance.path("recordings", recording.path).exists(), "it is still in recordings")

    def sidecar(self, file):
        """The document beside an output, without what is for replays only."""
        document = json.loads(Path(f"{file}.json").read_text())
        self.assertIn("replay", document)
        del document["replay"]
        return document

    def assert_end_state(self, appliance, recordings, extra_archived=()):
        """Every recording was processed once, whatever happened. Call it when no worker runs any more."""
        events = [message.json() for message in read_all(appliance.address, RESULTS)]
        counts = collections.Counter(event["input"]["path"] for event in events)
        wanted = {recording.path: 1 for recording in recordings}
        self.assertEqual(dict(counts), wanted, "events under read_committed")
        by_path = {event["input"]["path"]: event for event in events}
        for recording in recordings:
            self.assert_completed(appliance, recording, by_path[recording.path])
        outputs = {event["output"]["path"] for event in events}
        self.assert_tree(appliance, outputs, {*wanted, *extra_archived})
        self.assertEqual(appliance.dead_letters(), [])

    def assert_tree(self, appliance, outputs, archived):
        """These files lie there, and nothing else: no second output, no part, no claim."""
        wait_for(lambda: not appliance.claims(), 15, f"no claim is left ({appliance.claims()})")
        self.assertEqual(appliance.parts(), [])
        self.assertEqual(appliance.files("processed"), sorted(outputs | {f"{path}.json" for path in outputs}))
        self.assertEqual(appliance.files("archived"), sorted(archived))
        self.assertEqual(appliance.files("failed"), [])


class KafkaCase(Case):
    """With a broker, which is the file's: every test finds it running, with fresh topics."""

    secure = False
    broker = None
    _group = 0

    @classmethod
    def setUpClass(cls):
        cls._broker_folder = Path(tempfile.mkdtemp(prefix="vidriera-broker-"))
        cls.broker = Broker(cls._broker_folder, cls.secure)
        cls.addClassCleanup(shutil.rmtree, cls._broker_folder, ignore_errors=True)
        cls.addClassCleanup(cls.broker.kill)
        cls.broker.start()

    def setUp(self):
        super().setUp()
        if not self.broker.running():
            self.broker.start()
        self.admin = Admin(self.broker.address)
        self.fresh_topics()
        self.sender = Sender(self.broker.address)

    def fresh_topics(self):
        self.admin.delete_all()
        self.admin.create()

    def kafka_appliance(self, **settings):
        """Without a group of its own a test would meet the offsets of the one before."""
        KafkaCase._group += 1
        return self.appliance(self.broker.address, **{
            "worker_group": f"group-{KafkaCase._group}", "kafka_session_timeout_ms": SESSION_MS,
            "kafka_heartbeat_interval_ms": SESSION_MS // 6, **settings})

    def read(self, topic):
        return read_all(self.broker.address, topic)

    def events(self):
        """Every result, as a read_committed consumer has it now."""
        return [message.json() for message in self.read(RESULTS)]

    def lag(self, appliance):
        """Orders whose offset is not committed yet."""
        return self.admin.lag(appliance.settings["worker_group"], JOBS)

    def wait_no_lag(self, appliance, seconds=60):
        wait_for(lambda: self.lag(appliance) == 0, seconds, "the offset of every order is committed")

    def drained(self, appliance, seconds=60, **settings):
        """A worker that takes all that is there, does what is left to be done for it, and ends."""
        worker = appliance.worker(**settings)
        self.wait_no_lag(appliance, seconds)
        wait_for(lambda: not appliance.claims(), 15, f"no claim is left ({appliance.claims()})")
        self.assertEqual(worker.stop(), 0)
        return worker


def main():
    unittest.main(verbosity=2, failfast=False)


__all__ = ["CONTROL", "DLQ", "RESULTS", "STATUS", "Case", "KafkaCase", "SESSION_MS", "children", "main"]
