"""Workers of an examination: one kernel on one backend in a process of its own, limited in time and memory."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from lar import catalog
from lar.contracts import Case, Data, Outputs, Query, Spec, Target
from lar.datasets import Datasets
from lar.examination.contract import NQ
from lar.examination.exhibits import SEED, Exhibit
from lar.examination.report import Tell, told
from lar.launch import Launch
from lar.supervisor import WorkerProcess

BUDGET_S = 120.0
"""For one kernel on one backend, compiling and all."""

_PATIENCE_S = 60.0
_REPEATS = 5


@dataclass(frozen=True)
class Timing:
    """The shortest time of a call of a workload, in nanoseconds."""

    case: Case
    ns: float


class Rooms:
    """Starts the workers of one examination; a kernel that is run twice on a backend is compiled once."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._compiled: dict[tuple[str, Path], Path] = {}

    def __enter__(self) -> "Rooms":
        return self

    def __exit__(self, *_: object) -> None:
        for folder in self._compiled.values():
            shutil.rmtree(folder, ignore_errors=True)

    def opened(self, backend: str, kernel: Path) -> WorkerProcess:
        """Start a worker: a context manager that ends it.

        Raises
        ------
        KernelFailedError
            If the kernel does not import, or has no `prepare` and `run`.
        """
        if (backend, kernel) not in self._compiled:
            self._compiled[backend, kernel] = Path(tempfile.mkdtemp(prefix="lar-cache-"))
        return WorkerProcess(self._launch(backend, kernel))

    def _launch(self, backend: str, kernel: Path) -> Launch:
        return Launch(
            target=self._target,
            backend=backend,
            device=None,
            kernel=kernel,
            threads=1,
            deadline=time.monotonic() + BUDGET_S,
            patience=_PATIENCE_S,
            memory=int(psutil.virtual_memory().available * 0.9),
            compile_cache=self._compiled[backend, kernel],
        )


def answers(worker: WorkerProcess, exhibit: Exhibit) -> list[Outputs]:
    """Return what a kernel answers to the queries of a case, one tuple a call."""
    _open(worker, exhibit.case, exhibit.data, exhibit.queries, exhibit.specs)
    worker.run(exhibit.case, 0, len(exhibit.queries))
    return worker.gather(exhibit.case)


def time_of(worker: WorkerProcess, target: Target, case: Case, data: Data) -> Timing:
    """Return the shortest of a few single calls, each with a query of its own, after one that compiles."""
    queries = target.queries(case, data, SEED + 1, _REPEATS + 1)
    slots = _open(worker, case, data, queries, target.outputs(case))
    readings = [worker.run(case, i, 1) for i in range(slots)]
    return Timing(case, float(min(one.wall_ns for one in readings[-_REPEATS:])))


def _open(worker: WorkerProcess, case: Case, data: Data, queries: Sequence[Query], specs: Sequence[Spec]) -> int:
    if not worker.has(case):
        worker.load(case, data)
    slots = worker.open_case(case, queries[0], specs, len(queries))
    worker.stage(case, queries[:slots])
    return slots


@dataclass(frozen=True)
class OnNumpy:
    """What kernels did on NumPy.

    Attributes
    ----------
    outputs : tuple of tuples of outputs
        What the portable kernel answered: of each exhibit, each call; empty where it failed.
    timings : tuple of (kernel, Timing)
        What the kernels took for the small workloads; without those of a kernel that failed.
    """

    outputs: tuple[tuple[Outputs, ...], ...] = ()
    timings: tuple[tuple[str, Timing], ...] = ()


def on_numpy(rooms: Rooms, datasets: Datasets, exhibits: Sequence[Exhibit], tell: Tell, *, tuned: bool) -> OnNumpy:
    """Have the portable kernel answer the battery on NumPy, and time it on the small workloads; the tuned one, too."""
    target = datasets.target
    outputs: list[tuple[Outputs, ...]] = []
    timings: list[tuple[str, Timing]] = []
    small = list(target.workloads(SEED, "small", NQ))
    wanted = ("portable", "tuned") if tuned else ("portable",)
    for path in dict.fromkeys(catalog.kernel_path(target.name, kernel, "numpy") for kernel in wanted):
        portable = path.parent.name != "tuned"
        name = "portable" if portable else f"tuned/{path.stem}"
        found: list[tuple[str, Timing]] = []
        answered: list[tuple[Outputs, ...]] = []
        try:
            with rooms.opened("numpy", path) as worker:
                for number, one in enumerate(exhibits if portable else ()):
                    tell("the portable kernel's outputs", number, len(exhibits))
                    answered.append(tuple(answers(worker, one)))
                outputs += answered
                for number, case in enumerate(small):
                    tell(f"timing {name}", number, len(small))
                    found.append((name, time_of(worker, target, case, datasets.data(case))))
                timings += found
        except Exception as error:  # noqa: BLE001 - told again where the contract and the kernels are examined
            tell(f"{name} {told(error)}", 1, 1)
    return OnNumpy(tuple(outputs), tuple(timings))
