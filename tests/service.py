#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""run, worker and watch as systemd sees them: what goes to NOTIFY_SOCKET and when, and how they end that cannot start.
Then health and status, which ask them.

usage: service.py VIDRIERA
"""

import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

vidriera = sys.argv.pop(1)
WATCHDOG_S = 8
NOWHERE = "127.0.0.1:1"  # nobody listens there


class Service:
    """A process with a notify socket; what it said, with the times."""

    def __init__(self, folder, *command, **settings):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.said = []
        self.log = open(folder / "log", "w+", encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if not name.startswith("VIDRIERA_")}
        env |= {"VIDRIERA_DEVICE": "cpu", "VIDRIERA_WORKER_SLOTS": "1", "VIDRIERA_HTTP_LISTEN": "127.0.0.1:0", **settings, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)}
        self.process = subprocess.Popen([vidriera, *command], env=env, stderr=self.log, stdin=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.log.close()

    def hear(self, seconds):
        """One datagram, or None."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            self.said.append((time.monotonic(), self.socket.recv(4096).decode()))
        except TimeoutError:
            return None
        return self.said[-1][1]

    def hear_until(self, pattern, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended = self.process.poll() is not None
            said = self.hear(0 if ended else 0.1)
            if said and re.search(pattern, said):
                return said
            if ended and not said:
                break
        raise AssertionError(f"no {pattern} in {[said for _, said in self.said]}; log: {self.text()}")

    def text(self):
        """The log."""
        return pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")

    def healthy(self):
        """What /healthz of its page answers."""
        page = re.search(r"the page: (http://[0-9.:]+)/", self.text())
        if not page:
            raise AssertionError(f"no page: {self.text()}")
        with urllib.request.urlopen(f"{page.group(1)}/healthz", timeout=60) as answer:
            return answer.status, answer.read()

    def texts(self):
        return [said for _, said in self.said]

    def feeds(self):
        return [at for at, said in self.said if said == "WATCHDOG=1"]


class Told(unittest.TestCase):
    def start(self, *command, recording=None, **settings):
        folder = tempfile.TemporaryDirectory(prefix="vidriera-service-")
        self.addCleanup(folder.cleanup)
        (pathlib.Path(folder.name) / "data/recordings").mkdir(parents=True)
        if recording:
            recording(pathlib.Path(folder.name) / "data/recordings/r.mp4")
        words = [f"{folder.name}/data" if word == "DATA" else word for word in command]
        service = Service(pathlib.Path(folder.name), *words, **settings)
        self.addCleanup(service.close)
        return service

    def see_life(self, service):
        service.hear_until("^READY=1$")
        until = time.monotonic() + 2.2 * WATCHDOG_S
        while time.monotonic() < until:
            service.hear(until - time.monotonic())
        self.assertEqual(service.healthy(), (200, b"ok\n"))
        feeds = service.feeds()
        self.assertGreaterEqual(len(feeds), 3)
        for before, after in zip(feeds, feeds[1:]):
            self.assertLess(after - before, WATCHDOG_S)
        self.assertEqual(service.texts().count("READY=1"), 1)
        service.process.send_signal(signal.SIGTERM)
        service.hear_until("^STOPPING=1$")
        service.process.wait(60)
        while service.hear(0):
            pass
        self.assertEqual(service.texts().count("STOPPING=1"), 1)

    def test_run(self):
        service = self.start("run", "--data", "DATA")
        service.hear_until("^READY=1$")
        service.hear_until("^STATUS=0 of 1 slots work, 0 more orders here$")
        self.assertEqual(service.texts()[0], "STATUS=looking at devices")
        service.said = [(0, "READY=1")]
        service.process.send_signal(signal.SIGTERM)
        service.hear_until("^EXTEND_TIMEOUT_USEC=")
        self.assertEqual(service.process.wait(60), 0)

    @unittest.skipUnless(shutil.which("ffmpeg"), "no ffmpeg to make a recording with")
    def test_drain_asks_for_time(self):
        """Again and again, as long as a job may go on: systemd waits no longer than it was asked to."""
        def long(path):
            short = path.with_name(".short.mp4")
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=2", "-pix_fmt", "yuv420p", "-preset", "ultrafast", str(short)], check=True, stdin=subprocess.DEVNULL)
            subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", "199", "-i", str(short), "-c", "copy", "-movflags", "+faststart", str(path)], check=True, stdin=subprocess.DEVNULL)
        service = self.start("run", "--data", "DATA", recording=long, VIDRIERA_WORKER_DRAIN="17s", VIDRIERA_WATCH_QUIET="1s", VIDRIERA_OUTPUT_PRESET="placebo")
        service.hear_until("^STATUS=1 of 1 slots work", 120)
        service.said = []
        service.process.send_signal(signal.SIGTERM)
        service.hear_until("^STATUS=ending$", 120)
        self.assertEqual(service.process.wait(60), 0)
        asked = [at for at, said in service.said if said.startswith("EXTEND_TIMEOUT_USEC=")]
        self.assertGreaterEqual(len(asked), 4, service.texts())  # at once, every five seconds, and at the end
        for before, after in zip(asked, asked[1:]):
            self.assertLess(after - before, 30)
        self.assertTrue(any(said.startswith("STATUS=1 of 1 slots work") and "draining" in said for said in service.texts()), service.texts())

    def test_worker_without_a_broker(self):
        service = self.start("worker", "--data", "DATA", "-X", f"bootstrap.servers={NOWHERE}")
        self.see_life(service)
        status = [said for said in service.texts() if said.startswith("STATUS=0 of 1 slots work")]
        self.assertTrue(any("no broker" in said for said in status), status)
        self.assertFalse(any(NOWHERE in said for said in status), status)

    def test_trial_asks_for_time(self):
        """As at a start that finds a device for the first time: the trials are the same."""
        service = self.start("doctor")
        self.assertEqual(service.process.wait(200), 0)
        while service.hear(0):
            pass
        self.assertIn("EXTEND_TIMEOUT_USEC=60000000", service.texts())
        self.assertIn("WATCHDOG=1", service.texts())

    def test_watch(self):
        service = self.start("watch", "--data", "DATA", "-X", f"bootstrap.servers={NOWHERE}")
        self.see_life(service)
        self.assertIn("STATUS=0 orders are sent and not done; no broker answers; orders wait for one", service.texts())


class Refused(unittest.TestCase):
    """What cannot start says why, and ends with the status that sysexits.h has for it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vidriera-service-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()

    def refuse(self, status, words, *command, http="off"):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("VIDRIERA_", "NOTIFY_"))}
        env |= {"VIDRIERA_DEVICE": "cpu", "VIDRIERA_HTTP_LISTEN": http}
        ended = subprocess.run([vidriera, *command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(ended.returncode, status, ended.stderr)
        self.assertIn(words, ended.stderr)

    def test_options(self):
        for command in ("run", "worker", "watch"):
            self.refuse(64, "--bogus", command, "--bogus")

    def test_no_data(self):
        for command in ("run", "worker", "watch"):
            self.refuse(78, "the folder of the recordings is not named", command)

    def test_no_broker(self):
        for command in ("worker", "watch"):
            self.refuse(78, "no broker is named", command, "--data", str(self.data))

    def test_a_second_run(self):
        service = Service(self.folder, "run", "--data", str(self.data))
        self.addCleanup(service.close)
        service.hear_until("^READY=1$")
        self.refuse(75, "another vidriera run is at work here", "run", "--data", str(self.data))

    def test_http_beyond_without_token(self):
        self.refuse(78, "there is no token", "run", "--data", str(self.data), http="0.0.0.0:0")


class Somebody(http.server.ThreadingHTTPServer):
    """What answers at the address that is asked: it may be another than vidriera."""

    daemon_threads = True

    def __init__(self, port=0, code=200, board=None):
        self.code = code
        self.board = board or {}
        self.heard = []  # (path, Authorization)
        super().__init__(("127.0.0.1", port), Answer)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.heard.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.code)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.board).encode())

    def log_message(self, *_):
        pass


class Asking(unittest.TestCase):
    TOKEN = "correct-horse-battery-staple"

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vidriera-service-")
        self.addCleanup(folder.cleanup)
        self.token = pathlib.Path(folder.name) / "token"
        self.token.write_text(self.TOKEN + "\n", encoding="utf-8")
        self.token.chmod(0o600)

    def somebody(self, **how):
        server = Somebody(**how)
        self.addCleanup(server.close)
        return server

    def env(self, server, token_file=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("VIDRIERA_")}
        return env | {"VIDRIERA_HTTP_LISTEN": f"127.0.0.1:{server.server_port}", "VIDRIERA_HTTP_TOKEN_FILE": str(token_file or self.token)}

    def ask(self, server, *command, token_file=None):
        return subprocess.run([vidriera, *command], env=self.env(server, token_file), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)

    def test_health_keeps_the_token(self):
        """It needs none, so whoever holds the port gets none, and a file that it cannot read is no matter."""
        server = self.somebody()
        for command in (("health",), ("health", "--ready")):
            self.assertEqual(self.ask(server, *command).returncode, 0)
            self.assertEqual(self.ask(server, *command, token_file=self.token.parent / "none").returncode, 0)
        self.assertEqual(server.heard, [("/healthz", None)] * 2 + [("/readyz", None)] * 2)

    def test_status_shows_the_token(self):
        server = self.somebody()
        self.assertEqual(self.ask(server, "status", "--json").returncode, 0)
        self.assertEqual(server.heard, [("/api/jobs?since=0", f"Bearer {self.TOKEN}")])
        self.assertEqual(self.ask(server, "status", token_file=self.token.parent / "none").returncode, 78)

    def test_status_says_who_refuses(self):
        refused = self.ask(self.somebody(code=401, board={"error": "a token is wanted here; sign in, or send it"}), "status")
        self.assertEqual(refused.returncode, 78)
        self.assertIn("http.token_file", refused.stderr)
        self.assertNotIn("sign in", refused.stderr)
        full = self.ask(self.somebody(code=503, board={"error": "too many ask"}), "status")
        self.assertEqual(full.returncode, 69)
        self.assertIn("answers 503: too many ask", full.stderr)
        self.assertNotIn("is it vidriera", full.stderr)
        other = self.ask(self.somebody(code=404), "status")
        self.assertIn("is it vidriera?", other.stderr)

    def test_status_tells_what_can_be_done(self):
        """By the job's id, which the path hides."""
        long, bad = {"root": "recordings", "path": "s/long.mp4"}, {"root": "recordings", "path": "s/bad.mp4"}
        server = self.somebody(board={"version": 5, "jobs": [
            {"job": "job-1", "state": "running", "input": long, "fraction": 0.1, "left_s": 5400, "cancel": True},
            {"job": "job-2", "state": "failed", "input": bad, "error": {"why": "no video", "cure": "look at it"}, "retry": True},
            {"job": "job-3", "state": "failed", "input": {"root": "recordings"}, "retry": True},
            {"job": "job-4", "state": "completed", "input": bad, "retry": False, "cancel": False}]})
        told = self.ask(server, "status").stdout
        self.assertRegex(told, r"running +s/long.mp4 +10 %, 1 h 30 min left\n +vidriera cancel job-1\n")
        self.assertRegex(told, r"failed +s/bad.mp4 +no video; look at it\n +vidriera retry job-2\n")
        self.assertIn("job job-3\n", told)
        self.assertEqual(told.count("vidriera "), 2, told)

    def test_follow_goes_on(self):
        """Through a restart; but what was never there ends it."""
        server = self.somebody(board={"version": 5, "jobs": []})
        follower = subprocess.Popen([vidriera, "status", "--follow", "--json"], env=self.env(server), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.kill)
        self.assertEqual(json.loads(follower.stdout.readline())["version"], 5)
        server.close()
        self.assertIn("it is asked again", follower.stderr.readline())
        gone = self.ask(server, "status", "--follow")
        self.assertEqual(gone.returncode, 69, gone.stderr)
        self.somebody(port=server.server_port, board={"version": 9, "jobs": []})
        self.assertEqual(json.loads(follower.stdout.readline())["version"], 9)
        self.assertIsNone(follower.poll())


if __name__ == "__main__":
    unittest.main(verbosity=2)
