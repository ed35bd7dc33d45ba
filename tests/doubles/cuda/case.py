# SPDX-License-Identifier: GPL-3.0-or-later
"""FFmpeg's programs with the doubles in place of NVIDIA's driver. VD_DOUBLES is their folder."""
import os
import re
import subprocess
import tempfile
import time
import unittest

DOUBLES = os.environ["VD_DOUBLES"]
PATIENCE = 120  # seconds


class DoubleCase(unittest.TestCase):
    """A folder and a log of the doubles for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = self.path("log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def environment(self, fail):
        return {**os.environ, "LD_LIBRARY_PATH": DOUBLES, "VD_DOUBLE_LOG": self.log, "VD_DOUBLE_FAIL": fail}

    def start_ffmpeg(self, *args, fail=""):
        return subprocess.Popen(["ffmpeg", "-nostdin", "-v", "quiet", "-y", *args], env=self.environment(fail))

    def wait_until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def run_ffmpeg(self, *args, fail="", timeout=PATIENCE):
        """The finished process; what it said is in stderr."""
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-v", "verbose", "-y", *args]
        return subprocess.run(command, env=self.environment(fail), timeout=timeout, capture_output=True, text=True,
                              errors="replace", check=False)

    def ffmpeg(self, *args, fail=""):
        """As run_ffmpeg(), which must succeed."""
        result = self.run_ffmpeg(*args, fail=fail)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def pixels(self, *args, pix_fmt="nv12", fail=""):
        """A digest of each picture that ffmpeg makes of the arguments."""
        out = self.path("pixels")
        self.ffmpeg(*args, "-pix_fmt", pix_fmt, "-f", "framemd5", out, fail=fail)
        with open(out, encoding="ascii") as lines:
            return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]

    def probe(self, path):
        """The fields of the video stream."""
        text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", path],
                              capture_output=True, text=True, check=True).stdout
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def events(self, name, **fields):
        """The log's events of that name with these fields; each a dictionary."""
        found = []
        if not os.path.exists(self.log):
            return found
        with open(self.log, encoding="utf-8") as lines:
            for line in lines:
                event, _, rest = line.strip().partition(" ")
                # "session open width=1": the name is what comes before the first field
                words = re.match(r"(?:[a-z]+ )*?(?=[a-z-]+=)", rest)
                event = (event + " " + words.group()).strip() if words else event
                values = {key: value.strip('"') for key, value in re.findall(r'([a-z-]+)=("[^"]*"|\S+)', rest)}
                if event == name and all(values.get(key) == str(value) for key, value in fields.items()):
                    found.append(values)
        return found

    def forget(self):
        """Begins the log anew."""
        if os.path.exists(self.log):
            os.remove(self.log)


main = unittest.main
