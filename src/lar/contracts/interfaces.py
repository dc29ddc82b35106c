"""What a target, a kernel and a backend promise."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from lar.contracts.inputs import Array, Case, Cost, Data, Growth, HostArray, Query, Spec, Statics, Tree, Truth


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
    check_query : callable
        ``(case, data, query) -> None``; the same of one query. Generated queries are right by construction; those that
        somebody has recorded are held against it.
    recorded : callable or None
        ``(name, data, query, statics) -> case``: describes a user's own arrays by their shapes, called `name`, with a
        query to go by; the arrays have the names and dimensions of generated ones and are not checked otherwise yet.
        None: the target takes no recorded inputs.
    growth : callable or None
        ``(seed, most) -> {size: Growth}``: for each size that matters (``N``, ``dim``, ``nq``) cases along it, of data
        sets of at most `most` bytes, with the complexity that is claimed.
    data_bytes : callable or None
        ``case -> bytes`` of the data set, for what is said of memory before anything is built.
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
    check_query: Callable[[Case, Data, Query], None] = lambda *_: None
    recorded: Callable[[str, Data, Query, Mapping[str, Any]], Case] | None = None
    growth: Callable[[int, int], Mapping[str, Growth]] | None = None
    data_bytes: Callable[[Case], int] | None = None


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

    def view(self, array: HostArray) -> Array | None:
        """Return an array that looks into a NumPy array's memory and shows what is written there later.

        None where that cannot be, as on a device with memory of its own. The memory is the harness's, mapped so that
        nobody here can write it, and begins at a multiple of 64 bytes.
        """
        del array
        return None

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
