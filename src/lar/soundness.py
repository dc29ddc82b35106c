"""Whether evidence can be judged at all: complete, and taken on a machine that held still. It fails closed.

What these checks refuse would not always show in an interval. A load that comes in mid-trial slows candidate and
champion alike, which their ratio survives; but of two programs that wait for different parts of a machine it slows one
more than the other, and then the ratio is that of a moment. So the champion's own speed must stay where it was: drift
is allowed for, since a machine drifts by 14 % in minutes, and a step is not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lar.contracts import Arm, Decision, Evidence, Judgement, Times
from lar.ratios import Comparison, Floats


@dataclass(frozen=True)
class Limits:
    """What evidence must have.

    Attributes
    ----------
    least_pairs : int
        Pairs of processes, the sampling unit.
    most_discarded : float
        Share of blocks thrown away as pre-empted.
    most_step, most_drift : float
        How far the champion's speed may move from one pair to the next, and over all of them (0.25: by 25 %), once the
        slowest eighth of them is spared.
    disturbed, most_disturbed : float
        How far the ratio of two neighbouring blocks is off its workload's middle to count as disturbed, and the largest
        share of such ratios.
    """

    least_pairs: int = 4
    most_discarded: float = 0.25
    most_step: float = 0.25
    most_drift: float = 0.5
    disturbed: float = 0.25
    most_disturbed: float = 0.25


def against(times: Mapping[Arm, Times], arm: Arm) -> Comparison:
    """Return the candidate compared with another arm; see `Comparison.of` for what it raises, `KeyError` besides."""
    return Comparison.of(times[Arm.CANDIDATE], times[arm])


def fault(evidence: Evidence, limits: Limits) -> Judgement | None:
    """Return the INCONCLUSIVE judgement that evidence comes to by itself, or None where it can be judged.

    Parameters
    ----------
    evidence : Evidence
        Of one stage. Anything may be wrong with it.
    limits : Limits
        What it must have.
    """
    again = "run the trial again"
    clocks = [evidence.times, *([evidence.other] if evidence.other else [])]
    try:
        arms = [Arm.CHAMPION, *sorted(set(evidence.times) - {Arm.CANDIDATE, Arm.CHAMPION})]
        compared = [against(times, arm) for times in clocks for arm in arms]
    except KeyError as error:
        return inconclusive("complete", f"the {error.args[0]} was not measured, or not by both clocks", again)
    except (TypeError, ValueError) as error:
        return inconclusive("complete", f"evidence is not complete: {error}", again)
    champion = compared[0]
    if any(one.shape != champion.shape for one in compared):
        return inconclusive("complete", "arms or clocks differ in their pairs or blocks", again)
    if champion.pairs < limits.least_pairs:
        reason = f"{champion.pairs} pairs of processes, expected at least {limits.least_pairs}"
        return inconclusive("complete", reason, f"at least {limits.least_pairs} pairs")
    if not 0 <= evidence.discarded <= limits.most_discarded * evidence.blocks:
        most = f"at most {limits.most_discarded:.0%} may be"
        reason = f"{evidence.discarded} of {evidence.blocks} blocks were discarded as pre-empted, {most}"
        found: Judgement | None = inconclusive("complete", reason, "a quieter machine")
    else:
        found = _unsteady(evidence.times[Arm.CHAMPION], champion, limits)
    # The ratio is shown, so that one can see what there may be to find; it decides nothing.
    return replace(found, ratio=champion.overall()) if found else None


def lost(evidence: Evidence, pairs: int, limits: Limits) -> bool:
    """Say whether so many blocks were discarded that a stage of so many pairs fails, even if no more of them are."""
    done = len(next(iter(evidence.times[Arm.CHAMPION].values())))
    kept = evidence.blocks - evidence.discarded
    return evidence.discarded > limits.most_discarded * (evidence.discarded + kept * pairs / done)


def inconclusive(rule: str, reason: str, remedy: str) -> Judgement:
    """Return a judgement that decides nothing; its arguments are those of `Judgement`."""
    return Judgement(Decision.INCONCLUSIVE, reason, rule, remedy=remedy)


def _unsteady(champion: Times, compared: Comparison, limits: Limits) -> Judgement | None:
    again = "run it again when the machine is quieter"
    levels = _without_slowest(_levels(champion))
    step, drift = float(np.max(np.abs(np.diff(levels)))), float(np.ptp(levels))
    if step > math.log1p(limits.most_step):
        reason = f"the champion's own speed changed by {math.expm1(step):.0%} from one pair of processes to the next"
        return inconclusive("steady", f"{reason}, at most {limits.most_step:.0%} is allowed", again)
    if drift > math.log1p(limits.most_drift):
        reason = f"the champion's own speed drifted by {math.expm1(drift):.0%}"
        return inconclusive("steady", f"{reason}, at most {limits.most_drift:.0%} is allowed", again)
    share = float(np.mean(np.abs(np.concatenate(compared.residuals)) > math.log1p(limits.disturbed)))
    if share > limits.most_disturbed:
        reason = f"{share:.0%} of the ratios of neighbouring blocks are off their middle by more than"
        return inconclusive("steady", f"{reason} {limits.disturbed:.0%}", again)
    return None


def _without_slowest(levels: Floats) -> Floats:
    """Return the levels of all pairs but the slowest eighth, rounded down.

    A burst may last through a pair. So few of up to twenty pairs cannot make a gain of it, since they widen Student's
    interval by more than they move its middle.
    """
    spared = np.argsort(levels, kind="stable")[len(levels) - len(levels) // 8 :]
    return np.delete(levels, spared)


def _levels(times: Times) -> Floats:
    """Return, for each pair, the median logarithm of its blocks, each over the median of its workload."""
    logs = [[np.log(blocks) for blocks in pairs] for pairs in times.values()]
    middles = [np.median(np.concatenate(pairs)) for pairs in logs]
    of_pairs = zip(*logs, strict=True)
    return np.array([np.median(np.concatenate([b - m for b, m in zip(p, middles, strict=True)])) for p in of_pairs])
