# SPDX-License-Identifier: GPL-3.0-or-later
"""vidriera from outside: a data folder, the programs that work on it, and what must hold of it in the end.

VD_TEST_LOG_LEVEL: how much the programs say, to find out why a test fails.
"""
import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import xxhash

import children
import clips
from children import descendants, holds, wait_for
from clients import DLQ, JOBS, RESULTS, Reader, Sender, read_all
from clips import BINARY

ROOTS = ("recordings", "processed", "archived", "failed")
MARKER = ".vidriera-root"


class Program:
    """A vidriera command that runs. Its stderr is kept in a file; JSON lines unless told otherwise."""

    def __init__(self, command, env, log, wrap=()):
        self.name, self.log_path = log.name, log
        with open(log, "wb") as stderr:
            self.process = children.start([*wrap, str(BINARY), *command], env=env, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=stderr)
        self.pid = self.process.pid

    def text(self):
        return self.log_path.read_text(errors="replace")

    def lines(self):
        """The log as objects; a line that is no JSON counts as one with "raw" alone."""
        found = []
        for line in self.text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"raw": line})
        return found

    def said(self, *words):
        """A line that holds all the words."""
        return next((line for line in self.text().splitlines() if all(word in line for word in words)), None)

    def alive(self):
        return self.process.poll() is None

    def slots(self):
        return descendants(self.pid)

    def slot_with(self, recording):
        """The slot (a process id) that works on the recording; None. The supervisor itself does not count."""
        return next((pid for pid in self.slots() if holds(pid, recording.inode)), None)

    def wait_slot(self, recording, seconds=20):
        def look():
            if not self.alive():
                raise AssertionError(f"{self.name} ended with {self.process.returncode}")
            return self.slot_with(recording)
        return wait_for(look, seconds, f"a slot of {self.name} works on {recording.path}")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As the kernel does; the slots end with it."""
        slots = self.slots()
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not any(_runs(pid) for pid in slots), 5, f"the slots of {self.name} end with it")

    def wait(self, seconds=30):
        """The exit status; by a signal as negative."""
        try:
            return self.process.wait(seconds * children.PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end within {seconds * children.PATIENCE:g} s") from None

    def stop(self, seconds=30):
        """Drains it. The exit status."""
        wait_for(lambda: not self.alive() or children.heeds(self.pid, signal.SIGTERM), 10, f"{self.name} takes SIGTERM")
        self.process.terminate()
        return self.wait(seconds)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Recording:
    """A file as it came in."""

    def __init__(self, root, path):
        self.path = path
        file = root / path
        st = file.stat()
        self.inode, self.bytes = (st.st_dev, st.st_ino), st.st_size
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()

    def __repr__(self):
        return self.path


class Appliance:
    """address: the broker's; None: the one of `run`. settings: as in the environment, without VIDRIERA_ and small."""

    def __init__(self, folder, address=None, **settings):
        self.folder, self.data, self.address = folder, folder / "data", address
        (self.data / "recordings").mkdir(parents=True)
        self.settings = {"data": self.data, "log_format": "json", "worker_reserve": "1M", "http_listen": "off",
                         **settings}
        if "VD_TEST_LOG_LEVEL" in os.environ:
            self.settings.setdefault("log_level", os.environ["VD_TEST_LOG_LEVEL"])
        if address:
            self.settings.setdefault("kafka_bootstrap_servers", address)
        self.programs, self._readers, self._sender, self._numbers = [], {}, None, 0

    # What it works on

    def path(self, root, name=""):
        return self.data / root / name

    def record(self, path, data=None, **clip):
        """Puts a recording there, complete from the first moment: data, else a clip like no other."""
        self._numbers += 1
        target = self.path("recordings", path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.parent / f".draft-{self._numbers}"
        draft.write_bytes(clips.numbered(self._numbers, **clip) if data is None else data)
        draft.rename(target)
        return Recording(self.path("recordings"), path)

    def record_slow(self, path, seconds):
        """For an order with clips.PLACEBO."""
        return self.record(path, clips.slow(seconds).read_bytes())

    # Programs

    def env(self, **settings):
        given = {**self.settings, **settings}
        env = {f"VIDRIERA_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        for name in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        return env

    def start(self, *command, wrap=(), **settings):
        log = self.folder / f"{len(self.programs):02}-{command[0]}.log"
        program = Program([str(word) for word in command], self.env(**settings), log, wrap)
        self.programs.append(program)
        return program

    def worker(self, *options, **settings):
        return self.start("worker", *options, **settings)

    def run(self, *command, seconds=60, **settings):
        """A command that ends by itself: CompletedProcess with text."""
        return subprocess.run([str(BINARY), *map(str, command)], env=self.env(**settings), text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=seconds * children.PATIENCE)

    def close(self):
        for program in self.programs:
            if program.alive():
                for pid in program.slots():
                    children.send_signal(pid, signal.SIGCONT)
                program.kill()
        for reader in self._readers.values():
            reader.close()
        self._readers = {}

    # Messages

    @property
    def sender(self):
        self._sender = self._sender or Sender(self.address)
        return self._sender

    def send(self, recording, partition=None, key=None, headers=None, **fields):
        """An order for it. (partition, offset)"""
        return self.sender.send(JOBS, order(recording, **fields), key, headers, partition)

    def send_all(self, recordings, **fields):
        """Orders for all of them, spread over the partitions."""
        return self.sender.send_all([(JOBS, order(recording, **fields), None, None, i % 12)
                                     for i, recording in enumerate(recordings)])

    def read(self, topic, committed=True):
        """What has come until now."""
        key = (topic, committed)
        if key not in self._readers:
            self._readers[key] = Reader(self.address, topic, committed)
        return self._readers[key].poll()

    def events(self):
        """The results, as a read_committed consumer has them until now."""
        return [message.json() for message in self.read(RESULTS)]

    def wait_event(self, recording, seconds=30):
        """The first result of it."""
        def look():
            return next((event for event in self._events_to_come() if event["input"].get("path") == str(recording)),
                        None)
        return wait_for(look, seconds, f"a result of {recording}")

    def wait_events(self, recordings, seconds=60):
        """Until each has one."""
        wanted = {str(recording) for recording in recordings}

        def look():
            return wanted <= {event["input"].get("path") for event in self._events_to_come()}
        try:
            wait_for(look, seconds, f"results of {len(wanted)} recordings")
        except AssertionError as error:
            missing = wanted - {event["input"].get("path") for event in self.events()}
            raise AssertionError(f"{error}; {len(missing)} are missing: {sorted(missing)[:5]}") from None

    def _events_to_come(self):
        """The results until now; when no program runs any more, all that there will ever be."""
        if any(program.alive() for program in self.programs):
            return self.events()
        return [message.json() for message in read_all(self.address, RESULTS)]

    # What lies there

    def files(self, root):
        """Regular files beneath a root, relative, without the root's marker."""
        base = self.path(root)
        return sorted(str(file.relative_to(base)) for file in base.rglob("*")
                      if file.is_file() and not file.is_symlink() and file.name != MARKER)

    def everything(self, root):
        """What lies beneath a root, of any kind, without the root's marker."""
        base = self.path(root)
        return sorted(str(file.relative_to(base)) for file in base.rglob("*") if file.name != MARKER)

    def parts(self):
        return sorted(str(file.relative_to(self.data)) for file in self.data.rglob("*.part"))

    def claims(self):
        folder = self.data / ".vidriera/claims"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def dead_letters(self):
        return read_all(self.address, DLQ)


def order(recording, **fields):
    return json.dumps({"input": {"path": str(recording)}, **fields}).encode()


def digest(file):
    """As result documents have it."""
    return "xxh3-128:" + xxhash.xxh3_128_hexdigest(file.read_bytes())


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
