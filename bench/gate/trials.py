"""Simulated trials: evidence as a machine with some noise would give it, judged by the gate as it stands."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bench.gate import ancestor
from bench.gate.noise import Floats, Noise, Schedule, evidence_times, measure

from lar import gate, stats
from lar.contracts import Arm, Decision, Evidence, Judgement

SAME_LINES = (100, 100)
FEWER_LINES = (90, 100)
SEQUENTIAL = 400
"""Trials of the rules that the gate replaced: they miss by tens of per cent, so fewer will do."""

Level = Floats | float


@dataclass
class Machine:
    """A machine to run simulated trials on.

    Attributes
    ----------
    noise : Noise
        What it does to times.
    schedule : Schedule
        How trials spend their blocks.
    second : float or None
        Standard deviation of what another clock reads besides; None: there is one clock only.
    draw : Generator
        Seeded; the same seed gives the same trials.
    """

    noise: Noise
    schedule: Schedule = field(default_factory=Schedule)
    second: float | None = None
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(2025))

    @property
    def sizes(self) -> Floats:
        """True times of the champion: the largest workload takes sixteen times as long as the smallest."""
        return np.geomspace(1.0, 16.0, self.schedule.workloads)

    def evidence(self, candidate: Level, baseline: Level | None = None, hidden: Level = 0.0) -> Evidence:
        """Return one stage of a trial.

        Parameters
        ----------
        candidate, baseline : array or float
            True times over those of the champion, on each workload or on all; no baseline: it takes no part.
        hidden : array or float
            Share of the candidate's work that the judging clock does not see, and the other one does.
        """
        levels: dict[Arm, Level] = {Arm.CANDIDATE: candidate, Arm.CHAMPION: 1.0}
        if baseline is not None:
            levels[Arm.BASELINE] = baseline
        drawn = measure(self.noise, self.schedule, [self.sizes * level for level in levels.values()], 1, self.draw)
        times = {arm: blocks[0] for arm, blocks in zip(levels, drawn, strict=True)}
        other = {}
        if self.second is not None:
            other = {arm: t * np.exp(self.draw.normal(0, self.second, t.shape)) for arm, t in times.items()}
            shown = np.broadcast_to(1.0 - np.asarray(hidden), self.schedule.workloads)
            times[Arm.CANDIDATE] = times[Arm.CANDIDATE] * shown[:, None, None]
        return Evidence(evidence_times(times), evidence_times(other))

    def trial(
        self, candidate: Level, lines: tuple[int, int] = SAME_LINES, baseline: Level = 1.25, hidden: Level = 0.0
    ) -> tuple[Judgement, Judgement]:
        """Return what the gate says of the screening, and what it says in the end."""
        screening = self.evidence(candidate, hidden=hidden)
        first = gate.judge(screening, lines)
        if first.decision is not Decision.KEEP:
            return first, first
        return first, gate.confirm(screening, self.evidence(candidate, baseline, hidden), lines)

    def sequential(self, candidate: Level) -> dict[str, bool]:
        """Return whether the rules that the gate replaced keep a candidate, each on as many blocks as a screening."""
        schedule = Schedule(self.schedule.pairs, self.schedule.workloads, self.schedule.blocks, interleaved=False)
        before, after = measure(self.noise, schedule, [self.sizes, self.sizes * candidate], 1, self.draw)
        return {
            "ancestor": ancestor.intervals_apart(after[0], before[0], self.draw),
            "sequential": ancestor.lower_by_one_percent(after[0], before[0]),
        }


def share(hits: int, rounds: int) -> dict[str, float]:
    """Return a share with its 95 % interval, in per cent."""
    interval = stats.wilson_interval(hits, rounds, 0.95)
    return {"percent": 100 * interval.value, "low": 100 * interval.low, "high": 100 * interval.high}


def tally(trial: Callable[[], tuple[Judgement, Judgement]], rounds: int) -> dict[str, Any]:
    """Return how often trials are kept, after the screening and in the end, and what they come to by rule."""
    ends = [trial() for _ in range(rounds)]
    by_rule = Counter(f"{final.decision}, {final.rule}" for _, final in ends)
    return {
        "rounds": rounds,
        "screened": share(sum(first.decision is Decision.KEEP for first, _ in ends), rounds),
        "kept": share(sum(final.decision is Decision.KEEP for _, final in ends), rounds),
        "inconclusive": share(sum(final.decision is Decision.INCONCLUSIVE for _, final in ends), rounds),
        "ends": {end: 100 * count / rounds for end, count in by_rule.most_common()},
    }


def tally_sequential(machine: Machine, candidate: Level, rounds: int) -> dict[str, dict[str, float]]:
    """Return how often the rules that the gate replaced keep a candidate, in at most `SEQUENTIAL` trials."""
    ends: Sequence[dict[str, bool]] = [machine.sequential(candidate) for _ in range(min(rounds, SEQUENTIAL))]
    return {rule: share(sum(end[rule] for end in ends), len(ends)) for rule in ends[0]}
