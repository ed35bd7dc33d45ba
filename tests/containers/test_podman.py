#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker-compose.yml once by podman-compose, where that is: the same image, a shorter story."""
import json
import shutil
import subprocess
import unittest

from project import IMAGE, OVERLAY, ROOT, Project, need_image, run
import clips
from children import wait_for


@unittest.skipUnless(shutil.which("podman-compose"), "no podman-compose here")
class Podman(unittest.TestCase):
    def setUp(self):
        need_image("docker.io/apache/kafka:3.9.1", required=True, engine="podman")
        with subprocess.Popen(["docker", "save", f"{IMAGE}:latest"], stdout=subprocess.PIPE) as save:
            subprocess.run(["podman", "load", "-q"], stdin=save.stdout, check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(save.returncode, 0)
        self.project = Project(ROOT / "docker-compose.yml", OVERLAY, engine="podman")
        result = self._outcome.result
        self.addCleanup(
            lambda: self.project.close(any(test is self for test, _ in result.failures + result.errors)))

    def test_a_recording(self):
        project = self.project
        project.compose("up", "-d", "kafka", "prepare", "topics", "worker", "watch")
        recordings = project.data / "recordings"
        wait_for(recordings.exists, 120, "the folders are made")
        session = recordings / "s"
        session.mkdir()
        shutil.copy(clips.make(), session / ".r")
        shutil.chown(session, 1000, 1000)
        (session / ".r").rename(session / "r.mp4")
        wait_for((project.data / "archived/s/r.mp4").exists, 120, "it is archived")
        kcat = run("kcat", "-C", "-b", project.kafka, "-t", "vidriera.results", "-o", "beginning", "-e", "-q", "-X",
                   "isolation.level=read_committed")
        event, = [json.loads(line) for line in kcat.stdout.splitlines()]
        self.assertEqual((event["status"], event["input"]["path"]), ("completed", "s/r.mp4"))
        project.compose("exec", "-T", "watch", "vidriera", "health")


if __name__ == "__main__":
    unittest.main(verbosity=2)
