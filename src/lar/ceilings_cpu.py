"""Measures the ceilings of the CPU: what `lar.vector_loops` reach, over sizes from the first cache to memory.

Every loop is run many times in short pieces, in rounds some time apart, and the fastest piece counts: a pre-empted
piece, a clock still rising or a noisy neighbour can then spoil some pieces and not the figure.
"""

import ctypes
import mmap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from lar.ceilings import Ceilings, Curve
from lar.vector_loops import WIDTHS, Loop, byte_loop, copy_loop, float_loop, read_loop

SIZES = tuple(1 << bits for bits in (14, 16, 18, 19, 20, 22, 24, 26, 28))
"""Working sets in bytes, of one thread: 16 KiB to 256 MiB."""

_MOST_BYTES = 1 << 30  # of all threads; and at most an eighth of the memory that is free
_HUGE_PAGE = 2 << 20
_ROUNDS = 3
_QUIET = 0.1  # others may use this share of all processors, the hypervisor's other guests included


@dataclass(frozen=True)
class _Pace:
    """How long one piece runs, how long one loop at one size is tried in a round, and how often at least."""

    piece_ns: int
    budget_ns: int
    pieces: int


# Several threads do not start a piece at quite the same moment, so theirs are longer.
_ONE = _Pace(piece_ns=300_000, budget_ns=4_000_000, pieces=2)
_MANY = _Pace(piece_ns=1_500_000, budget_ns=5_000_000, pieces=2)


def measure_cpu(fingerprint: str, threads: int, sizes: tuple[int, ...] = SIZES) -> Ceilings:
    """Measure the CPU with so many threads at work at once.

    Parameters
    ----------
    fingerprint : str
        Under which the result is filed.
    threads : int
        Each has memory of its own, first touched by itself.
    sizes : tuple of int
        Working sets of one thread in bytes. Those for which there is not the memory are left out.
    """
    most = min(_MOST_BYTES, psutil.virtual_memory().available // 8) // threads
    used = [size for size in sizes if size <= most] or [min(sizes)]
    reads = [read_loop(streams=2), read_loop(streams=4), read_loop(streams=2, prefetch=2048)]
    copies = [
        copy_loop(loads=2),
        copy_loop(loads=2, past_caches=True),
        copy_loop(prefetch=2048, past_caches=True),
    ]
    floats = [float_loop(width, additions) for width in WIDTHS for additions in (0, 1, 2)]
    nibbles = [byte_loop(width) for width in WIDTHS]
    others = _Others()
    with _Crew(threads, max(used)) as crew:
        rates = {"f32": 0.0, "u8": 0.0}
        curves: list[dict[int, float]] = [dict.fromkeys(used, 0.0), dict.fromkeys(used, 0.0)]
        for _ in range(_ROUNDS):
            for name, loops in (("f32", floats), ("u8", nibbles)):
                rates[name] = max(rates[name], *(crew.rate(loop, blocks=1000) for loop in loops))
            for curve, loops in zip(curves, (reads, copies), strict=True):
                for size in used:
                    curve[size] = max(curve[size], *(crew.rate(loop, size // loop.block) for loop in loops))
    read, traffic = (_total(curve, threads) for curve in curves)
    return Ceilings(fingerprint, threads, read, traffic, rates, quiet=others.share() < _QUIET)


def _total(curve: dict[int, float], threads: int) -> Curve:
    return tuple((size * threads, speed) for size, speed in sorted(curve.items()))


class _Others:
    """How much of all processors everybody else has used since this was made."""

    def __init__(self) -> None:
        self._start = self._used()

    def share(self) -> float:
        """Return it as a fraction of what there was."""
        everybody, us, whole = (now - before for now, before in zip(self._used(), self._start, strict=True))
        return max(0.0, everybody - us) / whole if whole > 0 else 0.0

    @staticmethod
    def _used() -> tuple[float, float, float]:
        """Return the seconds that everybody used, that this process used, and that there were, on all processors."""
        times = psutil.cpu_times()._asdict()
        # The guests of a hypervisor that this machine may be are in `user` already.
        whole = sum(seconds for name, seconds in times.items() if not name.startswith("guest"))
        return whole - times["idle"] - times.get("iowait", 0.0), time.process_time(), whole


class _Crew:
    """Threads that run the same loop at the same time, each over memory of its own."""

    def __init__(self, threads: int, size: int) -> None:
        self._threads = threads
        self._pace = _ONE if threads == 1 else _MANY
        self._barrier = threading.Barrier(threads)
        self._pool = ThreadPoolExecutor(threads)
        self._memory = [mmap.mmap(-1, size + _HUGE_PAGE) for _ in range(threads)]
        self._addresses = list(self._pool.map(lambda block: self._meet(lambda: _touched(block, size)), self._memory))

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def rate(self, loop: Loop, blocks: int) -> float:
        """Return the most of the loop's units per second that all threads together reached in one piece."""
        passes, taken = 1, self._run(loop, blocks, 1)[0]
        while taken < self._pace.piece_ns // 2:  # a short call is mostly the calling: find the number in a few steps
            passes *= min(100, max(2, self._pace.piece_ns // max(1, taken)))
            taken = self._run(loop, blocks, passes)[0]
        pieces = max(self._pace.pieces, self._pace.budget_ns // taken)
        fastest = min(self._run(loop, blocks, passes, pieces))
        return self._threads * loop.block * blocks * passes / fastest * 1e9

    def _run(self, loop: Loop, blocks: int, passes: int, pieces: int = 1) -> list[int]:
        """Return how long each piece took the slowest thread, in nanoseconds."""

        def work(address: int) -> list[int]:
            return [self._meet(lambda: _timed(loop, address, blocks, passes)) for _ in range(pieces)]

        return [max(piece) for piece in zip(*self._pool.map(work, self._addresses), strict=True)]

    def _meet(self, work: Callable[[], int]) -> int:
        """Wait for all threads, so that each of them takes one job and they work at once."""
        self._barrier.wait()
        return work()


def _timed(loop: Loop, address: int, blocks: int, passes: int) -> int:
    began = time.perf_counter_ns()
    loop.call(address, blocks, passes)
    return time.perf_counter_ns() - began


def _touched(memory: mmap.mmap, size: int) -> int:
    """Write to every page, else all would be read from the kernel's one page of zeros, and return where they begin."""
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    aligned = -(-start // _HUGE_PAGE) * _HUGE_PAGE
    ctypes.memset(aligned, 1, size)
    return aligned
