"""How a run ended: statuses, exit codes, failures, figures. An outcome is a value; an exception is a defect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

HARNESS_VERSION = "1"
"""Raised whenever a change could move a measured figure; outcomes of different versions are not compared."""


class Exit(IntEnum):
    """What the `lar` process ends with."""

    DONE = 0
    INTERNAL = 1
    INCORRECT = 2
    TIMEOUT = 3
    UNAVAILABLE = 4
    NOT_KEPT = 5
    INCONCLUSIVE = 6
    CHEAT = 7
    BUSY = 8
    USAGE = 64


class Status(StrEnum):
    """How one run of one kernel ended."""

    OK = "ok"
    INCORRECT = "incorrect"
    CRASH = "crash"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    CHEAT = "cheat"

    @property
    def exit_code(self) -> Exit:
        """The exit code of a command whose worst outcome this is."""
        return _EXIT_OF[self]


_EXIT_OF = {
    Status.OK: Exit.DONE,
    Status.INCORRECT: Exit.INCORRECT,
    Status.CRASH: Exit.INCORRECT,
    Status.TIMEOUT: Exit.TIMEOUT,
    Status.UNAVAILABLE: Exit.UNAVAILABLE,
    Status.CHEAT: Exit.CHEAT,
}


@dataclass(frozen=True)
class Failure:
    """Why an outcome is not `ok`.

    Attributes
    ----------
    kind : str
        One word a program can match: ``shape dtype type count alias mutated nan value order duplicate range padding``
        (wrong output), ``import signature compile exception memory signal exit hang output`` (crash), ``protocol forged
        background frozen`` (cheat), ``budget`` (timeout), ``missing`` (unavailable).
    message : str
        One line for a person.
    case : str or None
        The case that showed it.
    index : tuple of int or None
        Where in the output.
    got, expected, error, tolerance : float or None
        The numbers, where there are any.
    """

    kind: str
    message: str
    case: str | None = None
    index: tuple[int, ...] | None = None
    got: float | None = None
    expected: float | None = None
    error: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What the oracle says of one output: the largest absolute error it saw, and the first failure if any."""

    max_abs_err: float = 0.0
    failure: Failure | None = None

    @property
    def passed(self) -> bool:
        """Whether the output agrees with the reference."""
        return self.failure is None


@dataclass(frozen=True)
class WorkloadResult:
    """The timing of one workload; every time is nanoseconds per operation.

    Attributes
    ----------
    ns, ci90_ns
        Median over samples, and a 90 % interval of it that counts whole processes as the sampling unit.
    samples, discarded : int
        Batches counted, and batches thrown away because another process had pre-empted them.
    calls : int
        Calls of `run` timed, all samples together.
    cpu_ns : float or None
        The same by the worker's process CPU clock.
    device_ns, latency_ns : float or None
        GPU: by device events, and from call to materialised result. `ns` is one of them.
    limit_ns, percent_of_limit : float or None
        The machine's floor for this workload by measured ceilings, and ``100 * limit / ns``.
    recorded : bool
        Whether its inputs are a user's own: it is shown, and counts in no figure over several workloads.
    """

    name: str
    shape: Mapping[str, int]
    distribution: str
    nq: int
    n: int
    ns: float
    ci90_ns: tuple[float, float]
    samples: int
    discarded: int
    calls: int
    cpu_ns: float | None
    device_ns: float | None
    latency_ns: float | None
    limit_ns: float | None
    percent_of_limit: float | None
    recorded: bool = False


@dataclass(frozen=True)
class Outcome:
    """What running one kernel on one backend came to. Frozen, complete, and never an exception."""

    target: str
    backend: str
    requested_backend: str
    device: str
    kernel: str
    kernel_hash: str
    workload_hash: str
    harness_version: str
    status: Status
    mode: str
    scale: str
    seed: int
    threads: int
    cases_tested: int = 0
    shapes_tested: tuple[str, ...] = ()
    distributions_tested: tuple[str, ...] = ()
    max_abs_err: float | None = None
    geomean_ns: float | None = None
    ci90_ns: tuple[float, float] | None = None
    workloads: tuple[WorkloadResult, ...] = ()
    prepare_ns: int | None = None
    compile_ns: int | None = None
    peak_rss_bytes: int | None = None
    device_peak_bytes: int | None = None
    total_s: float = 0.0
    failure: Failure | None = None
    isolation: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def correctness(self) -> str:
        """``pass`` once the whole battery agreed, ``not run`` where no kernel could be asked, else ``fail``."""
        if self.status is Status.UNAVAILABLE:
            return "not run"
        wrong = self.status in {Status.INCORRECT, Status.CHEAT} or not self.cases_tested
        return "fail" if wrong else "pass"

    @property
    def generated(self) -> tuple[WorkloadResult, ...]:
        """The workloads that count: those whose inputs nobody has chosen."""
        return tuple(one for one in self.workloads if not one.recorded)

    @property
    def worst(self) -> WorkloadResult | None:
        """The slowest workload per operation."""
        return max(self.generated, key=lambda w: w.ns, default=None)

    @property
    def best(self) -> WorkloadResult | None:
        """The fastest workload per operation."""
        return min(self.generated, key=lambda w: w.ns, default=None)
