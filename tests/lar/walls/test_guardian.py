"""Whatever a process started ends with it, however far it ran."""

import json
import os
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


GUARDED = """
from lar.walls import guardian
pipe = [int(one) for one in sys.argv[1:3]]
os.close(pipe[1])
guardian.stand(pipe[0])
told, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(json.dumps([os.getpid(), os.getppid(), os.getsid(0)]), flush=True)
        os.write(tell, b"x")
        os.execv("/bin/sleep", ["sleep", "600"])
    os._exit(0)
os.wait()
os.read(told, 1)
"""


def guarded(end: str) -> tuple[subprocess.Popen[str], int, int]:
    """Start a guarded process that leaves a daemon; return it, our end of the lifeline and the daemon."""
    theirs, ours = os.pipe()
    start = f"import sys; sys.path[:] = {[one for one in sys.path if one]!r}\nimport json, os, signal, time\n"
    process = subprocess.Popen(
        [sys.executable, "-c", start + GUARDED + end, str(theirs), str(ours)],
        pass_fds=[theirs, ours],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    assert process.stdout is not None
    daemon = json.loads(process.stdout.readline())[0]
    return process, ours, daemon


@pytest.mark.parametrize(("end", "code"), [("raise SystemExit(7)", 7), ("os.kill(os.getpid(), 9)", 128 + 9)])
def test_a_daemon_ends_with_the_process_that_left_it(end: str, code: int) -> None:
    process, lifeline, daemon = guarded(end)
    assert process.wait(20) == code
    assert not psutil.pid_exists(daemon)
    os.close(lifeline)


@pytest.mark.parametrize("how", ["a byte", "the end"])
def test_everything_ends_when_the_lifeline_does(how: str) -> None:
    process, lifeline, daemon = guarded("time.sleep(600)")
    children = psutil.Process(process.pid).children(recursive=True)
    assert daemon in {one.pid for one in children}  # in another session, and still the guardian's
    if how == "a byte":
        os.write(lifeline, b"x")
    else:
        os.close(lifeline)
    process.wait(20)
    assert not any(psutil.pid_exists(one.pid) for one in children)
    if how == "a byte":
        os.close(lifeline)
