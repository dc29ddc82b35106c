"""Ways round the clock that the supervisor can see from outside, told from what honest libraries do.

Both are judged over several readings and by their median: one hiccup of a shared machine must refuse nobody.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lar.contracts import Failure

IDLE_NS = 20_000_000
"""How long a worker is left alone to see whether it computes. An honest one uses 7 us of it, a cheat nearly all."""

IDLE_READINGS = 8
"""How often in a row a worker is left alone, and computes all the same, before it is refused: OpenBLAS lets the threads
of several cores spin for 30 ms after work, on a busy machine for longer."""

_READINGS = 3
_IDLE_LEAST_NS, _IDLE_SHARE = 1_000_000, 0.2
_CLAIM_SHARE, _CLAIM_NS = 0.25, 100_000
_LEAST_ARRAY_NS = 10_000.0
"""What copying one array may cost whatever was measured: a rehearsal on a quiet machine must not refuse a busy one."""

_CHORE_FACTOR, _CHORE_SHARE, _CHORE_NS = 2.0, 0.2, 1_000_000


@dataclass(frozen=True)
class Idle:
    """A stretch in which nothing was asked of the worker.

    Attributes
    ----------
    wall_ns, cpu_ns, waited_ns : int
        Wall time; processor time that its threads used all the same; time in which they would have, had others not had
        the cores.
    """

    wall_ns: int
    cpu_ns: int
    waited_ns: int = 0

    @property
    def share(self) -> float:
        """Of the time in which the worker could compute, how much it did."""
        return self.cpu_ns / max(1, self.cpu_ns, self.wall_ns - self.waited_ns)


@dataclass(frozen=True)
class Claim:
    """One batch: wall time by the supervisor's clock less what others had of the cores, and what the worker says."""

    wall_ns: int
    claimed_ns: int


@dataclass(frozen=True)
class Rates:
    """What copying costs a worker before it has a kernel: processor time for each array and for each byte."""

    array_ns: float
    byte_ns: float

    @staticmethod
    def of(small: tuple[int, int, int], large: tuple[int, int, int]) -> "Rates":
        """Return the rates of two rehearsals, each (arrays, bytes, nanoseconds): many small arrays, few large ones."""
        per_array = max(_LEAST_ARRAY_NS, small[2] / small[0])
        return Rates(per_array, max(0.0, large[2] - large[0] * per_array) / large[1])

    def of_copying(self, arrays: int, size: int) -> float:
        """Return how long copying takes, in nanoseconds."""
        return arrays * self.array_ns + size * self.byte_ns


@dataclass(frozen=True)
class Chores:
    """One batch: wall time of its calls; processor time used from its staging on outside of them, and what is due."""

    wall_ns: int
    used_ns: int
    due_ns: float


def suspicious(idle: Idle) -> bool:
    """Say whether a worker computed so much while nothing was asked of it that one should look again."""
    return idle.cpu_ns > _IDLE_LEAST_NS and idle.share > _IDLE_SHARE


def background(readings: Sequence[Idle], case: str) -> Failure | None:
    """Judge a worker that was left alone several times, one right after the other: one quiet reading clears it."""
    if len(readings) < IDLE_READINGS or not all(map(suspicious, readings)):
        return None
    used, wall = sum(one.cpu_ns for one in readings), sum(one.wall_ns for one in readings)
    message = f"the worker computed for {used / 1e6:.1f} ms of {wall / 1e6:.1f} in which nothing was asked of it"
    return Failure("background", f"{message}: work outside the timed calls", case)


def unexplained(claims: Sequence[Claim], case: str) -> Failure | None:
    """Judge what a worker claimed over a session: its calls must account for the supervisor's wall time.

    A claim above the wall time is impossible and refused at once, elsewhere. One below it is not: handshake and
    pre-emption lie outside the calls. On a busy machine a single batch would have refused 14 of 44 honest runs, so the
    median gap counts, from three batches on.
    """
    if len(claims) < _READINGS:
        return None
    wall = statistics.median(one.wall_ns for one in claims)
    gap = statistics.median(one.wall_ns - one.claimed_ns for one in claims)
    if gap <= _CLAIM_SHARE * wall + _CLAIM_NS:
        return None
    message = f"claims to have taken {(wall - gap) / 1e3:.0f} us where {wall / 1e3:.0f} us went by (median batch)"
    return Failure("forged", message, case)


def moonlighting(chores: Sequence[Chores], case: str) -> Failure | None:
    """Judge what a worker did when it was asked to copy inputs in and outputs out, which is off the clock.

    A kernel that has got at the worker's own code can answer a query while it is copied in, or while its output is
    copied out. What the copying costs was measured before there was a kernel; twice that, and a fifth of the batch, is
    nobody's fault.
    """
    if len(chores) < _READINGS:
        return None
    excess = statistics.median(one.used_ns - _CHORE_FACTOR * one.due_ns for one in chores)
    wall = statistics.median(one.wall_ns for one in chores)
    if excess <= _CHORE_SHARE * wall + _CHORE_NS:
        return None
    used, due = (statistics.median(getattr(one, name) for one in chores) for name in ("used_ns", "due_ns"))
    message = (
        f"copying inputs and outputs took {used / 1e6:.2f} ms where {due / 1e6:.2f} ms are usual, round calls of "
        f"{wall / 1e6:.2f} ms (median of {len(chores)} batches): work outside the timed calls"
    )
    return Failure("background", message, case)
