"""Attacks on the walls: none has an effect, with bubblewrap and without, and none of them hurts who sits beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.attacks.attempts import ATTEMPTS, INSIDE
from tests.attacks.kernel import prepare  # noqa: F401 - so that every attempt is registered
from tests.workers import HONEST, answers, ended, in_run, launch, write_kernel

import lar
from lar import isolation
from lar.contracts import Status
from lar.supervisor import WorkerProcess
from lar.walls import bubblewrap

CANARY = "canary"
ATTACKING = """
from tests.attacks.attempts import FACTS
from tests.attacks.kernel import prepare, run

FACTS.update({facts!r})
"""
WALLS = ("bubblewrap", "no bubblewrap")


@pytest.fixture(params=WALLS, scope="module")
def walls(request: pytest.FixtureRequest) -> Iterator[str]:
    """Put up the walls with bubblewrap and without it."""
    _, reason = bubblewrap.choose()
    if request.param == "bubblewrap" and reason:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "no bubblewrap":
            patch.setattr(bubblewrap, "choose_once", lambda: (True, "switched off by a test"))
        yield request.param


@pytest.fixture(scope="module")
def results(walls: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make every attempt once; return what came of each."""
    folder = tmp_path_factory.mktemp("attacks")
    places = {name: folder / name / CANARY for name in ("secret", "cached", "journal", "foreign")}
    for path in places.values():
        path.parent.mkdir()
        path.write_text(CANARY)
    kernel_folder = folder / "kernel"
    kernel_folder.mkdir()
    places["secret"] = kernel_folder / "secret.txt"
    places["secret"].write_text(CANARY)
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as server:
        patch.setenv("LAR_CACHE", str(places["cached"].parent))
        patch.setenv("LAR_STORE", str(places["journal"]))
        file, name = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        with (
            file,
            name,
            WorkerProcess(launch(write_kernel(folder, HONEST, "honest.py"), folder / "foreign")) as neighbour,
        ):
            file.bind(str(folder / "socket"))
            name.bind(f"\0lar-test-{os.getpid()}")
            for one in (file, name):
                one.listen()
            facts = {
                **{place: str(path) for place, path in places.items()},
                "supervisor": os.getpid(),
                "neighbour": neighbour.pid,
                "port": server.getsockname()[1],
                "abstract": f"lar-test-{os.getpid()}",
                "socket": str(folder / "socket"),
                "harness": str(Path(str(lar.__file__)).resolve()),
                "tmp": f"/tmp/lar-test-{os.getpid()}",
            }
            kernel = kernel_folder / "kernel.py"
            source = ATTACKING.format(facts={**facts, "kernel": str(kernel)})
            write_kernel(kernel_folder, source)
            with WorkerProcess(launch(kernel, kernel_folder)) as worker:
                assert isolation.record_worthy(worker.isolation) is None
                answers(worker)
                printed = (worker.folder / "output").read_text().splitlines()[-1]
            answers(neighbour)
        assert not Path(facts["tmp"]).exists()
        assert all(path.read_text() == CANARY for path in places.values())
        assert kernel.read_text(encoding="utf-8") == source
    found: dict[str, str] = json.loads(printed)
    return found


@pytest.mark.parametrize("name", [*ATTEMPTS, *INSIDE])
def test_an_attempt_is_refused(results: dict[str, str], name: str) -> None:
    assert results[name].startswith("refused: "), results[name]
    # It was a wall that refused it, and not that the attempt was clumsy.
    assert "Bad address" not in results[name]
    assert "Invalid argument" not in results[name]


@pytest.mark.parametrize("name", ["threads", "home", "cache", "own signals"])
def test_what_a_library_needs_still_works(results: dict[str, str], name: str) -> None:
    assert results[name].startswith("got "), results[name]


# ---- attacks that end their worker, or disturb it --------------------------------------------------------------------


BOMBS = {
    "memory": ("KEPT = []\n", "while True: KEPT.append(bytearray(64 << 20))", Status.CRASH, "memory"),
    "pages": (
        "import mmap\nKEPT = []\n",
        "while True: KEPT.append(mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))",
        Status.CRASH,
        "exception",
    ),
    "files": ("KEPT = []\n", "while True: KEPT.append(open('/dev/null'))", Status.CRASH, "exception"),
    "processes": ("import os\n", "while True: os.fork()", Status.CRASH, "exception"),
    "print": ("", "for _ in range(1 << 14): print('x' * (1 << 20))", Status.CRASH, "output"),
    "quiet print": (
        "import contextlib\n",
        "with contextlib.suppress(OSError): [print('x' * (1 << 20)) for _ in range(1 << 14)]",
        Status.CRASH,
        "output",
    ),
    "hang": ("import time\n", "time.sleep(600)", Status.CRASH, "hang"),
    "stop": ("import os, signal\n", "os.kill(os.getpid(), signal.SIGSTOP)", Status.CRASH, "hang"),
    "recursion": ("", "f = lambda: f(); f()", Status.CRASH, "exception"),
    "crash": ("import ctypes\n", "ctypes.string_at(0)", Status.CRASH, "signal"),
    "exit": ("import os\n", "os._exit(0)", Status.CRASH, "exit"),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_ends_its_own_worker_alone(walls: str, tmp_path: Path, name: str) -> None:
    before, line, status, kind = BOMBS[name]
    patience = 2.0 if kind == "hang" else 30.0
    error = ended(tmp_path, before + in_run(line), patience=patience)
    assert (error.status, error.failure.kind) == (status, kind), error


def test_files_are_counted_all_together(walls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lar.conversation.WRITTEN_BYTES", 64 << 20)
    line = "[open(f'{os.environ[name]}/{i}', 'wb').write(bytes(8 << 20)) for i in range(40)]"
    error = ended(tmp_path, "import os\nname = 'NUMBA_CACHE_DIR'\n" + in_run(line))
    assert (error.status, error.failure.kind) == (Status.CRASH, "output")
    home = "import os\nname = 'HOME'\n" + in_run(line.replace("range(40)", "range(400)"))
    error = ended(tmp_path, home)
    assert error.status is Status.CRASH
    assert error.failure.kind == "output" or "No space left" in error.failure.message


def test_a_tree_without_end_is_found_and_removed(walls: str, tmp_path: Path) -> None:
    line = "[(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]"
    error = ended(tmp_path, "import os\nos.chdir(os.environ['NUMBA_CACHE_DIR'])\n" + in_run(line))
    assert (error.status, error.failure.kind) == (Status.CRASH, "output")
    assert not list((tmp_path / "compiled").iterdir())


def test_an_import_that_takes_too_long_is_called_that(walls: str, tmp_path: Path) -> None:
    error = ended(tmp_path, "import time; time.sleep(600)\n" + HONEST, patience=2.0)
    assert (error.status, error.failure.kind) == (Status.CRASH, "hang")
    assert "the kernel's import took longer than 2 s" in error.failure.message


@pytest.mark.parametrize("name", ["numpy", "json", "lar", "socket"])
def test_a_file_beside_the_kernel_shadows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_kernel(tmp_path, "raise SystemExit(3)", f"{name}.py")
    (tmp_path / f"{name}_folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with WorkerProcess(launch(write_kernel(tmp_path, f"import {name}\n" + HONEST), tmp_path)) as worker:
        answers(worker)


# ---- work outside the timed calls ------------------------------------------------------------------------------------

BUSY = """
import threading
def spin():
    while True: sum(range(1000))
threading.Thread(target=spin, daemon=True).start()
"""


def test_a_thread_that_computes_between_batches_is_found(walls: str, tmp_path: Path) -> None:
    error = ended(tmp_path, BUSY + HONEST)
    assert (error.status, error.failure.kind) == (Status.CHEAT, "background")


def test_a_stopped_worker_computes_nothing(walls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkerProcess, "watch", lambda *_: None)
    with WorkerProcess(launch(write_kernel(tmp_path, BUSY + HONEST), tmp_path)) as worker:
        answers(worker)  # stopped since
        used = time.clock_gettime_ns((~worker.pid << 3) | 2)
        time.sleep(0.1)
        assert time.clock_gettime_ns((~worker.pid << 3) | 2) - used < 1_000_000
        answers(worker)
        worker.pause()
        pid = worker.pid
    assert not psutil.pid_exists(pid)


def test_no_process_of_a_killed_supervisor_stays(walls: str, tmp_path: Path) -> None:
    script = f"""
import sys, time
sys.path[:] = {sys_path()!r}
from pathlib import Path
from lar.walls import bubblewrap
if {walls!r} != "bubblewrap": bubblewrap.choose_once = lambda: (True, "switched off by a test")
from lar.supervisor import WorkerProcess
from tests.workers import HONEST, answers, ended, in_run, launch, write_kernel
folder = Path({str(tmp_path)!r})
worker = WorkerProcess(launch(write_kernel(folder, HONEST), folder))
worker.pause()
print(worker.pid, worker.child.process.pid, flush=True)
time.sleep(600)
"""
    where = {**os.environ, "TMPDIR": str(tmp_path)}  # what a killed supervisor cannot remove, pytest will
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=where) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(one) for one in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        supervisor.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def sys_path() -> list[str]:
    return [str(Path(one).resolve()) for one in sys.path if one]
