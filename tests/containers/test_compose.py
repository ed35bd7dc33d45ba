#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker-compose.yml as a newcomer has it: one project that all the stories here share, as a machine would."""
import json
import os
import re
import signal
import stat
import unittest
import urllib.error
import urllib.request

from project import IMAGE, NOBODYS, OVERLAY, ROOT, Project, command_in, need_image, run
import clips
from appliance import Recording, digest, order, sha256
from children import wait_for
from clients import JOBS, RESULTS, TOPICS, Admin, Sender, read_all

PLACEBO = {"output": {"preset": "placebo"}}


class Compose(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        need_image(f"{IMAGE}:latest", required=True)
        need_image("apache/kafka:3.9.1", required=True)
        cls.failed = False
        cls.project = Project(ROOT / "docker-compose.yml", OVERLAY)
        cls.addClassCleanup(lambda: cls.project.close(cls.failed))
        try:
            cls.project.up()  # there is no data folder yet
            cls.project.wait_healthy("worker")
            cls.project.wait_healthy("watch")
        except BaseException:
            cls.failed = True
            raise
        cls.sender, cls.admin = Sender(cls.project.kafka), Admin(cls.project.kafka)
        cls.numbers = iter(range(1, 1000))

    def tearDown(self):
        result = self._outcome.result
        type(self).failed |= any(test is self for test, _ in result.failures + result.errors)

    def record(self, path, **clip):
        """Falls into the folder at once, as another program of the same user would make it."""
        target = self.project.data / "recordings" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.parent / f".draft-{target.name}"
        draft.write_bytes(clips.numbered(next(self.numbers), **clip))
        draft.rename(target)
        for made in (target, target.parent):
            os.chown(made, 1000, 1000)
        return Recording(self.project.data / "recordings", path)

    def slow(self, path):
        """One that the watch does not look at, for an order with PLACEBO."""
        return self.record(path, frames=200, size="640x360")

    def events(self, recording=None):
        found = [message.json() for message in read_all(self.project.kafka, RESULTS)]
        return [event for event in found if recording is None or event["input"].get("path") == recording.path]

    def assert_done(self, recording, seconds=180):
        """Processed once, archived, and told once."""
        event = wait_for(lambda: self.events(recording), seconds, f"a result of {recording.path}")[0]
        self.assertEqual((event["status"], event.get("error")), ("completed", None), event)
        output = self.project.data / "processed" / event["output"]["path"]
        self.assertEqual(digest(output), event["output"]["digest"])
        archived = self.project.data / "archived" / recording.path
        wait_for(archived.exists, 90, f"{recording.path} is archived")
        self.assertEqual(sha256(archived), recording.sha256)
        self.assertFalse((self.project.data / "recordings" / recording.path).exists())
        self.assertEqual(len(self.events(recording)), 1)
        return event

    def get(self, path, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.project.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    # Stories

    def test_a_recording(self):
        """It falls into the folder, and comes out processed, archived, and told."""
        recording = self.record("a session/one.mp4")
        event = self.assert_done(recording)
        self.assertEqual(event["device"]["backend"], "cpu")
        kcat = run("kcat", "-C", "-b", self.project.kafka, "-t", RESULTS, "-o", "beginning", "-e", "-q", "-X",
                   "isolation.level=read_committed")
        self.assertIn(event, [json.loads(line) for line in kcat.stdout.splitlines()])
        console = self.project.exec("kafka", "/opt/kafka/bin/kafka-console-consumer.sh", "--bootstrap-server",
                                    "kafka:9092", "--topic", RESULTS, "--from-beginning", "--isolation-level",
                                    "read_committed", "--timeout-ms", "8000", check=False)
        self.assertIn(event, [json.loads(line) for line in console.stdout.splitlines() if line.startswith("{")])

    def test_topics(self):
        """As README says, and nothing else makes topics."""
        self.assertEqual(self.admin.names(), set(TOPICS))
        for name, (partitions, settings) in TOPICS.items():
            self.assertEqual(self.admin.partitions(name), partitions)
            found = self.admin.settings(name)
            self.assertEqual({key: found[key] for key in settings}, settings)

    def test_the_page(self):
        """Behind a token that was made at the first start, and that only its user may read."""
        token = self.project.exec("watch", "cat", "/var/lib/vidriera/token").stdout.strip()
        self.assertRegex(token, r"^[0-9a-f]{64}$")
        self.assertIn(" 600 1000 ", " " + self.project.exec("watch", "stat", "-c", "%a %u %g",
                                                            "/var/lib/vidriera/token").stdout)
        self.assertEqual(self.get("/healthz")[0], 200)
        self.assertEqual(self.get("/")[0], 200)
        self.assertEqual(self.get("/api/jobs")[0], 401)
        code, body = self.get("/api/jobs", token)
        self.assertEqual(code, 200)
        self.assertIn("jobs", json.loads(body))
        for service in ("kafka", "worker", "watch"):
            for one in self.project.containers(service):
                for at in (one["HostConfig"]["PortBindings"] or {}).values():
                    self.assertEqual({place["HostIp"] for place in at}, {"127.0.0.1"})

    def test_closed(self):
        """No rights that are not needed."""
        for service in ("worker", "watch", "prepare", "topics"):
            one = self.project.container(service)
            host = one["HostConfig"]
            with self.subTest(service):
                self.assertTrue(host["ReadonlyRootfs"])
                self.assertEqual(host["CapDrop"], ["ALL"])
                self.assertEqual(host["CapAdd"], ["CHOWN"] if service == "prepare" else None)
                self.assertIn("no-new-privileges:true", host["SecurityOpt"])
                self.assertFalse(host["Privileged"])
                self.assertEqual(one["Config"]["User"], "0:0" if service == "prepare" else "1000:1000")
                if service in ("worker", "watch"):
                    self.assertGreater(host["Memory"], 0)
                    self.assertGreater(host["PidsLimit"], 0)
                    self.assertEqual(host["RestartPolicy"]["Name"], "unless-stopped")
        data = self.project.data.stat()
        self.assertEqual((data.st_uid, data.st_gid, stat.S_IMODE(data.st_mode)), (1000, 1000, 0o750))

    def test_killed_in_the_middle(self):
        """kill -9 of the worker: Docker starts it again, and it finishes the job."""
        claims = self.project.data / ".vidriera/claims"
        wait_for(lambda: not os.listdir(claims), 90, "nothing else is unfinished")
        recording = self.slow("killed/slow.video")
        self.sender.send(JOBS, order(recording, **PLACEBO))
        wait_for(lambda: os.listdir(claims), 60, "the job has begun")
        before = self.project.container("worker")
        os.kill(before["State"]["Pid"], signal.SIGKILL)
        self.assertEqual(self.events(recording), [])
        wait_for(lambda: self.project.container("worker")["RestartCount"] > before["RestartCount"], 60,
                 "the worker is started again")
        event = self.assert_done(recording)
        self.assertEqual(event["worker"], before["Config"]["Hostname"])
        wait_for(lambda: not os.listdir(claims), 90, "no claim is left")
        self.assertEqual(list(self.project.data.rglob("*.part")), [])

    def test_two_workers(self):
        """The second takes its share."""
        self.project.up("--scale", "worker=2", "worker")
        self.project.wait_healthy("worker", 2)
        names = {one["Config"]["Hostname"] for one in self.project.containers("worker")}
        self.assertEqual(len(names), 2)
        recordings = []

        def both():
            if len(recordings) < 48:
                recordings.append(self.record(f"many/{len(recordings)}.video"))
                self.sender.send(JOBS, order(recordings[-1]), partition=len(recordings) % 12)
            paths = {recording.path for recording in recordings}
            return {event["worker"] for event in self.events() if event["input"].get("path") in paths} == names

        wait_for(both, 180, f"both of {names} have done some")
        for recording in recordings:
            self.assert_done(recording)
        self.project.up("--scale", "worker=1", "worker")
        self.assertEqual(len(self.project.containers("worker")), 1)

    def test_down_and_up(self):
        """Orders that wait, results, and the token survive."""
        token = self.project.exec("watch", "cat", "/var/lib/vidriera/token").stdout
        before = self.events()
        self.project.compose("stop", "worker")
        recordings = [self.record(f"waits/{i}.mp4") for i in range(3)]
        wait_for(lambda: self.admin.lag("vidriera", JOBS) == len(recordings), 60, "the watch has sent its orders")
        self.project.compose("down")
        self.assertEqual(self.project.containers(), [])
        self.project.up()
        for recording in recordings:
            self.assert_done(recording)
        events = self.events()
        self.assertEqual(len(events), len(before) + len(recordings))
        self.assertEqual([event for event in before if event not in events], [])
        self.assertEqual(self.project.exec("watch", "cat", "/var/lib/vidriera/token").stdout, token)

    def test_a_folder_of_another_user(self):
        """It says what mends it, for this machine; and that does."""
        for owner, word in ((0, "chown 1000:1000"), (NOBODYS, "setfacl -m u:1000:rwx")):
            for mode in (0o755, 0o700):
                with self.subTest(word, mode=oct(mode)):
                    data = self.project.folder / f"it's-{owner}-{mode}"
                    data.mkdir()
                    (data / "in use").touch()
                    os.chown(data, owner, owner)
                    data.chmod(mode)
                    self.assert_mended(data, word)

    def assert_mended(self, data, word):
        def once():
            return self.project.compose("run", "--rm", "--no-deps", "-T", "worker", "worker", "--once", "--wait-s", "1",
                                        check=False, VIDRIERA_DATA=data)
        refused = once()
        self.assertEqual(refused.returncode, 78, refused.stderr)
        command = command_in(refused.stdout + refused.stderr)
        self.assertTrue(command.startswith(word), command)
        self.assertIn("it'\\''s", command)
        run("bash", "-c", command)
        mended = once()
        self.assertEqual(mended.returncode, 0, mended.stderr)
        self.assertTrue((data / "processed").is_dir())

    def test_observability(self):
        """Prometheus finds every process by itself, and has the rules."""
        need_image("prom/prometheus:v2.53.4")
        self.project.compose("--profile", "observability", "up", "-d", "--no-build", "prometheus")
        self.addCleanup(self.project.compose, "--profile", "observability", "rm", "-sf", "prometheus")

        def ask(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.project.env['VIDRIERA_PROMETHEUS_PORT']}"
                                            f"/api/v1/{path}", timeout=10) as answer:
                    return json.load(answer)["data"]
            except OSError:
                return None

        def look():
            found = ask("query?query=vidriera_build_info")
            return found and len(found["result"]) == 2
        wait_for(look, 120, "worker and watch are scraped")
        up = ask("query?query=up")["result"]
        self.assertEqual([series["value"][1] for series in up], ["1"] * 2)
        rules = [rule["name"] for group in ask("rules")["groups"] for rule in group["rules"]]
        wanted = re.findall(r"alert: (\w+)", (ROOT / "docker/observability/alerts.yml").read_text())
        self.assertEqual(rules, wanted)


if __name__ == "__main__":
    unittest.main(verbosity=2)
