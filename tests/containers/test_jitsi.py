#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay for docker-jitsi-meet. Jibri is a double: our image, uid 1000, that leaves what Jibri does."""
import json
import os
import shutil
import unittest

from project import IMAGE, NOBODYS, ROOT, Project, command_in, need_image, run
import clips
from appliance import sha256
from children import wait_for

JIBRI = 1000
# As docker-jitsi-meet has them: one file with the network, one with Jibri.
MEET = """
services:
    jicofo:
        image: {image}
        entrypoint: [sleep, infinity]
        networks:
            meet.jitsi:
networks:
    meet.jitsi:
"""
JIBRI_YML = """
services:
    jibri:
        image: {image}
        user: "1000:1000"
        read_only: true
        init: true
        entrypoint: [sleep, infinity]
        volumes:
            - ${{CONFIG}}/jibri:/config:Z
            - ${{CONFIG}}/storage/jibri:/storage:Z
        environment:
            - JIBRI_FINALIZE_RECORDING_SCRIPT_PATH
            - TZ
        depends_on:
            - jicofo
        networks:
            meet.jitsi:
"""
# What Jibri does when a recording stops, in its order.
STOP = """
set -e
session=/storage/recordings/$1
mkdir -p "$session"
cp /storage/clip.mp4 "$session/$2"
echo '{"meeting_url": "https://meet.example/room", "participants": []}' >"$session/metadata.json"
"$JIBRI_FINALIZE_RECORDING_SCRIPT_PATH" "$session"
test -e "$session/.vidriera-final"
"""


class Jitsi(unittest.TestCase):
    def setUp(self):
        need_image(f"{IMAGE}:latest", required=True)
        self.project = None

    def start(self, uid):
        project = Project("docker-compose.yml", "jibri.yml", "vidriera.yml")
        self.project = project
        run("docker", "tag", f"{IMAGE}:latest", "vidriera:test")
        self.addCleanup(run, "docker", "rmi", "vidriera:test")
        result = self._outcome.result
        self.addCleanup(lambda: project.close(any(test is self for test, _ in result.failures + result.errors)))
        project.directory = project.folder
        image = f"{IMAGE}:latest"
        (project.folder / "docker-compose.yml").write_text(MEET.format(image=image))
        (project.folder / "jibri.yml").write_text(JIBRI_YML.format(image=image))
        shutil.copy(ROOT / "docker/compose.jitsi.yml", project.folder / "vidriera.yml")
        self.storage = project.folder / "config/storage/jibri"
        for folder in (self.storage, project.folder / "config/jibri"):
            folder.mkdir(parents=True)
            os.chown(folder, JIBRI, JIBRI)
        shutil.copy(clips.make(), self.storage / "clip.mp4")
        project.env = {"CONFIG": project.folder / "config", "VIDRIERA_SOURCE": ROOT, "VIDRIERA_PORT": project.port,
                       "VIDRIERA_IMAGE_VERSION": "test", "VIDRIERA_UID": uid, "VIDRIERA_GID": uid}
        project.up("jibri", "vidriera")

    def record(self, session, name):
        self.project.exec("jibri", "sh", "-c", STOP, "stop", session, name)
        folder = self.storage / "recordings" / session
        self.assertEqual((folder.stat().st_uid, folder.stat().st_mode & 0o777), (JIBRI, 0o755))
        return f"{session}/{name}"

    def test_as_jibris_user(self):
        self.start(JIBRI)
        self.project.wait_healthy("vidriera")
        path = self.record("abc", "a room_2026-03-04-10-00-00.mp4")
        archived = self.storage / "archived" / path
        wait_for(archived.exists, 120, f"{path} is archived")
        self.assertEqual(sha256(archived), sha256(self.storage / "clip.mp4"))
        document = json.loads((self.storage / f"processed/{path}.json").read_text())
        self.assertEqual(document["status"], "completed")
        self.assertEqual(document["meta"]["meeting_url"], "https://meet.example/room")
        wait_for((self.storage / "archived/abc/metadata.json").exists, 90, "what is known of the meeting is archived")
        token = self.project.exec("vidriera", "cat", "/var/lib/vidriera/token").stdout
        self.assertRegex(token, r"^[0-9a-f]{64}\n$")

    def test_as_another_user(self):
        """It can read and not move: done, told, and moved once the command was run that it names, for this machine."""
        self.start(NOBODYS)
        said = self.project.wait_log(r".*cannot be written.*run as root.*", "vidriera").group(0)
        command = command_in(said)
        self.assertEqual(command, f"setfacl -m u:{NOBODYS}:rwx '{self.storage}'")
        self.project.exec("jibri", "mkdir", "/storage/recordings")
        run("bash", "-c", command)
        self.project.wait_healthy("vidriera")
        path = self.record("abc", "a room_2026-03-04-10-00-00.mp4")
        said = self.project.wait_log(r".*unarchived: recordings/abc/.*", "vidriera", seconds=120).group(0)
        self.assertTrue((self.storage / f"processed/{path}.json").exists())
        self.assertTrue((self.storage / "recordings" / path).exists())
        command = command_in(said)
        self.assertEqual(command, f"setfacl -m u:{NOBODYS}:rwx '{self.storage}/recordings/abc'")
        run("bash", "-c", command)
        wait_for((self.storage / "archived" / path).exists, 150, f"{path} is archived")


if __name__ == "__main__":
    unittest.main(verbosity=2)
