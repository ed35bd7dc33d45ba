#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and their machines see: status, health, metrics, cancel, retry, and the page's data, of real workers."""
import http.client
import itertools
import json
import os
import re
import socket
import subprocess
import threading
import time
import unittest

import clips
from case import RESULTS, KafkaCase, main
from children import PATIENCE, wait_for
from test_host import mount, private_mounts

PROMTOOL = "/usr/bin/promtool"


class Page:
    """The HTTP of a worker."""

    def __init__(self, program):
        line = wait_for(lambda: program.said("the page: http://"), 20, "it says where the page is")
        self.address = re.search(r"http://([0-9.:]+)", line).group(1)

    def get(self, path, **headers):
        """(code, text)"""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def jobs(self):
        """{job: its object}"""
        code, text = self.get("/api/jobs")
        if code != 200:
            raise AssertionError(f"{code}: {text}")
        return {job["job"]: job for job in json.loads(text)["jobs"]}

    def events(self, seconds):
        """(event as text, all jobs as a page that follows has them now), until the time is over."""
        deadline = time.monotonic() + seconds * PATIENCE
        connection = http.client.HTTPConnection(self.address, timeout=20)  # something is sent more often
        try:
            connection.request("GET", "/events")
            stream = connection.getresponse()
            if (stream.status, stream.getheader("Content-Type")) != (200, "text/event-stream"):
                raise AssertionError(f"{stream.status}: {stream.getheader('Content-Type')}")
            jobs = {}
            while time.monotonic() < deadline:
                line = stream.readline().decode()
                if not line:
                    raise AssertionError("the stream ended")
                if line.startswith("data: "):  # a sign of life has none
                    jobs.update({job["job"]: job for job in json.loads(line[5:])["jobs"]})
                    jobs = {name: job for name, job in jobs.items() if job["state"] != "gone"}
                    yield line, jobs
        finally:
            connection.close()
        raise AssertionError(f"not within {seconds * PATIENCE:g} s")

    def states(self):
        return {job: seen["state"] for job, seen in self.jobs().items()}

    def metric(self, name, **labels):
        """Of all series with these labels, the sum; None: there is none."""
        found = [float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[1].splitlines()
                 if re.match(rf"{name}[{{ ]", line) and all(f'{key}="{value}"' in line for key, value in labels.items())]
        return sum(found) if found else None


class People(KafkaCase):
    def people_appliance(self, **settings):
        return self.kafka_appliance(**{"http_listen": "127.0.0.1:0", "http_media": "yes", **settings})

    def ask(self, appliance, page, *command, **settings):
        return appliance.run(*command, http_listen=page.address, **settings)

    def takers(self, page, partitions, probe):
        """The workers that do the orders of these partitions now, as two orders tell that can only be refused."""
        for partition in partitions:
            order = {"id": f"probe-{probe}-{partition}", "input": {"path": "s/nowhere.mp4"}}
            self.sender.send("vidriera.jobs", json.dumps(order).encode(), partition=partition)
        names = [f"probe-{probe}-{partition}" for partition in partitions]
        wait_for(lambda: all(page.states().get(name) == "rejected" for name in names), 30, f"{names} are refused")
        return {page.jobs()[name]["worker"] for name in names}

    def test_each_of_two_workers_shows_the_whole_queue(self):
        appliance = self.people_appliance(worker_slots=1)
        slow = [appliance.record_slow(f"s/slow-{i}.mp4", 10) for i in range(2)]
        waiting = [appliance.record(f"s/waits-{i}.mp4") for i in range(4)]
        pages = [Page(appliance.worker(worker_name=f"worker-{i}")) for i in range(2)]
        probes = itertools.count()
        wait_for(lambda: len(self.takers(pages[0], (0, 6), next(probes))) == 2, 60, "each has its partitions")
        for i, recording in enumerate(slow):
            appliance.send(recording, partition=i * 6, id=f"slow-{i}", **clips.PLACEBO)
        for i, recording in enumerate(waiting):
            appliance.send(recording, partition=(i % 2) * 6, id=f"waits-{i}")
        wanted = {f"slow-{i}": "running" for i in range(2)} | {f"waits-{i}": "waiting" for i in range(4)}
        wait_for(lambda: all(wanted.items() <= page.states().items() for page in pages), 30,
                 "two run, four wait, on both pages")
        for page in pages:
            wait_for(lambda page=page: {state for job, state in page.states().items() if job in wanted} ==
                     {"completed"}, 90, "everything is done, and told on both pages")
        self.assertEqual({pages[0].jobs()[job]["worker"] for job in wanted},
                         {pages[1].jobs()[job]["worker"] for job in wanted})

    def test_an_order_without_id_is_one_job(self):
        appliance = self.people_appliance(worker_slots=1)
        page = Page(appliance.worker())
        first, second = appliance.record_slow("s/first.mp4", 12), appliance.record("s/second.mp4")
        appliance.send(first, partition=0, **clips.PLACEBO)
        appliance.send(second, partition=0)

        def paths():
            return sorted((job["input"]["path"], job["state"]) for job in page.jobs().values())
        wait_for(lambda: paths() == [("s/first.mp4", "running"), ("s/second.mp4", "waiting")], 30, "one runs, one waits")
        wait_for(lambda: paths() == [("s/first.mp4", "completed"), ("s/second.mp4", "completed")], 60, "both are done")

    def test_history_survives(self):
        """It is read back from the results topic."""
        appliance = self.people_appliance()
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(3)]
        worker = appliance.worker()
        appliance.send_all(recordings)
        appliance.wait_events(recordings)
        self.wait_no_lag(appliance)
        self.assertEqual(worker.stop(), 0)
        page = Page(appliance.worker())
        wait_for(lambda: list(page.states().values()) == ["completed"] * 3, 30, "all three are there again")
        self.assertEqual({job["input"]["path"] for job in page.jobs().values()}, {str(one) for one in recordings})

    def test_status_in_a_terminal(self):
        appliance = self.people_appliance()
        page = Page(appliance.worker())
        recording = appliance.record("s/good.mp4")
        appliance.send(recording, id="good")
        self.sender.send("vidriera.jobs", b'{"id":"bad","input":{"path":"s/nowhere.mp4"}}', b"bad")
        wait_for(lambda: sorted(page.states().values()) == ["completed", "rejected"], 60, "both have ended")
        table = self.ask(appliance, page, "status")
        self.assertEqual(table.returncode, 0, table.stderr)
        for words in ("ready", "completed", "s/good.mp4", "rejected", "s/nowhere.mp4"):
            self.assertIn(words, table.stdout)
        told = re.search(r"^ +vidriera (retry .*)$", table.stdout, re.M)
        self.assertEqual(told and told.group(1), "retry bad", table.stdout)
        board = json.loads(self.ask(appliance, page, "status", "--json").stdout)
        self.assertEqual({job["job"]: job["state"] for job in board["jobs"]}, {"good": "completed", "bad": "rejected"})
        self.assertTrue({job["job"]: job for job in board["jobs"]}["bad"]["error"]["cure"])
        appliance.record("s/nowhere.mp4")
        again = appliance.run(*told.group(1).split())
        self.assertEqual(again.returncode, 0, again.stderr)
        wait_for(lambda: page.states().get("bad") == "completed", 60, "what the table says does it")

    def test_health(self):
        appliance = self.people_appliance()
        worker = appliance.worker()
        page = Page(worker)
        wait_for(lambda: page.get("/readyz")[0] == 200, 30, "ready")
        self.assertEqual(self.ask(appliance, page, "health").returncode, 0)
        self.assertEqual(self.ask(appliance, page, "health", "--ready").returncode, 0)
        self.broker.stop()
        wait_for(lambda: page.get("/readyz")[0] == 503, 60, "not ready without a broker")
        away = self.ask(appliance, page, "health", "--ready")
        self.assertEqual(away.returncode, 69)
        self.assertIn("kafka", away.stderr)
        self.assertEqual(self.ask(appliance, page, "health").returncode, 0, "it is alive all the same")
        self.assertEqual(worker.stop(), 0)
        gone = self.ask(appliance, page, "health")
        self.assertEqual(gone.returncode, 69)
        self.assertIn(page.address, gone.stderr)

    def test_cancel_and_retry(self):
        appliance = self.people_appliance()
        page = Page(appliance.worker())
        recording = appliance.record_slow("s/long.mp4", 60)
        appliance.send(recording, id="long", **clips.PLACEBO)
        wait_for(lambda: page.states().get("long") == "running", 30, "it runs")
        self.assertEqual(appliance.run("cancel", "long").returncode, 0)
        wait_for(lambda: page.states().get("long") == "cancelled", 30, "it is cancelled")
        self.sender.send("vidriera.jobs", b'{"id":"late","input":{"path":"s/late.mp4"}}', b"late")
        wait_for(lambda: page.states().get("late") == "rejected", 30, "there is no such recording")
        self.assertTrue(page.jobs()["late"]["retry"])
        appliance.record("s/late.mp4")
        again = appliance.run("retry", "late")
        self.assertEqual(again.returncode, 0, again.stderr)
        wait_for(lambda: page.states().get("late") == "completed", 60, "the second time it is there")
        self.assertEqual([event["status"] for event in self.events() if event["job"] == "late"],
                         ["rejected", "completed"])
        for command, job, why in (("retry", "long", "has not failed"), ("retry", "nonsense", "there is no dead letter"),
                                  ("cancel", "long", "neither waits nor runs"), ("cancel", "nonsense", "there is no job nonsense")):
            nothing = appliance.run(command, job)
            self.assertEqual(nothing.returncode, 66, nothing.stderr)
            self.assertIn(why, nothing.stderr)

    def test_metrics(self):
        appliance = self.people_appliance()
        worker = appliance.worker()
        page = Page(worker)
        running = appliance.record_slow("s/running.mp4", 8)
        appliance.send(running, **clips.PLACEBO)
        wait_for(lambda: page.metric("vidriera_jobs_running") == 1, 30, "a job runs")
        self.assert_sound(page)
        self.assertLess(self.slowest_scrape(page), 1 * PATIENCE, "a scrape waits for a job")
        wait_for(lambda: page.metric("vidriera_jobs_total", result="completed") == 1, 60, "and is counted")
        self.assertGreater(page.metric("vidriera_frames_total"), 0)
        self.assertGreater(page.metric("vidriera_disk_free_bytes"), 0)
        self.sender.send("vidriera.jobs", b"no order", b"x")
        wait_for(lambda: page.metric("vidriera_dead_letters_total") == 1, 30, "a dead letter is counted")
        self.broker.stop()
        wait_for(lambda: page.metric("vidriera_kafka_up") == 0, 60, "the broker is away")
        self.assert_sound(page)
        self.assertLess(self.slowest_scrape(page), 1 * PATIENCE, "a scrape waits for the broker")

    def test_metrics_while_the_disk_is_full(self):
        if not private_mounts():
            self.skipTest("no mount namespace to be had: only root gets one")
        appliance = self.people_appliance(worker_reserve=0)
        processed = appliance.path("processed")
        processed.mkdir()
        mount("-t", "tmpfs", "-o", "size=300k", "tmpfs", processed)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(processed)], check=False, stderr=subprocess.DEVNULL)
        recording = appliance.record("s/large.mp4", size="640x360", frames=50)
        worker = appliance.worker()
        page = Page(worker)
        wait_for(lambda: page.get("/readyz")[0] == 200, 30, "ready")
        appliance.send(recording, id="large", output={"quality": 1})
        wait_for(lambda: worker.said("No space left") or worker.said("full"), 30, "it says that the disk is full")
        wait_for(lambda: page.metric("vidriera_ready", what="folders") == 0, 30, "and its metrics say so")
        self.assert_sound(page)
        self.assertLess(page.metric("vidriera_disk_free_bytes", root="processed"), 300 << 10)
        self.assertEqual(page.get("/readyz")[0], 503)
        mount("-o", "remount,size=64m", processed)
        wait_for(lambda: page.states().get("large") == "completed", 60, "it goes on")
        self.assertEqual(page.metric("vidriera_ready", what="folders"), 1)

    def slowest_scrape(self, page):
        """Of 20, in seconds; what a scrape costs is measured by bench/scrape.py."""
        def took():
            began = time.monotonic()
            self.assertEqual(page.get("/metrics")[0], 200)
            return time.monotonic() - began
        return max(took() for _ in range(20))

    def test_slow_clients_hold_up_no_job(self):
        """60 of them send a byte a second, and more wait behind them."""
        appliance = self.people_appliance()
        page = Page(appliance.worker())
        host, port = page.address.split(":")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(3)]
        lines = [socket.create_connection((host, int(port)), 20) for _ in range(150)]
        over = threading.Event()

        def drip():
            for byte in itertools.chain(b"GET /api/jobs HTTP/1.1\r\nX: ", itertools.repeat(ord("x"))):
                for line in lines[:60]:
                    try:
                        line.send(bytes([byte]))
                    except OSError:  # ended by the server, as it should be
                        pass
                if over.wait(1):
                    return

        def healthy():
            try:
                return page.get("/healthz")[0] == 200
            except (OSError, http.client.HTTPException):
                return False
        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            appliance.send_all(recordings)
            appliance.wait_events(recordings)
            wait_for(healthy, 60, "it is asked for its health, and answers")
        finally:
            over.set()
            dripper.join()
            for line in lines:
                line.close()
        wait_for(lambda: sorted(page.states().values()) == ["completed"] * 3, 60, "and it shows them")

    def assert_sound(self, page):
        code, text = page.get("/metrics")
        self.assertEqual(code, 200, text)
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_no_names_without_media(self):
        """Whatever is asked for, and whatever becomes of a recording."""
        appliance = self.people_appliance()
        worker = appliance.worker(http_media="no")
        page = Page(worker)
        good, bad = appliance.record("Mrs Smith/good.mp4"), appliance.record("Mrs Smith/bad.mp4", b"no recording" * 99)
        events = page.events(90)
        _, seen = next(events)
        appliance.send(good, id="good", session="Smith", meta={"meeting_url": "https://meet.example.org/Smith"})
        appliance.send(bad, id="bad", session="Smith")
        wait_for(lambda: page.states() == {"good": "completed", "bad": "failed"}, 60, "both have ended")
        told = ""
        while len(seen) < 2 or any("finished" not in job for job in seen.values()):
            text, seen = next(events)
            told += text
        self.assertNotIn("Smith", told, "/events")
        for path in ("/api/jobs", "/metrics", "/healthz", "/readyz", "/version", "/", "/page.js", "/media/good/result",
                     "/media/good/original", "/media/Mrs%20Smith/good.mp4"):
            code, text = page.get(path)
            self.assertNotIn("Smith", text, path)
            if path.startswith("/media"):
                self.assertEqual(code, 404, path)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be two users")
    def test_no_names_in_a_cure(self):
        """The command that mends a folder names it: the log has it, and nobody else."""
        ours, other = 10001, 1000
        appliance = self.people_appliance(http_media="no")
        recording = appliance.record("Mrs Smith/r.mp4", b"no recording" * 99)
        for path in (appliance.data, *appliance.data.rglob("*")):
            os.chown(path, ours, ours)
        # The tie to our end is cut where the user changes: setpriv makes it anew.
        user = ["setpriv", f"--reuid={ours}", f"--regid={ours}", "--clear-groups", "--pdeathsig=KILL"]
        worker = appliance.start("worker", wrap=user)
        page = Page(worker)
        appliance.send(recording, id="closed")
        wait_for(lambda: page.jobs().get("closed", {}).get("retry"), 60, "it fails")
        folder = appliance.path("failed", "Mrs Smith")
        wait_for((folder / "r.mp4").exists, 60, "it is moved")
        os.chown(folder, other, other)
        again = appliance.run("retry", "closed")
        self.assertEqual(again.returncode, 0, again.stderr)
        wait_for(lambda: worker.said("run as root: ", "Mrs Smith'"), 60, "it cannot be fetched back, and the log says how")

        def told():
            error = page.jobs()["closed"].get("error", {})
            return "cannot be tried again" in error.get("why", "") and error
        self.assertEqual(wait_for(told, 60, "the page tells of it")["cure"], "the log has the command")
        for path in ("/api/jobs", "/readyz", "/metrics"):
            self.assertNotIn("Smith", page.get(path)[1], path)
        table = self.ask(appliance, page, "status")
        self.assertIn("the log has the command", table.stdout)
        self.assertNotIn("Smith", table.stdout)

    def test_a_port_that_is_taken(self):
        appliance = self.people_appliance()
        page = Page(appliance.worker())
        second = appliance.worker(http_listen=page.address)
        self.assertEqual(second.wait(), 78)
        self.assertTrue(second.said(page.address, "is taken"), second.text())

    def test_the_default_port_is_taken(self):
        """Nobody chose it: the second worker has no page, and works."""
        appliance = self.people_appliance()
        workers = [appliance.worker(http_listen=None, worker_slots=1) for _ in range(2)]
        wait_for(lambda: any(worker.said("is taken") for worker in workers), 20, "one of them has no page")
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(12)]
        appliance.send_all(recordings)
        appliance.wait_events(recordings)
        self.assertEqual([worker.stop() for worker in workers], [0, 0])

    def test_everything_is_told_once(self):
        """A page that follows the events has in the end what one that comes later has."""
        appliance = self.people_appliance()
        page = Page(appliance.worker())
        events = page.events(90)
        _, seen = next(events)
        recordings = [appliance.record(f"s/{i}.mp4") for i in range(3)]
        appliance.send_all(recordings)
        while sorted(job["state"] for job in seen.values()) != ["completed"] * 3:
            _, seen = next(events)
        events.close()
        self.assertEqual({job: one["state"] for job, one in seen.items()}, page.states())
        self.assertEqual(len(self.read(RESULTS)), 3)


if __name__ == "__main__":
    main()
