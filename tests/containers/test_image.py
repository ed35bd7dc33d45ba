#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images, and what Compose makes of the files that cannot run here."""
import json
import os
import re
import unittest

from project import IMAGE, ROOT, Project, need_image, run

BASE = ROOT / "docker-compose.yml"


def inspect(image):
    return json.loads(run("docker", "image", "inspect", image).stdout)[0]


class Image(unittest.TestCase):
    def setUp(self):
        need_image(f"{IMAGE}:latest", required=True)
        need_image(f"{IMAGE}:nvidia", required=True)

    def test_what_is_in_it(self):
        version = re.search(r"project\(vidriera VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        for tag in ("latest", "nvidia"):
            found = inspect(f"{IMAGE}:{tag}")
            config = found["Config"]
            with self.subTest(tag):
                print(f"{IMAGE}:{tag}: {found['Size'] / 1e6:.0f} MB", flush=True)
                self.assertEqual(config["User"], "10001:10001")
                self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "vidriera", "health"])
                self.assertEqual(config["Labels"]["org.opencontainers.image.version"], version)
                self.assertEqual(config["Labels"]["org.opencontainers.image.licenses"], "GPL-3.0-or-later")
                done = run("docker", "run", "--rm", f"{IMAGE}:{tag}", "--version")
                self.assertIn(version, done.stdout)
        env = inspect(f"{IMAGE}:nvidia")["Config"]["Env"]
        self.assertIn("NVIDIA_DRIVER_CAPABILITIES=compute,video,utility", env)

    def test_devices(self):
        """Drivers for Intel and AMD in the one, the kernels for NVIDIA in both, and a word on why none is used."""
        found = run("docker", "run", "--rm", "--entrypoint", "sh", f"{IMAGE}:latest", "-c",
                    "ls /usr/lib/*/dri /etc/OpenCL/vendors").stdout
        for driver in ("radeonsi_drv_video.so", "iHD_drv_video.so", "intel.icd"):
            self.assertIn(driver, found)
        for tag in ("latest", "nvidia"):
            said = run("docker", "run", "--rm", "--read-only", f"{IMAGE}:{tag}", "doctor", seconds=120).stdout
            self.assertIn("--device auto takes cpu", said)
            self.assertIn("/dev/nvidia0: no such node", said)

    def test_one_file_without_any_right(self):
        """As anybody: no capability, no network, nothing to be written but the folder."""
        project = Project()
        self.addCleanup(project.close)
        project.folder.chmod(0o777)
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1", "-c:v", "libx264",
            project.folder / "in.mp4")
        run("docker", "run", "--rm", "--read-only", "--network", "none", "--cap-drop", "ALL", "--security-opt",
            "no-new-privileges", "-v", f"{project.folder}:/here", f"{IMAGE}:latest", "process", "/here/in.mp4")
        output = project.folder / "in.tinted.mp4"
        self.assertEqual(output.stat().st_uid, 10001)
        frames = run("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of",
                     "csv=p=0", output).stdout
        self.assertEqual(frames.strip(), "25")


class Files(unittest.TestCase):
    def config(self, *files, check=True, **env):
        project = Project(*files, **env)
        self.addCleanup(os.rmdir, project.folder)
        done = project.compose("--profile", "*", "config", "--format", "json", check=check)
        return json.loads(done.stdout) if check else done

    def test_vaapi(self):
        overlay = ROOT / "docker/compose.vaapi.yml"
        worker = self.config(BASE, overlay, VIDRIERA_RENDER_GID=104)["services"]["worker"]
        self.assertEqual(worker["group_add"], ["104"])
        self.assertIn("/dev/dri", json.dumps(worker["devices"]))
        self.assertEqual(worker["environment"]["VIDRIERA_PROCESS_DEVICE"], "auto")
        refused = self.config(BASE, overlay, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("run vidriera doctor", refused.stderr)

    def test_nvidia(self):
        services = self.config(BASE, ROOT / "docker/compose.nvidia.yml")["services"]
        worker = services["worker"]
        device, = worker["deploy"]["resources"]["reservations"]["devices"]
        self.assertEqual((device["driver"], device["capabilities"]), ("nvidia", ["gpu"]))
        self.assertEqual((worker["image"], worker["build"]["target"]), (f"{IMAGE}:nvidia", "nvidia"))
        self.assertIn("memory", worker["deploy"]["resources"]["limits"])
        self.assertEqual(services["watch"]["image"], f"{IMAGE}:latest")

    def test_observability(self):
        services = self.config(BASE)["services"]
        for name in ("prometheus", "grafana"):
            self.assertEqual(services[name]["profiles"], ["observability"])
            for volume in services[name]["volumes"]:
                if volume["type"] == "bind":
                    self.assertTrue(os.path.exists(volume["source"]), volume["source"])
        grafana = {volume["target"]: volume["source"] for volume in services["grafana"]["volumes"]}
        with open(ROOT / "docker/observability/grafana/provisioning/dashboards/vidriera.yml", encoding="utf-8") as file:
            folder = re.search(r"path: (\S+)", file.read()).group(1)
        self.assertIn("vidriera.json", os.listdir(grafana[folder]))

    def test_grace(self):
        """Docker waits longer than a worker drains."""
        for service in ("worker", "watch"):
            found = self.config(BASE)["services"][service]
            drain = int(re.fullmatch(r"(\d+)s", found["environment"]["VIDRIERA_WORKER_DRAIN"]).group(1))
            grace = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", found["stop_grace_period"])
            self.assertGreater(int(grace.group(1) or 0) * 60 + int(grace.group(2) or 0), drain)


if __name__ == "__main__":
    unittest.main(verbosity=2)
