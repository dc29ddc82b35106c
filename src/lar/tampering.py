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
_CLAIM_SHARE, _CLAIM_NS = 0.25, 100_000


@dataclass(frozen=True)
class Limits:
    """What nobody is refused for.

    Attributes
    ----------
    idle_ns, idle_share : int, float
        Processor time while a worker is left alone, and its share of that time.
    chore_factor, chore_share : float
        Processor time that copying takes: how many times what it is known to take, and a share of the batch more.
    chore_ns : int
        And so much more.
    """

    idle_ns: int
    idle_share: float
    chore_factor: float
    chore_share: float
    chore_ns: int = 1_000_000


QUIET = Limits(200_000, 0.01, 4.0, 0.25)
"""On one core of a CPU. Honest workers, 27 kernels of them, used 0.07 ms of 20 while they were left alone, and once
0.27; a thread that looks every 0.1 ms whether there is something to do takes 1 ms and more. Copying took 1.7 times what
it did in rehearsal, and 3.5 times on a machine that others kept busy: the bound is wide, since what lies below it is
charged and wins nothing."""

RESTLESS = Limits(1_000_000, 0.2, 2.0, 0.2)
"""On several cores, where threads that wait for work spin, and on devices, whose drivers have threads of their own:
nothing is charged there, so the bound for copying is the only one."""


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
class Cost:
    """A rehearsal of copying: so many arrays of so many bytes together, and the processor time it took."""

    arrays: int
    size: int
    used_ns: float


@dataclass(frozen=True)
class Rates:
    """What copying costs a worker before it has a kernel: processor time for being asked, for each array and byte."""

    asked_ns: float
    array_ns: float
    byte_ns: float

    @staticmethod
    def of(nothing: Cost, small: Cost, large: Cost) -> "Rates":
        """Return the rates of three rehearsals: no array, many small ones, few large ones."""
        per_array = max(0.0, small.used_ns - nothing.used_ns) / small.arrays
        per_byte = max(0.0, large.used_ns - nothing.used_ns - large.arrays * per_array) / large.size
        return Rates(nothing.used_ns, per_array, per_byte)

    def of_copying(self, arrays: int, size: int) -> float:
        """Return how long copying takes, in nanoseconds."""
        return self.asked_ns + arrays * self.array_ns + size * self.byte_ns


@dataclass(frozen=True)
class Chores:
    """One batch: wall time of its calls; processor time used from its staging on outside of them, and what is due."""

    wall_ns: int
    used_ns: int
    due_ns: float

    @property
    def overtime_ns(self) -> int:
        """What was used beyond what is due: it counts as if it had been on the clock."""
        return max(0, round(self.used_ns - self.due_ns))


def suspicious(idle: Idle, limits: Limits) -> bool:
    """Say whether a worker computed so much while nothing was asked of it that one should look again."""
    return idle.cpu_ns > limits.idle_ns and idle.share > limits.idle_share


def background(readings: Sequence[Idle], case: str, limits: Limits) -> Failure | None:
    """Judge a worker that was left alone several times, one right after the other: one quiet reading clears it."""
    if len(readings) < IDLE_READINGS or not all(suspicious(one, limits) for one in readings):
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


def moonlighting(chores: Sequence[Chores], case: str, limits: Limits) -> Failure | None:
    """Judge what a worker did when it was asked to copy inputs in and outputs out, which is off the clock.

    A kernel that has got at the worker's own code can answer a query while it is copied in, or while its output is
    copied out. What the copying costs was measured before there was a kernel; a few times that, and a share of the
    batch, is nobody's fault, and is no gain either where it is charged (`Chores.overtime_ns`).
    """
    if len(chores) < _READINGS:
        return None
    excess = statistics.median(one.used_ns - limits.chore_factor * one.due_ns for one in chores)
    wall = statistics.median(one.wall_ns for one in chores)
    if excess <= limits.chore_share * wall + limits.chore_ns:
        return None
    used, due = (statistics.median(getattr(one, name) for one in chores) for name in ("used_ns", "due_ns"))
    message = (
        f"copying inputs and outputs took {used / 1e6:.2f} ms where {due / 1e6:.2f} ms are usual, round calls of "
        f"{wall / 1e6:.2f} ms (median of {len(chores)} batches): work outside the timed calls"
    )
    return Failure("background", message, case)
