# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that the tests start: each ends with the test program, however that ends, and is ended by its id alone.

Call these from the main thread: PR_SET_PDEATHSIG follows the thread that started the child.
"""
import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

PATIENCE = float(os.environ.get("VD_TEST_PATIENCE", "1"))  # more where everything is slower, as with sanitizers
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **popen):
    """A child in a session of its own: what a terminal sends to us does not reach it."""
    # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
    return subprocess.Popen(command, preexec_fn=_die_with_parent, start_new_session=True, **popen)


def end(process, seconds=10):
    """SIGTERM, and SIGKILL when that does not do within the time. The exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def wait_for(condition, seconds, what):
    """What condition() returns as soon as that is true; AssertionError when it never is."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {what}")
        time.sleep(0.02)


def send_signal(pid, number):
    """To a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def heeds(pid, number):
    """Does it do something of its own at this signal? At its very start it does not yet."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("SigBlk:", "SigCgt:")) and int(line.split()[1], 16) >> (number - 1) & 1:
            return True
    return False


def descendants(pid):
    """Everything below a process, not the process itself."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            pass
    return found[1:]


def holds(pid, inode):
    """Has the process that file, (device, inode), open?"""
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                st = os.stat(f"/proc/{pid}/fd/{name}")
            except OSError:
                continue
            if (st.st_dev, st.st_ino) == inode:
                return True
    except OSError:
        pass
    return False
