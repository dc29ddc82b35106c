"""A call that is refused is refused to every thread."""

import os
import subprocess
import sys

import pytest
from tests.processes import in_a_process

from lar.walls import basics, seccomp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


FILTERED = """
import threading, time, socket, signal
from lar.walls import basics, seccomp
ours, theirs = socket.socketpair()
early = []
def later():
    time.sleep(0.2)
    try: os.fork()
    except OSError as error: early.append(error.errno)
thread = threading.Thread(target=later)
thread.start()
basics.prctl(basics.PR_SET_NO_NEW_PRIVS, 1)
said = seccomp.restrict()
thread.join()
new = []
another = threading.Thread(target=lambda: new.append(1))
another.start(); another.join()
ours.send(b"still open")
print(json.dumps({"said": said, "early": early, "new": new, "heard": theirs.recv(99).decode(),
                  "filters": [l for l in open("/proc/self/status") if l.startswith("Seccomp:")][0].split()[1]}))
"""


@pytest.fixture
def seccomp_here() -> None:
    try:
        seccomp.library()
    except OSError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("seccomp_here")
def test_seccomp_holds_for_threads_that_were_there_before() -> None:
    found = in_a_process(FILTERED)
    assert found["said"].startswith("on (")
    assert (found["early"], found["new"], found["heard"], found["filters"]) == ([1], [1], "still open", "2")


@pytest.mark.usefixtures("seccomp_here")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers and the instruction are x86-64's")
def test_calls_by_another_processors_numbers_end_the_process() -> None:
    script = """
import ctypes, mmap, sys
sys.path[:] = {path!r}
from lar.walls import basics, seccomp
basics.prctl(basics.PR_SET_NO_NEW_PRIVS, 1)
seccomp.restrict()
code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
code.write(b"\\xb8\\x02\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 2 (fork of i386); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""
    source = script.format(path=[one for one in sys.path if one])
    assert subprocess.run([sys.executable, "-c", source], check=False, timeout=60).returncode == -31  # SIGSYS


def test_without_the_library_seccomp_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    assert "libseccomp.so.2 is not installed" in basics.attempt(seccomp.restrict)
