"""One holder at a time, named while it holds, and gone with its process; a child of it does not hold."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import pytest

from lar import locks, nvidia, processes
from lar.errors import BusyError

HOLD = """
import sys
from pathlib import Path
from lar import locks
lock = locks.slot_lock(Path(sys.argv[1]), "a slot", doing="tuning it") if sys.argv[2] == "slot" else (
    locks.device_lock("cpu", 60, doing="timing"))
with lock:
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests' devices apart from the machine's own."""
    monkeypatch.setenv("LAR_LOCKS", str(tmp_path / "machine"))
    return tmp_path / "machine"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@contextlib.contextmanager
def holder(store: Path, which: str = "slot") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(store), which]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def release(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def test_the_second_caller_is_told_who_holds_the_slot(store: Path) -> None:
    with holder(store) as process:
        with pytest.raises(BusyError) as caught, locks.slot_lock(store, "a slot"):
            pytest.fail("held twice")
        assert caught.value.exit_code == 8
        told = rf"slot a slot is held by process {process.pid} since \d{{4}}-\d\d-\d\dT[\d:]+\+00:00 \(tuning it\)"
        assert re.fullmatch(told, str(caught.value))
        with locks.slot_lock(store, "another slot"), locks.slot_lock(store.with_name("other"), "a slot"):
            pass
        release(process)
    with locks.slot_lock(store, "a slot"):
        pass


def test_one_journal_by_two_paths_is_one_journal(store: Path) -> None:
    store.touch()
    link = store.with_name("link")
    link.symlink_to(store)
    with holder(store), pytest.raises(BusyError), locks.slot_lock(link, "a slot"):
        pytest.fail("held twice")


def test_the_second_caller_waits_and_then_has_it(store: Path) -> None:
    told: list[str] = []
    with holder(store, "device") as process:
        later = threading.Timer(0.3, release, [process])
        later.start()
        began = time.monotonic()
        with locks.device_lock("cpu", 30, tell=told.append):
            assert time.monotonic() - began >= 0.3
        later.join()
    assert len(told) == 1, "it is told once"
    assert f"waiting for device cpu, held by process {process.pid} since" in told[0]
    assert "(timing)" in told[0]


def test_waiting_ends(store: Path) -> None:
    with holder(store, "device"):
        began = time.monotonic()
        with pytest.raises(BusyError, match=r"device cpu is held by process \d+"), locks.device_lock("cpu", 0.2):
            pytest.fail("held twice")
        assert time.monotonic() - began >= 0.2
        with locks.device_lock("another", 0):
            pass


def test_nobody_is_told_of_a_free_lock() -> None:
    with locks.device_lock("cpu", 0, tell=pytest.fail):
        pass


def test_a_killed_holder_frees_it(store: Path) -> None:
    with holder(store) as process:
        os.kill(process.pid, signal.SIGKILL)
        with locks.slot_lock(store, "a slot", wait_s=30):
            pass


@pytest.mark.parametrize("words", [{**processes.identity(), "started": 1}, {}, [], "\x1b[2J"])
def test_the_words_of_a_dead_holder_are_not_believed(store: Path, words: object) -> None:
    with locks.slot_lock(store, "a slot"):
        (path,) = store.with_name("journal.sqlite3.locks").iterdir()
    path.write_text(json.dumps(words))  # what a killed holder left
    with path.open() as other:  # and one that has not written its own yet
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="held by another process, which does not say who"):
            take(locks.slot_lock(store, "a slot"))
    with locks.slot_lock(store, "a slot"):
        words = json.loads(path.read_text())
        assert isinstance(words, dict)
        assert words["pid"] == os.getpid()
    assert path.read_text() == "", "and nothing is left of one that has let go"


def test_what_a_holder_says_cannot_steer_a_terminal(store: Path) -> None:
    with locks.slot_lock(store, "a slot"):
        (path,) = store.with_name("journal.sqlite3.locks").iterdir()
        path.write_text(json.dumps({**processes.identity(), "since": "\x1b[2Jnow\n", "doing": "\x1b]0;\x07\u202e"}))
        with pytest.raises(BusyError) as caught:
            take_in_another_thread(locks.slot_lock(store, "a slot"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("doing", ["x" * 10_000, "\U0001f980" * 10_000, "\udcff" * 10_000, "\x00" * 10_000])
def test_however_much_a_holder_says(store: Path, doing: str) -> None:
    with locks.slot_lock(store, "a slot", doing=doing), pytest.raises(BusyError, match=f"process {os.getpid()} since"):
        take_in_another_thread(locks.slot_lock(store, "a slot"))


def take(lock: contextlib.AbstractContextManager[None]) -> None:
    with lock:
        pass


def take_in_another_thread(lock: contextlib.AbstractContextManager[None]) -> None:
    """Take a lock and let it go in another thread; raise here what that raised."""
    with futures.ThreadPoolExecutor(1) as pool:
        pool.submit(take, lock).result()


def test_a_thread_may_take_it_again_and_other_threads_wait(store: Path) -> None:
    with locks.slot_lock(store, "a slot"):
        with locks.slot_lock(store, "a slot"), locks.slot_lock(store, "a slot"):
            pass
        with pytest.raises(BusyError):
            take_in_another_thread(locks.slot_lock(store, "a slot"))
    with holder(store) as process:
        release(process)


def test_an_error_within_frees_it(store: Path) -> None:
    with pytest.raises(KeyError), locks.slot_lock(store, "a slot"), locks.slot_lock(store, "a slot"):
        raise KeyError
    with holder(store):
        pass


def test_a_child_does_not_have_it(store: Path) -> None:
    """Neither a worker that outlives its killed supervisor, nor a fork of it, and neither frees it by ending."""
    code = """
import os, subprocess, sys
from pathlib import Path
from lar import locks
try:
    with locks.slot_lock(Path(sys.argv[1]), "a slot"):
        sleeper = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
        lasting = os.fork()
        if lasting == 0:
            os.read(int(sys.argv[2]), 1)
        leaving = os.fork()
        if leaving == 0:
            other = os.open(sys.argv[3], os.O_RDWR)  # under the number that the lock's file had
            raise KeyError
        left = os.waitstatus_to_exitcode(os.waitpid(leaving, 0)[1])
        print(left, sleeper.pid, lasting, flush=True)
        sys.stdin.readline()
except KeyError:
    assert os.fstat(other).st_size == 4, "the block's end has emptied another file"
    os._exit(17)
"""
    other = store.with_name("other")
    other.write_text("mine")
    keep_waiting, end = os.pipe()
    command = [sys.executable, "-c", code, str(store), str(keep_waiting), str(other)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[keep_waiting]
    )
    children: list[int] = []
    try:
        assert process.stdout is not None
        left, *children = map(int, process.stdout.readline().split())
        assert left == 17
        with pytest.raises(BusyError, match=f"process {process.pid} since"), locks.slot_lock(store, "a slot"):
            pytest.fail("the child that ended has freed it")
        process.kill()
        process.wait()
        for child in children:
            os.kill(child, 0)  # both are there
        with locks.slot_lock(store, "a slot", wait_s=10):
            pass
    finally:
        process.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
        process.communicate()
        os.close(end)
        os.close(keep_waiting)


COUNT = """
import sys
from pathlib import Path
from lar import locks
path = Path(sys.argv[1])
sys.stdin.readline()
for _ in range(10):
    with locks.device_lock("cpu", 60):
        assert not (path / "inside").exists(), "two at once"
        (path / "inside").touch()
        count = int((path / "count").read_text())
        (path / "count").write_text(str(count + 1))
        (path / "inside").unlink()
"""


def test_sixteen_processes_take_turns(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(16)]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=60)
    assert [worker.returncode for worker in workers] == [0] * 16
    assert (tmp_path / "count").read_text() == "160"


def test_a_gpu_is_locked_by_its_uuid(monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    gpus = [{"index": 0, "uuid": "GPU-aaaa"}, {"index": 1, "uuid": "GPU-bbbb"}]
    monkeypatch.setattr(nvidia, "describe", lambda: {"gpus": gpus})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with locks.device_lock("cuda:1", 0):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        with pytest.raises(BusyError):
            take_in_another_thread(locks.device_lock("cuda:0", 0))
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        take_in_another_thread(locks.device_lock("cuda:0", 0))
