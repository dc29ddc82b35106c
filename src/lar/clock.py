"""How long a batch must be, when a workload is warm, when there are samples enough, and which samples to throw away.

All of it is decided from what the supervisor reads itself. A *batch* is a callable from a number of calls to a
`Reading`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

BATCH_NS = 15_000_000
"""A batch lasts about this long: the handshake round it (13 us, 60 us after an idle spell) is under half a per cent."""

MAX_CALLS = 4_096

WINDOWS = 6
"""Batches of warm-up at most: a machine that does not come to rest is told by the interval, not waited for."""


@dataclass(frozen=True)
class Reading:
    """What one batch took, by the supervisor's clocks.

    Attributes
    ----------
    calls : int
        Calls of `run` in the batch.
    wall_ns : int
        Wall time from the request to the answer.
    cpu_ns : int
        CPU time of the worker's process in between.
    device_ns : int
        Time between device events as the worker reports it; 0 where there are none.
    waited_ns : int
        Time in which the worker, or the supervisor, was ready to run and another process had its core.
    overtime_ns : int
        Processor time that copying the batch's inputs and outputs took beyond what it is known to take.
    """

    calls: int
    wall_ns: int
    cpu_ns: int
    device_ns: int = 0
    waited_ns: int = 0
    overtime_ns: int = 0

    @property
    def own_ns(self) -> int:
        """Wall time less what the scheduler gave to others; never below the CPU time, which one core cannot beat.

        A worker that sleeps, or waits for a process it has hidden work in, does not wait for a core: that stays in.
        What it did off the clock is added.
        """
        return max(self.wall_ns - self.waited_ns, min(self.cpu_ns, self.wall_ns)) + self.overtime_ns

    def pre_empted(self, threads: int) -> bool:
        """Say whether another process had the worker's core: wall time ran on while its CPU time stood still.

        Not to be told with more than one thread, nor where a device computes.
        """
        return threads == 1 and self.device_ns == 0 and self.wall_ns > 1.1 * self.cpu_ns + 100_000


def calls_per_batch(run: Callable[[int], Reading], limit: int, lasting_ns: int = BATCH_NS) -> int:
    """Double the calls of a batch until it lasts `lasting_ns`, and return how many that takes (1 to `limit`).

    The shorter of three readings decides: one that a busy machine has drawn out would make batches of few calls, and
    what lies round a batch would be timed in the place of what lies in it.
    """
    calls = 1
    while calls < limit:
        took = run(calls).own_ns
        if took >= lasting_ns // 2:
            took = min(took, run(calls).own_ns, run(calls).own_ns)
        if took >= lasting_ns // 2:
            return max(1, min(limit, round(calls * lasting_ns / took)))
        calls = min(limit, calls * 2)
    return calls


def warm_up(run: Callable[[int], Reading], calls: int, tolerance: float = 0.03, most: int = WINDOWS) -> Reading:
    """Run batches until two in a row agree within `tolerance`, at most `most` of them; return the last."""
    before = run(calls)
    for _ in range(most - 1):
        now = run(calls)
        if abs(now.wall_ns - before.wall_ns) <= tolerance * before.wall_ns:
            return now
        before = now
    return before


@dataclass
class StopRule:
    """Samples enough? Start it, add a round of samples per workload, ask whether it is finished.

    Attributes
    ----------
    least, most : int
        Rounds.
    width : float
        Finished once half the 90 % interval of the geometric mean is narrower than this share of it ...
    seconds : float
        ... or once this much time has gone by.
    """

    least: int
    most: int
    width: float
    seconds: float
    _began: float = 0.0
    _samples: dict[str, list[float]] = field(default_factory=dict)
    _rounds: int = 0

    def start(self) -> None:
        """Begin to count the time."""
        self._began = time.monotonic()
        self._samples.clear()
        self._rounds = 0

    def add(self, samples: dict[str, float]) -> None:
        """Add one round: nanoseconds per operation by workload; those of discarded batches are left out."""
        self._rounds += 1
        for name, value in samples.items():
            self._samples.setdefault(name, []).append(value)

    def finished(self) -> bool:
        """Say whether to stop: bounds first, then the width of the interval."""
        if self._rounds >= self.most:
            return True
        if self._rounds < self.least:
            return False
        return time.monotonic() - self._began >= self.seconds or self._half_width() <= self.width

    def _half_width(self) -> float:
        if not self._samples or min(map(len, self._samples.values())) < 3:
            return float("inf")
        # Within one process: 1.645 standard errors of the mean of log medians; a median's error is 1.2533 of a mean's.
        logs = [np.log(values) for values in self._samples.values()]
        squares = [(1.2533 * np.std(one, ddof=1)) ** 2 / len(one) for one in logs]
        return float(1.645 * np.sqrt(np.sum(squares)) / len(logs))
