# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project of a test: its own name, folders and ports; nothing of it is left."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))
# pylint: disable=wrong-import-position
import children
from children import wait_for

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("VD_IMAGE", "vidriera-test")
OVERLAY = ROOT / "tests/containers/compose.test.yml"
CI = os.environ.get("CI") == "true"
NOBODYS = 4242  # a user that owns nothing
_numbers = iter(range(1000))


def run(*command, seconds=300, check=True, **options):
    """CompletedProcess with text; what it said stands in the error when it fails and should not."""
    done = subprocess.run([str(word) for word in command], text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds * children.PATIENCE,
                          **options)
    if check and done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


def need_image(name, required=False, engine="docker"):
    """Those that the engine does not have, and cannot get, are nothing that we could test with."""
    if run(engine, "image", "inspect", name, check=False).returncode == 0:
        return
    if run(engine, "pull", "-q", name, check=False).returncode == 0:
        return
    if required and CI:
        raise AssertionError(f"there is no image {name}, and it cannot be pulled")
    raise unittest.SkipTest(f"there is no image {name}, and it cannot be pulled")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Project:
    """files: as -f has them. env: what stands in .env, for them. engine: docker, or podman with podman-compose."""

    def __init__(self, *files, engine="docker", directory=ROOT, **env):
        self.name = f"vidriera-test-{os.getpid()}-{next(_numbers)}"
        self.folder = Path(tempfile.mkdtemp(prefix="vidriera-containers-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.engine, self.directory = engine, directory
        command = ["docker", "compose"] if engine == "docker" else ["podman-compose"]
        self.command = [*command, "-p", self.name, *(word for file in files for word in ("-f", file))]
        self.kafka_port, self.port = free_port(), free_port()
        self.env = {"VIDRIERA_DATA": self.data, "VIDRIERA_IMAGE": IMAGE, "VIDRIERA_PORT": self.port,
                    "VIDRIERA_PROMETHEUS_PORT": free_port(), "VIDRIERA_GRAFANA_PORT": free_port(),
                    "VD_TEST_KAFKA_PORT": self.kafka_port, **env}

    @property
    def kafka(self):
        return f"127.0.0.1:{self.kafka_port}"

    def compose(self, *words, seconds=300, check=True, **env):
        given = {name: str(value) for name, value in {**self.env, **env}.items()}
        return run(*self.command, *words, seconds=seconds, check=check, cwd=self.directory,
                   env={**os.environ, **given})

    def up(self, *words, **env):
        """No images are built here: a test of another one than was built would be none."""
        self.compose("up", "-d", "--no-build", *words, **env)

    def exec(self, service, *command, check=True, seconds=60):
        return self.compose("exec", "-T", service, *command, check=check, seconds=seconds)

    def containers(self, service=None):
        """What the engine knows of each, stopped ones too."""
        label = "com.docker.compose" if self.engine == "docker" else "io.podman.compose"
        words = ["--filter", f"label={label}.project={self.name}"]
        if service:
            words += ["--filter", f"label=com.docker.compose.service={service}"]
        ids = run(self.engine, "ps", "-aq", *words).stdout.split()
        return json.loads(run(self.engine, "inspect", *ids).stdout) if ids else []

    def container(self, service):
        one, = self.containers(service)
        return one

    def wait_healthy(self, service, count=1, seconds=180):
        def look():
            found = self.containers(service)
            return len(found) == count and all(one["State"].get("Health", {}).get("Status") == "healthy"
                                               for one in found)
        wait_for(look, seconds, f"{count} of {service} are healthy")

    def logs(self, *services):
        return self.compose("logs", "--no-color", *services, check=False).stdout

    def wait_log(self, pattern, *services, seconds=60):
        """The match of the last line that has the pattern."""
        def look():
            return list(re.finditer(pattern, self.logs(*services), re.M))
        return wait_for(look, seconds, f"{services} say {pattern}")[-1]

    def close(self, failed=False):
        if failed:
            lines = self.logs().splitlines()
            print(f"--- the last of {len(lines)} lines of {self.name}", *lines[-60:], sep="\n", file=sys.stderr)
        self.compose("--profile", "observability", "down", "-v", "-t", "2", "--remove-orphans", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def command_in(log):
    """The command that the last message names, to be run on this machine."""
    lines = [line for line in log.splitlines() if "run as root" in line]
    if not lines:
        raise AssertionError(f"no command in: {log}")
    return json.loads(lines[-1][lines[-1].index("{"):])["msg"].split("run as root: ", 1)[1]
