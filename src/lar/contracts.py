"""The shared words: what a target, a case, a kernel, a backend and an outcome are.

Everything here is a frozen value or a small interface, and nothing here computes. The words are used in this sense
throughout: *a target says what is right and how much work it is; a kernel does it; a backend runs it on a device; the
oracle says whether it was right; the clock says how long it took.*
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

MAX_ABS_ERR = 1e-4
"""Outer bound of an absolute error at unit scale; the rounding budget in `lar.oracle` is tighter nearly everywhere."""

NO_ID = 2**32 - 1
"""The id that pads a result. It is also a legal id, so validity is told by a count, never by this value."""

HARNESS_VERSION = "1"
"""Raised whenever a change could move a measured figure; outcomes of different versions are not compared."""

Array: TypeAlias = Any
"""An array of whichever namespace is at work."""

HostArray: TypeAlias = npt.NDArray[Any]
Tree: TypeAlias = Any
"""Arrays in nested dicts and tuples."""

Statics: TypeAlias = Mapping[str, Hashable]
Data: TypeAlias = Mapping[str, Any]
"""What `prepare` is given: a dict of NumPy arrays (or of dicts of them), by name."""

Query: TypeAlias = Tree
"""What one call of `run` is given besides the state: one array, or a tree of them."""

Outputs: TypeAlias = tuple[HostArray, ...]


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
        One word a program can match: ``shape dtype type count alias nan value order duplicate range padding`` (wrong
        output), ``import signature compile exception memory signal exit hang output`` (crash), ``protocol forged``
        (cheat), ``budget`` (timeout), ``missing`` (unavailable).
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


# ---- inputs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spec:
    """Shape and dtype of one output."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """Bytes of one such array."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Case:
    """One generated input, described and not yet built: shape x distribution x seed.

    Attributes
    ----------
    name : str
        Unique within its battery or its workloads; starts with the distribution.
    distribution : str
        The name of the generator's distribution.
    shape : mapping of str to int
        Every size the generator needs, by the field's letters (``dim m K N nq``).
    seed : int
        Seeds the data set and the pinned queries.
    statics : mapping
        Hashable keywords given alike to `prepare` and `run`.
    operations : int
        Operations in one call (queries, values, seeks): the divisor of every time per operation.
    data_key : str
        Cases with one key share one data set, which is built and prepared once.
    """

    name: str
    distribution: str
    shape: Mapping[str, int]
    seed: int
    statics: Statics
    operations: int
    data_key: str


@dataclass(frozen=True)
class Cost:
    """The least that one call must do on any machine.

    Attributes
    ----------
    bytes : int
        Bytes that must move between memory and the processor.
    operations : mapping of str to int
        Arithmetic that must happen, by class: ``f32`` (additions and multiplications of float32) or ``u8`` (operations
        on bytes, the cheapest a vector unit has).
    """

    bytes: int
    operations: Mapping[str, int]


# ---- what a reference returns; the oracle compares by its type -----------------------------------------------------


@dataclass(frozen=True)
class Exact:
    """Outputs must be equal, bit for bit (integers and bytes)."""

    values: tuple[HostArray, ...]


@dataclass(frozen=True)
class Bounded:
    """Float outputs must lie within the rounding budget of the float64 values.

    Attributes
    ----------
    values : tuple of float64 arrays
    magnitudes : tuple of float64 arrays
        Sum of the absolute terms behind each value (S in the budget), same shapes.
    terms : int
        Length of the longest reduction behind a value.
    """

    values: tuple[HostArray, ...]
    magnitudes: tuple[HostArray, ...]
    terms: int


@dataclass(frozen=True)
class Ranked:
    """Outputs are (scores, ids) of the k best rows: right scores, of the right rows, in the right order, ties free.

    Attributes
    ----------
    best : float64 array (..., k') or None
        The reference's own k best scores, best first, with k' = min(k, rows). None: the ranks are not known, and only
        each returned id's score is checked.
    magnitudes : float64 array (..., k') or None
        S of each of `best`.
    score_of : callable
        ``ids int64 (..., k') -> (scores float64, magnitudes float64)`` of the same shape: the score of each id.
    rows : int
        Ids are below it.
    terms : int
        Length of the longest reduction behind a score.
    largest : bool
        Whether the best score is the largest one.
    score_bits : bool
        Whether scores are integers that must match exactly.
    """

    best: HostArray | None
    magnitudes: HostArray | None
    score_of: Callable[[HostArray], tuple[HostArray, HostArray]]
    rows: int
    terms: int
    largest: bool = False
    score_bits: bool = False


Truth: TypeAlias = Exact | Bounded | Ranked


# ---- targets, kernels, backends ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """One kernel problem. Every member but the texts is a pure function.

    Attributes
    ----------
    name : str
        As typed on the command line (``pq-l2``); the folder is the same with underscores.
    summary, source : str
        One line of what it computes, and the publication that defines it.
    operation : str
        What one operation is called in a report (``query``).
    battery : callable
        ``seed -> cases``: small and diverse, for correctness.
    workloads : callable
        ``(seed, scale, nq) -> cases``: sized for timing; `scale` is ``small``, ``standard`` or ``large``, `nq` the
        numbers of operations a call.
    data : callable
        ``case -> data``: builds a data set.
    queries : callable
        ``(case, data, seed, count) -> list of queries``: cheap, and fresh for every seed.
    disguise : callable
        ``(case, data, seed) -> data``: the data set under a secret permutation, so that nothing about it can be known
        in advance.
    outputs : callable
        ``case -> specs``: what `run` returns.
    reference : callable
        ``(case, data, query) -> truth``: scalar float64, or exact integers.
    audit : callable
        ``(case, data, queries) -> truth`` of the outputs of many calls stacked along a new first axis: cheap enough to
        be held against *every* timed output.
    cost : callable
        ``case -> cost``.
    check : callable
        ``(case, data) -> None``; raises `BadInputError` with what is wrong and where.
    """

    name: str
    summary: str
    source: str
    operation: str
    battery: Callable[[int], Sequence[Case]]
    workloads: Callable[[int, str, Sequence[int]], Sequence[Case]]
    data: Callable[[Case], Data]
    queries: Callable[[Case, Data, int, int], list[Query]]
    disguise: Callable[[Case, Data, int], Data]
    outputs: Callable[[Case], tuple[Spec, ...]]
    reference: Callable[[Case, Data, Query], Truth]
    audit: Callable[[Case, Data, Sequence[Query]], Truth]
    cost: Callable[[Case], Cost]
    check: Callable[[Case, Data], None]


class Kernel(Protocol):
    """A module with these two functions; `portable.py` and every `tuned/<backend>.py` alike.

    `state` is a tree of arrays and nothing else. `run` is pure: no global state, no mutation of its inputs. Statics are
    hashable keywords, given alike to both.
    """

    def prepare(self, xp: Any, data: Data, **statics: Hashable) -> Tree:
        """Lay the data out, once per data set; its time is reported on its own."""

    def run(self, xp: Any, state: Tree, query: Query, /, **statics: Hashable) -> Any:
        """Do the timed operation and return a tuple of arrays, with shapes that depend on sizes only."""


class Timer(Protocol):
    """Device events around pieces of queued work."""

    def start(self) -> None:
        """Mark the beginning of a piece in the device's queue."""

    def stop(self) -> None:
        """Mark its end."""

    def elapsed_ns(self) -> int:
        """Sum of the pieces, in nanoseconds; the queue must have drained. Forgets them."""


class Backend:
    """An array namespace on a device. An adapter states what differs, and imports its library when opened.

    Attributes
    ----------
    name : str
        As typed on the command line; the file is called the same.
    purpose : str
        ``measure``, or ``conformance`` for one that exists to be unkind to kernels and is never timed.
    install : str
        What to install where the library is missing (an argument of ``pip install``).
    asynchronous : bool
        Whether `run` returns before the device has finished.
    xp : module
        The array namespace.
    device : str
        ``cpu``, ``cuda:0``, ...
    """

    name: ClassVar[str]
    purpose: ClassVar[str] = "measure"
    install: ClassVar[str] = "lar"
    asynchronous: ClassVar[bool] = False
    xp: Any
    device: str

    @classmethod
    def available(cls) -> str | None:
        """Say why this backend cannot run here and what would mend it, in one line; None if it can."""
        raise NotImplementedError

    @classmethod
    def devices(cls) -> tuple[str, ...]:
        """Name the devices this backend can use here, the preferred one first."""
        return ("cpu",)

    def __init__(self, device: str | None = None) -> None:
        """Open the backend on one of `devices()`."""
        raise NotImplementedError

    def put(self, array: HostArray) -> Array:
        """Copy a NumPy array to the device. Always a copy: nobody may write through to the harness's memory."""
        raise NotImplementedError

    def get(self, array: Array) -> HostArray:
        """Copy an array of this backend to NumPy."""
        raise NotImplementedError

    def native(self, value: Any) -> bool:
        """Say whether `value` is exactly this backend's array type, on this device; subclasses are not."""
        raise NotImplementedError

    def compile(self, run: Callable[..., Any], statics: Statics) -> Callable[[Tree, Query], Any]:
        """Return ``(state, query) -> outputs`` for `run` with its statics bound; may return the same for the same."""
        raise NotImplementedError

    def ready(self, outputs: Any) -> Any:
        """Wait until `outputs` really exist on the device, then return them."""
        return outputs

    def synchronize(self) -> None:
        """Wait until the whole device has nothing left to do."""

    def timer(self) -> Timer | None:
        """Return device events, where the device has them."""
        return None

    def flush(self) -> None:
        """Queue work that evicts the device's last-level cache, where the harness has to do that itself."""

    def memory_peak(self) -> int | None:
        """Most bytes the device's allocator has held, where it tells."""
        return None

    def about(self) -> dict[str, str]:
        """Versions of the libraries and of the device at work."""
        return {}


# ---- outcomes ------------------------------------------------------------------------------------------------------


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
    def worst(self) -> WorkloadResult | None:
        """The slowest workload per operation."""
        return max(self.workloads, key=lambda w: w.ns, default=None)

    @property
    def best(self) -> WorkloadResult | None:
        """The fastest workload per operation."""
        return min(self.workloads, key=lambda w: w.ns, default=None)
