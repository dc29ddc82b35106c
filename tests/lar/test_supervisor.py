"""A worker does what it is asked, and whatever its kernel does wrong comes back as a status and a failure."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from tests.workers import HONEST, launch, small_case, target, write_kernel

from lar import catalog, oracle
from lar.contracts import Status
from lar.supervisor import KernelFailedError, WorkerProcess, stack


def ask(worker: WorkerProcess, calls: int = 2) -> list[tuple[np.ndarray, ...]]:
    case = small_case()
    data = target().data(case)
    queries = target().queries(case, data, 7, calls)
    worker.load(case, data)
    worker.open_case(case, queries[0], target().outputs(case), calls)
    worker.stage(case, queries)
    worker.run(case, 0, calls)
    return worker.gather(case)


def run_kernel(
    tmp_path: Path, source: str, *, patience: float = 60.0, budget: float = 120.0
) -> list[tuple[np.ndarray, ...]]:
    with WorkerProcess(launch(write_kernel(tmp_path, source), tmp_path, patience=patience, budget=budget)) as worker:
        return ask(worker)


def failure_of(tmp_path: Path, source: str, *, patience: float = 60.0, budget: float = 120.0) -> KernelFailedError:
    with pytest.raises(KernelFailedError) as caught:
        run_kernel(tmp_path, source, patience=patience, budget=budget)
    message = caught.value.failure.message
    assert "\n" not in message
    assert "Traceback" not in message
    return caught.value


def honest_but(line: str) -> str:
    """Return the honest kernel with one line put at the beginning of `run`."""
    return HONEST.replace("    m, _, width", f"    {line}\n    m, _, width")


def test_an_honest_kernel_answers_every_query(tmp_path: Path) -> None:
    case = small_case()
    data = target().data(case)
    queries = target().queries(case, data, 7, 2)
    for query, outputs in zip(queries, run_kernel(tmp_path, HONEST), strict=True):
        truth = target().reference(case, data, query)
        assert oracle.judge(truth, target().outputs(case), outputs).passed


def test_readings_come_from_the_supervisors_clocks(tmp_path: Path) -> None:
    slow = honest_but("import time; time.sleep(0.02); sum(range(300_000))")
    with WorkerProcess(launch(write_kernel(tmp_path, slow), tmp_path)) as worker:
        ask(worker, 3)
        reading = worker.run(small_case(), 0, 3)
    assert reading.calls == 3
    assert reading.wall_ns >= 60_000_000
    assert 1_000_000 < reading.cpu_ns < reading.wall_ns - 50_000_000


def test_a_patched_timer_changes_no_reading(tmp_path: Path) -> None:
    liar = "import time\ntime.perf_counter_ns = lambda: 0\ntime.process_time_ns = lambda: 0\n" + honest_but(
        "time.sleep(0.02)"
    )
    with WorkerProcess(launch(write_kernel(tmp_path, liar), tmp_path)) as worker:
        ask(worker)
        assert worker.run(small_case(), 0, 2).wall_ns >= 40_000_000


WRONG_OUTPUT = {
    "shape": "return np.zeros((1, 1), np.float32), np.zeros((1, 1), np.uint32)",
    "dtype": "return np.zeros((1, k), np.float64), np.zeros((1, k), np.uint32)",
    "count": "return (np.zeros((1, k), np.float32),)",
    "type": "return [1.0] * k, list(range(k))",
    "alias": "return np.zeros((1, k), np.float32), "
    "np.lib.stride_tricks.as_strided(query.view(np.uint32), (1, k), (0, 0))",
}


@pytest.mark.parametrize("kind", sorted(WRONG_OUTPUT))
def test_an_output_off_its_spec_is_incorrect(tmp_path: Path, kind: str) -> None:
    error = failure_of(tmp_path, honest_but(WRONG_OUTPUT[kind]))
    assert (error.status, error.failure.kind) == (Status.INCORRECT, kind)


def test_a_subclass_of_an_array_is_no_array(tmp_path: Path) -> None:
    source = "import numpy as np\nclass Sly(np.ndarray): pass\n" + HONEST.replace(
        "return np.pad(scores",
        "return np.pad(scores, missing).view(Sly), np.pad(ids, missing).view(Sly)\n    return np.pad(scores",
    )
    assert failure_of(tmp_path, source).failure.kind == "type"


def test_a_buffer_returned_twice_is_an_alias(tmp_path: Path) -> None:
    source = HONEST.replace("import numpy as np", "import numpy as np\nKEPT = {}").replace(
        "return np.pad(scores",
        "out = KEPT.setdefault(k, np.empty((1, k), np.float32))\n    out[:] = scores\n    return out, ids\n"
        "    return np.pad(scores",
    )
    error = failure_of(tmp_path, source)
    assert (error.status, error.failure.kind) == (Status.INCORRECT, "alias")


CRASHES = {
    "import": "import a_module_that_is_not_there",
    "signature": "def prepare(xp, data, *, k): return {}",
    "exception": honest_but("raise ValueError('no luck\\nat all')"),
    "memory": honest_but("np.ones(1 << 33, np.uint8)"),
    "exit": honest_but("import os; os._exit(3)"),
    "signal": honest_but("import ctypes; ctypes.string_at(0)"),
}


@pytest.mark.parametrize("kind", sorted(CRASHES))
def test_a_crash_is_an_outcome_with_its_kind(tmp_path: Path, kind: str) -> None:
    error = failure_of(tmp_path, CRASHES[kind])
    assert (error.status, error.failure.kind) == (Status.CRASH, kind)


def test_sys_exit_is_told_as_what_it_is(tmp_path: Path) -> None:
    error = failure_of(tmp_path, honest_but("import sys; sys.exit(5)"))
    assert (error.status, error.failure.kind) == (Status.CRASH, "exit")
    assert "sys.exit(5)" in error.failure.message


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    error = failure_of(tmp_path, "def prepare(xp, data, *, k):\n    return (\n\ndef run(:\n")
    assert error.failure.kind == "import"
    assert "line" in error.failure.message


def test_an_exception_names_the_kernels_line(tmp_path: Path) -> None:
    message = failure_of(tmp_path, CRASHES["exception"]).failure.message
    assert "ValueError: no luck at all" in message
    assert "kernel.py, line" in message


def test_a_wrong_signature_says_so_before_the_call(tmp_path: Path) -> None:
    error = failure_of(
        tmp_path, HONEST.replace("def run(xp, state, query, /, *, k)", "def run(xp, state, query, /, *, depth)")
    )
    assert error.failure.kind == "signature"
    assert "run" in error.failure.message


def test_a_state_of_anything_but_arrays_is_refused(tmp_path: Path) -> None:
    error = failure_of(tmp_path, HONEST.replace('"codes": data["codes"]}', '"codes": data["codes"], "more": object()}'))
    assert (error.status, error.failure.kind) == (Status.INCORRECT, "type")


def test_a_hang_is_ended_and_leaves_no_process(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    began = time.monotonic()
    error = failure_of(tmp_path, honest_but("import time; time.sleep(600)"), patience=3.0)
    assert (error.status, error.failure.kind) == (Status.CRASH, "hang")
    assert time.monotonic() - began < 60
    assert set(psutil.Process().children(recursive=True)) <= before


def test_the_spent_budget_is_a_timeout(tmp_path: Path) -> None:
    error = failure_of(tmp_path, honest_but("import time; time.sleep(600)"), patience=30.0, budget=4.0)
    assert (error.status, error.failure.kind) == (Status.TIMEOUT, "budget")


def test_garbage_on_stdout_disturbs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noisy = honest_but("import os; os.write(1, b'garbage\\x00\\xff' * 1000); os.write(2, b'more\\n')")
    assert len(run_kernel(tmp_path, noisy)) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


@pytest.mark.parametrize("frame", ["b'D' + bytes(28)", "b'not a frame'", "b'K{}'", "b'D' + bytes(5)"])
def test_a_forged_answer_is_a_cheat(tmp_path: Path, frame: str) -> None:
    forger = honest_but(
        "import socket, os; link = '/proc/self/fd/{}'.format; "
        "fd = next(f for f in range(3, 64) if os.path.islink(link(f)) and os.readlink(link(f)).startswith('socket')); "
        f"socket.socket(fileno=os.dup(fd)).send({frame})"
    )
    error = failure_of(tmp_path, forger)
    assert (error.status, error.failure.kind) == (Status.CHEAT, "protocol")


def test_the_worker_cannot_write_its_inputs(tmp_path: Path) -> None:
    source = honest_but("state['codes'][:] = 0")
    outputs = run_kernel(tmp_path, source)  # it may ruin its own copy; the supervisor's data stays as it was
    case = small_case()
    assert target().data(case)["codes"].any()
    assert len(outputs) == 2


def test_the_worker_sees_no_environment_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "seed 12345")
    source = honest_but("import os; assert 'A_SECRET' not in os.environ and not os.environ.get('PYTHONPATH')")
    assert len(run_kernel(tmp_path, source)) == 2


def test_an_unavailable_backend_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(KernelFailedError) as caught:
        WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path, backend="cupy"))
    if caught.value.status is not Status.UNAVAILABLE:
        raise caught.value
    assert caught.value.failure.kind == "missing"


def test_peak_memory_is_resident_memory(tmp_path: Path) -> None:
    mapped = "import mmap\nKEPT = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"

    def peak(source: str) -> int:
        with WorkerProcess(launch(write_kernel(tmp_path, source), tmp_path)) as worker:
            ask(worker)
            return worker.rss_peak()

    plain, untouched = peak(HONEST), peak(mapped + HONEST)
    touched = peak(mapped + "for i in range(0, 1 << 30, 4096): KEPT[i] = 1\n" + HONEST)
    assert abs(untouched - plain) < 64 << 20
    assert touched - plain > 900 << 20


def test_outputs_are_poisoned_between_batches(tmp_path: Path) -> None:
    with WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path)) as worker:
        first = stack(ask(worker))
        case = small_case()
        worker.stage(case, target().queries(case, {}, 8, 2))
        _, opened = worker._open[case.name]
        assert set(np.unique(opened.outputs.bytes[: 2 * opened.out.size])) == {0xCD}
        worker.run(case, 0, 2)
        second = stack(worker.gather(case))
    assert not np.array_equal(first[0], second[0])


def test_the_worker_is_held_to_its_cores(tmp_path: Path) -> None:
    with WorkerProcess(launch(write_kernel(tmp_path, HONEST), tmp_path)) as worker:
        assert len(os.sched_getaffinity(worker.pid)) == 1
        assert worker.isolation["affinity"].isdigit()


SEES = """
import gc

import numpy as np

WORKERS = []


def prepare(xp, data):
    return {"b": data["b"]}


def run(xp, state, query, /):
    if not WORKERS:
        WORKERS.extend(one for one in gc.get_objects() if type(one).__name__ == "Worker")
        WORKERS[0].report = lambda job, descriptors: {
            "device_peak_bytes": int(np.asarray(list(WORKERS[0].cases.values())[-1].staged[0])[0])
        }
    return (query * 2 + state["b"],)
"""


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_worker_sees_its_queries_when_the_clock_runs_and_not_before(tmp_path: Path, backend: str) -> None:
    if reason := catalog.backend(backend).available():
        pytest.skip(reason)
    catalog.mount([Path(__file__).parents[1] / "guests"])
    words = replace(launch(write_kernel(tmp_path, SEES), tmp_path, backend=backend), target="shift")
    guest = catalog.target("shift")
    case = guest.battery(1)[0]
    data = guest.data(case)
    with WorkerProcess(words) as worker:
        worker.load(case, data)
        worker.open_case(case, guest.queries(case, data, 1, 1)[0], guest.outputs(case), 1)
        shown = []
        for value in (5, 9):
            query = np.full_like(guest.queries(case, data, 1, 1)[0], value)
            worker.stage(case, [query])
            if value > 5:
                shown.append(worker.device_peak())  # as told by the kernel: what it can see
            worker.run(case, 0, 1)
            np.testing.assert_allclose(worker.gather(case)[0][0], query * 2 + data["b"], rtol=1e-6)
            shown.append(worker.device_peak())
    assert shown == [5, 5, 9]
