"""A worker's process is stopped and resumed, ends whole, and disturbs nothing of the program that started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.workers import HONEST, launch, write_kernel

from lar import machine
from lar.supervisor import WorkerProcess
from lar.walls import bubblewrap


@pytest.fixture(params=["bubblewrap", "no bubblewrap"])
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    _, reason = bubblewrap.choose()
    if request.param == "bubblewrap" and reason:
        pytest.skip(reason)
    if request.param == "no bubblewrap":
        monkeypatch.setattr(bubblewrap, "choose_once", lambda: (True, "switched off by a test"))


@pytest.fixture
def worker(walls: None, tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path)) as one:
        yield one


def test_the_process_that_is_read_is_the_one_that_computes(worker: WorkerProcess) -> None:
    command = psutil.Process(worker.pid).cmdline()
    assert "lar.worker" in " ".join(command)
    assert worker.pid != worker.child.process.pid
    assert worker.child.process.pid in {one.pid for one in psutil.Process(worker.pid).parents()}
    assert worker.rss_peak() > 20 << 20
    assert machine.process_cpu_ns(worker.pid) > 10_000_000


def test_a_stop_holds_every_thread_and_a_request_ends_it(worker: WorkerProcess) -> None:
    worker.pause()
    states = {psutil.Process(worker.pid).status()}
    assert states == {psutil.STATUS_STOPPED}
    used = machine.process_cpu_ns(worker.pid)
    worker.pause()
    time.sleep(0.05)
    assert machine.process_cpu_ns(worker.pid) == used
    worker.forget()
    assert psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED


def test_a_stopped_worker_is_ended_like_another(walls: None, tmp_path: Path) -> None:
    with WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path)) as worker:
        pid, folder = worker.pid, worker.folder
        worker.pause()
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_ending_twice_and_a_worker_that_is_gone_are_no_errors(worker: WorkerProcess) -> None:
    os.kill(worker.pid, signal.SIGKILL)
    worker.child.process.wait(20)
    worker.pause()
    worker.child.resume()


def test_other_children_of_this_program_are_left_alone(walls: None, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(41)"]) as ended:
        time.sleep(0.3)
        with subprocess.Popen(["sleep", "600"]) as running:
            with WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path)):
                pass
            assert running.poll() is None
            assert ended.wait() == 41
            running.kill()


def test_no_descriptor_is_left_open(walls: None, tmp_path: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    kernel = write_kernel(tmp_path, HONEST)
    with WorkerProcess(launch(kernel, tmp_path)):
        pass
    before = count()
    with WorkerProcess(launch(kernel, tmp_path)):
        pass
    assert count() == before


def test_a_worker_has_its_socket_and_nothing_else_of_ours(walls: None, tmp_path: Path) -> None:
    source = """
import os
names = [f"/proc/self/fd/{number}" for number in range(64)]
found = [os.readlink(name) for name in names if os.path.lexists(name)]
known = ("/dev/null", "/dev/urandom", "/proc/", "socket:")  # its input, the generator's, a wall's, ours
assert not [one for one in found if not one.startswith(known) and not one.endswith("/output")], found
assert sum(one.startswith("socket:") for one in found) == 1, found
"""
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        with WorkerProcess(launch(write_kernel(tmp_path, source + HONEST), tmp_path)):
            pass
