"""Cases x backend -> one outcome: checked first, then timed in several processes, each figure with its interval.

A session is one worker's life; the first one checks the kernel and then all of them time it. Whole processes are the
sampling unit of every interval, since two processes that run the same code differ by more than the batches inside one
(memory layout), which an interval from a single process would hide.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from lar import catalog, checking, figures, quota
from lar.clock import StopRule
from lar.contracts import HARNESS_VERSION, Case, Failure, Outcome, Status, WorkloadResult
from lar.datasets import Datasets
from lar.errors import LarError
from lar.launch import Launch, drawn_filler
from lar.supervisor import KernelFailedError, WorkerProcess
from lar.timing import Session, Track

SCALES = ("small", "standard", "large")


@dataclass(frozen=True)
class Mode:
    """How much measuring: processes, rounds in each, the interval's half-width to reach, seconds of rounds in all."""

    sessions: int
    least: int
    most: int
    width: float
    seconds: float


MODES = {
    "quick": Mode(sessions=2, least=3, most=3, width=1.0, seconds=5.0),
    "trial": Mode(sessions=4, least=3, most=8, width=0.01, seconds=7.0),
    "baseline": Mode(sessions=8, least=8, most=40, width=0.005, seconds=160.0),
}


@dataclass(frozen=True)
class Request:
    """One kernel on one backend, and how to measure it; see `lar bench --help` for the words."""

    target: str
    backend: str
    requested_backend: str
    device: str | None = None
    kernel: str = "tuned"
    scale: str = "standard"
    nq: tuple[int, ...] = (1, 32)
    threads: int = 1
    seed: int = 0
    mode: str = "trial"
    time_budget: float = 600.0


@dataclass
class Seen:
    """Facts gathered so far, so that an outcome that ends early still tells them."""

    device: str = ""
    isolation: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    cases: int = 0
    max_abs_err: float | None = None
    first_result_ns: int = 0
    first_calls_ns: int = 0
    prepare_ns: int | None = None
    rss: int = 0
    device_peak: int | None = None
    sessions: list[list[Track]] = field(default_factory=list)
    results: tuple[WorkloadResult, ...] = ()


Watcher = Callable[[str, int, int], None]
"""``(what, done, of)``: told what is going on, for a progress bar."""


def launch_of(request: Request, kernel: Path, cache: Path, deadline: float) -> Launch:
    """Return how a worker of a request is started."""
    return Launch(
        target=request.target,
        backend=request.backend,
        device=request.device,
        kernel=kernel,
        threads=request.threads,
        deadline=deadline,
        patience=max(10.0, request.time_budget / 4),
        memory=int(psutil.virtual_memory().available * 0.9),
        compile_cache=cache,
    )


def measure(request: Request, datasets: Datasets, watch: Watcher = lambda *_: None) -> Outcome:
    """Check and time one kernel on one backend. Whatever the kernel does comes back as the outcome.

    Raises
    ------
    LarError
        For a mistake of the caller: an unknown name, a kernel file that is not there, data that does not fit.
    """
    began = time.monotonic()
    battery, workloads = cases_of(request, datasets)
    path = catalog.kernel_path(request.target, request.kernel, request.backend)
    cache = Path(tempfile.mkdtemp(prefix="lar-cache-"))
    launch = launch_of(request, path, cache, began + request.time_budget)
    seen = Seen(device=request.device or "none")
    status, failure = Status.OK, None
    mode = MODES[request.mode]
    try:
        if request.device in {None, "cpu"}:
            # Known before any kernel runs, so that none can have a hand in what it is held against.
            figures.limits_of(request.backend, "cpu", request.threads)
        for number in range(mode.sessions):
            _session(launch, datasets, battery if number == 0 else [], workloads, mode, seen, watch)
        failure = results(request, datasets, seen)
        status = Status.CHEAT if failure else Status.OK
    except KernelFailedError as error:
        status, failure = error.status, error.failure
    finally:
        quota.remove(cache)  # whatever a kernel may have left in it
    kernel = (_kernel_name(request, path), catalog.kernel_hash(path))
    return outcome(request, datasets, kernel, seen, (status, failure), time.monotonic() - began)


def cases_of(request: Request, datasets: Datasets) -> tuple[list[Case], list[Case]]:
    """Return the battery and the workloads of a request, those of a user's own last."""
    target = datasets.target
    workloads = [*target.workloads(request.seed, request.scale, request.nq), *datasets.recorded]
    return list(target.battery(request.seed)), workloads


def _session(
    launch: Launch,
    datasets: Datasets,
    battery: list[Case],
    workloads: list[Case],
    mode: Mode,
    seen: Seen,
    watch: Watcher,
) -> None:
    watch("starting a worker", 0, 1)
    with WorkerProcess(replace(launch, filler=drawn_filler())) as worker:
        seen.device, seen.isolation, seen.libraries = worker.device, worker.isolation, dict(worker.about["about"])
        if battery:
            checked = checking.check(worker, datasets, battery, lambda done, of: watch("checking", done, of))
            seen.cases, seen.max_abs_err = checked.cases, checked.max_abs_err
            seen.first_result_ns = checked.first_result_ns
        session = Session(worker, datasets, workloads, launch.threads)
        sized = seen.sessions[0] if seen.sessions else []
        session.prepare(sized, lambda done, of: watch("preparing", done, of))
        rule = StopRule(mode.least, mode.most, mode.width, mode.seconds / mode.sessions)
        name = f"timing, process {len(seen.sessions) + 1} of {mode.sessions}"
        session.rounds(rule, lambda done, of: watch(name, done, of))
        seen.max_abs_err = max(seen.max_abs_err or 0.0, session.max_abs_err)
        seen.prepare_ns = seen.prepare_ns or max(session.prepare_ns)
        seen.rss = max(seen.rss, worker.rss_peak())
        seen.device_peak = max(filter(None, (seen.device_peak, worker.device_peak())), default=None)
        seen.first_calls_ns = seen.first_calls_ns or sum(track.first_call_ns for track in session.tracks)
        seen.sessions.append(session.tracks)


def results(request: Request, datasets: Datasets, seen: Seen) -> Failure | None:
    """Turn what was seen into results; return a failure if they beat the machine, measured again."""
    failure = None
    for refresh in (False, True):
        limits = figures.limits_of(request.backend, seen.device, request.threads, refresh=refresh)
        seen.results = figures.results(datasets.target, seen.sessions, seen.device, limits)
        failure = figures.faster_than_physics(seen.results)
        if failure is None:
            break
    return failure


def workload_hash(request: Request, datasets: Datasets) -> str:
    """Return a short hash of everything that decides what is timed: cases, generator, reference, harness version."""
    cases = datasets.target.workloads(request.seed, request.scale, request.nq)
    digest = hashlib.sha256(HARNESS_VERSION.encode())
    for case in cases:
        facts = (case.name, sorted(case.shape.items()), case.seed, repr(sorted(case.statics.items())))
        digest.update(json.dumps(facts).encode())
    home = catalog.folder(request.target)
    for name in ("__init__.py", "inputs.py", "reference.py"):
        digest.update((home / name).read_bytes() if (home / name).is_file() else b"")
    return digest.hexdigest()[:12]


def outcome(
    request: Request,
    datasets: Datasets,
    kernel: tuple[str, str],
    seen: Seen,
    end: tuple[Status, Failure | None],
    seconds: float,
) -> Outcome:
    """Return the outcome of what was seen of a kernel, given by name and hash, and of how it ended."""
    battery, workloads = cases_of(request, datasets)
    status, failure = end
    timed = status is Status.OK and seen.results
    figure = figures.geomean(seen.sessions, seen.device) if timed else None
    tested = [*battery[: seen.cases], *workloads] if seen.cases else []
    return Outcome(
        target=request.target,
        backend=request.backend,
        requested_backend=request.requested_backend,
        device=seen.device,
        kernel=kernel[0],
        kernel_hash=kernel[1],
        workload_hash=workload_hash(request, datasets),
        harness_version=HARNESS_VERSION,
        status=status,
        mode=request.mode,
        scale=request.scale,
        seed=request.seed,
        threads=request.threads,
        cases_tested=seen.cases,
        shapes_tested=tuple(dict.fromkeys(_shape_name(case) for case in tested)),
        distributions_tested=tuple(dict.fromkeys(case.distribution for case in tested)),
        max_abs_err=seen.max_abs_err,
        geomean_ns=figure.value if figure else None,
        ci90_ns=(figure.low, figure.high) if figure else None,
        workloads=seen.results,
        prepare_ns=seen.prepare_ns,
        compile_ns=seen.first_result_ns + seen.first_calls_ns if seen.first_result_ns else None,
        peak_rss_bytes=seen.rss or None,
        device_peak_bytes=seen.device_peak,
        total_s=seconds,
        failure=failure,
        isolation=seen.isolation,
        libraries=seen.libraries,
    )


def _kernel_name(request: Request, path: Path) -> str:
    home = catalog.folder(request.target)
    return str(path.relative_to(home).with_suffix("")) if path.is_relative_to(home) else str(path)


def _shape_name(case: Case) -> str:
    return case.data_key.split("/")[1]


def validate(request: Request) -> None:
    """Hold the words of a request against what there is.

    Raises
    ------
    LarError
        Naming the word, its value and what was expected.
    """
    if request.scale not in SCALES:
        raise LarError(f"--scale {request.scale}: expect one of {', '.join(SCALES)}")
    if request.mode not in MODES:
        raise LarError(f"--mode {request.mode}: expect one of {', '.join(MODES)}")
    if not request.nq or min(request.nq) < 1:
        raise LarError(f"--nq {','.join(map(str, request.nq))}: expect positive numbers of queries a call")
    if not 1 <= request.threads <= (psutil.cpu_count() or 1):
        raise LarError(f"--threads {request.threads}: expect 1 to {psutil.cpu_count()}")
    if request.time_budget <= 0:
        raise LarError(f"--time-budget {request.time_budget}: expect seconds above 0")
