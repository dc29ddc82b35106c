"""How fast a device can possibly be: bandwidths and arithmetic rates, measured on it once and kept.

They serve two masters. As *percent of limit* they tell how much is left to gain. As *physics floor* they convict: a
kernel that took less time than its bytes or its arithmetic can take is a cheat. So a ceiling may be too high, which
only makes it lenient, and must never be too low:

1. Each figure is the best of several ways of reaching it and of many repeats, by wall time: it was really reached.
2. A working set between two measured sizes has the bandwidth of the smaller one, or of a larger one if that was faster.
3. Reading has a limit, and reading and writing together a higher one: a core moves more bytes when it does both.
4. Measured again, a figure only rises: one that was reached once can be reached, whoever disturbed the machine since.
5. What was measured while others kept the machine busy is used and not trusted: the next to ask measures again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from lar import cache, machine
from lar.contracts import Cost
from lar.errors import UnavailableError

SCHEMA = 1
"""Raised whenever what is measured changes, so that older figures are not taken for newer ones."""

RATES = frozenset({"f32", "u8"})
"""The classes of operations that have a rate; see `lar.contracts.Cost`."""

ACCELERATOR = 0
"""In place of the number of threads: the device itself decides how parallel it is."""

Curve: TypeAlias = tuple[tuple[int, float], ...]
"""(working set in bytes, bytes per second), the smallest working set first."""


@dataclass(frozen=True)
class Ceilings:
    """The measured limits of a device.

    Attributes
    ----------
    device : str
        Its fingerprint.
    threads : int
        How many threads worked at once; `ACCELERATOR` where that is the device's own business.
    reads : curve
        Bytes read, by the bytes that are read over and over.
    traffic : curve
        Bytes read and written, by the bytes touched.
    rates : mapping of str to float
        Operations per second by the classes of `Cost.operations`.
    quiet : bool
        Whether the machine had little else to do at the time. If not, bandwidths can be half of what they should be.
    """

    device: str
    threads: int
    reads: Curve
    traffic: Curve
    rates: Mapping[str, float]
    quiet: bool = True

    def bandwidth(self, working_set: int) -> float:
        """Return the most bytes per second, read and written, at a working set of so many bytes."""
        return max(_highest(self.traffic, working_set), _highest(self.reads, working_set))

    def read_bandwidth(self, working_set: int) -> float:
        """Return the most bytes per second that can be read at a working set of so many bytes."""
        return _highest(self.reads, working_set)

    def raised(self, other: "Ceilings") -> "Ceilings":
        """Return the higher of two measurements of one device, figure by figure."""
        reads, traffic = _upper(self.reads, other.reads), _upper(self.traffic, other.traffic)
        rates = {name: max(rate, other.rates[name]) for name, rate in self.rates.items()}
        return Ceilings(self.device, self.threads, reads, traffic, rates, self.quiet or other.quiet)


def ceilings(device: str = "cpu", threads: int = 1, *, refresh: bool = False) -> Ceilings:
    """Return the limits of a device of this machine, from the cache or, for a CPU, by measuring them now (about 2 s).

    Parameters
    ----------
    device : str
        ``cpu``, or an accelerator (``cuda:0``), whose limits only a process that has opened it can measure: see
        `lar.ceilings_backend.measure_backend`.
    threads : int
        CPU threads that work at once; of no meaning for an accelerator.
    refresh : bool
        Measure again and keep the higher figures.

    Raises
    ------
    UnavailableError
        If an accelerator's limits have not been measured; the message says with which command they are.
    """
    fingerprint = machine.device_fingerprint(device)
    on_cpu = device.partition(":")[0] == "cpu"
    known = _recall(fingerprint, threads if on_cpu else ACCELERATOR)
    if known is not None and not (on_cpu and (refresh or not known.quiet)):
        return known
    if not on_cpu:
        raise UnavailableError(
            f"the ceilings of {device} have not been measured on this machine yet; run a backend of that device once: "
            "python -m lar.probe BACKEND --ceilings"
        )
    from lar.ceilings_cpu import measure_cpu

    return remember(measure_cpu(fingerprint, threads))


def remember(measured: Ceilings) -> Ceilings:
    """Keep a measurement in the cache, raised by what was known there, and return that."""
    known = _recall(measured.device, measured.threads)
    best = measured if known is None else measured.raised(known)
    cache.save(_name(best.device, best.threads), asdict(best))
    return best


def limit_ns(cost: Cost, limits: Ceilings, working_set: int, written: int | None = None) -> float:
    """Return the least time in nanoseconds that one call can take on a device.

    Parameters
    ----------
    cost : Cost
        What one call must do at least.
    limits : Ceilings
        What the device can do at most.
    working_set : int
        Bytes over which consecutive calls range; decides which cache they can come from.
    written : int, optional
        How many of ``cost.bytes`` are written. The others are read, and reading alone is slower than reading and
        writing at once. If not told, none is taken to be certainly read.

    Returns
    -------
    float
        The longest of: all bytes over the bandwidth; the bytes read over the bandwidth of reading; the operations of
        each class over its rate.

    Raises
    ------
    ValueError
        If the cost names a class of operations that has no rate.
    """
    unknown = set(cost.operations) - RATES
    if unknown:
        raise ValueError(f"no rate is measured for operations of {sorted(unknown)}. Expect some of {sorted(RATES)}.")
    seconds = [cost.bytes / limits.bandwidth(working_set)]
    if written is not None:
        seconds.append(max(0, cost.bytes - written) / limits.read_bandwidth(working_set))
    seconds += [count / limits.rates[name] for name, count in cost.operations.items()]
    return max(seconds) * 1e9


def from_dict(facts: Any) -> Ceilings | None:
    """Return the ceilings that `dataclasses.asdict` took apart, also through JSON; None if they are not sound."""
    try:
        reads, traffic = (_curve(facts[name]) for name in ("reads", "traffic"))
        rates = {str(name): float(rate) for name, rate in facts["rates"].items()}
        quiet = bool(facts["quiet"])
        whole = Ceilings(str(facts["device"]), int(facts["threads"]), reads, traffic, rates, quiet)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    figures = [*rates.values(), *(speed for _, speed in reads + traffic)]
    sound = reads and traffic and rates.keys() == RATES and all(0 < figure < float("inf") for figure in figures)
    return whole if sound else None


def _recall(fingerprint: str, threads: int) -> Ceilings | None:
    known = from_dict(cache.load(_name(fingerprint, threads)))
    return known if known is not None and (known.device, known.threads) == (fingerprint, threads) else None


def _name(fingerprint: str, threads: int) -> str:
    return f"ceilings/{fingerprint}-t{threads}-v{SCHEMA}.json"


def _curve(points: Any) -> Curve:
    return tuple(sorted((int(size), float(speed)) for size, speed in points))


def _highest(curve: Curve, working_set: int) -> float:
    """Return the highest speed at the nearest measured size that is not larger, or at any larger one."""
    start = max((size for size, _ in curve if size <= working_set), default=0)
    return max(speed for size, speed in curve if size >= start)


def _upper(one: Curve, other: Curve) -> Curve:
    speeds = dict(one)
    for size, speed in other:
        speeds[size] = max(speed, speeds.get(size, 0.0))
    return tuple(sorted(speeds.items()))
