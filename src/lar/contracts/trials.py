"""What a trial is made of: arms, the evidence gathered on them, and the decision it came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lar.contracts.outcomes import Exit, Outcome, Status


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval round it."""

    value: float
    low: float
    high: float


class Arm(StrEnum):
    """Whose turn a block is."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    BASELINE = "baseline"


class Decision(StrEnum):
    """What a trial came to."""

    KEEP = "keep"
    REVERT = "revert"
    INCONCLUSIVE = "inconclusive"
    INCORRECT = "incorrect"
    CHEAT = "cheat"
    CRASH = "crash"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"

    @property
    def exit_code(self) -> Exit:
        """What `lar trial` ends with."""
        return _EXIT_OF[self]

    @staticmethod
    def of(status: Status) -> "Decision":
        """Return the decision on a candidate that did not get as far as the gate."""
        return Decision(status.value)


_EXIT_OF = {
    Decision.KEEP: Exit.DONE,
    Decision.REVERT: Exit.NOT_KEPT,
    Decision.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Decision.INCORRECT: Exit.INCORRECT,
    Decision.CHEAT: Exit.CHEAT,
    Decision.CRASH: Exit.INCORRECT,
    Decision.TIMEOUT: Exit.TIMEOUT,
    Decision.UNAVAILABLE: Exit.UNAVAILABLE,
}

Times = Mapping[str, Sequence[Sequence[float]]]
"""Nanoseconds per operation of one arm: workload -> pair of processes -> block, in the order they were run."""


@dataclass(frozen=True)
class Evidence:
    """What one stage of a trial measured: arms that took turns in the same pairs of processes, block by block.

    Attributes
    ----------
    times : mapping of Arm to Times
        By the clock that judges. Candidate and champion always; the baseline where it took part. All arms have the
        same workloads, pairs and number of blocks in a pair: block i of one arm was run beside block i of the other.
    other : mapping of Arm to Times
        The same blocks by the other clock (CPU time, where wall time judges); empty where there is only one.
    blocks, discarded : int
        Blocks taken in all, and how many of them were thrown away (with their partners) as pre-empted.
    """

    times: Mapping[Arm, Times]
    other: Mapping[Arm, Times] = field(default_factory=dict)
    blocks: int = 0
    discarded: int = 0


@dataclass(frozen=True)
class WorkloadRatio:
    """How one workload fared: time of the candidate over that of the other arm.

    Attributes
    ----------
    workload : str
    against : Arm
        Champion or baseline.
    ratio : Interval
        Below 1 is faster; 90 %.
    p_slower : float
        Probability of a ratio this far above the guard's bound were the true one at it, corrected over all workloads.
    """

    workload: str
    against: Arm
    ratio: Interval
    p_slower: float


@dataclass(frozen=True)
class Judgement:
    """What the gate says, and why.

    Attributes
    ----------
    decision : Decision
    reason : str
        One line for a person.
    rule : str
        The rule of `lar.gate` that decided, by its name there.
    ratio : Interval or None
        Geometric mean over workloads of the paired ratio, candidate over champion.
    workloads : tuple of WorkloadRatio
        Against the champion, and against the baseline where it took part.
    detectable : float or None
        The smallest gain this trial would have found in four of five runs, as a share (0.02: two per cent).
    remedy : str
        What would resolve an inconclusive trial; empty otherwise.
    """

    decision: Decision
    reason: str
    rule: str
    ratio: Interval | None = None
    workloads: tuple[WorkloadRatio, ...] = ()
    detectable: float | None = None
    remedy: str = ""


@dataclass(frozen=True)
class KernelFacts:
    """Which kernel it was.

    Attributes
    ----------
    name : str
        ``portable`` or ``tuned/<backend>``.
    hash : str
        Short hash of its files.
    lines : int
        Lines of code.
    """

    name: str
    hash: str
    lines: int


@dataclass(frozen=True)
class Trial:
    """One candidate against a slot's champion, and all there is to say of it.

    Attributes
    ----------
    number : int
        In the journal.
    slot : str
        Target, backend and device model.
    hypothesis : str
        What the candidate's author expected, in one line.
    candidate, champion : KernelFacts
    judgement : Judgement
    confirmed : bool
        Whether the judgement rests on a second stage with fresh seeds.
    pairs : int
        Pairs of processes timed, all stages together.
    outcome : Outcome
        What the candidate did by itself: correctness, times, limits, memory, isolation.
    entry : str
        Hash of the journal's entry.
    seconds : float
    """

    number: int
    slot: str
    hypothesis: str
    candidate: KernelFacts
    champion: KernelFacts
    judgement: Judgement
    confirmed: bool
    pairs: int
    outcome: Outcome
    entry: str = ""
    seconds: float = 0.0
