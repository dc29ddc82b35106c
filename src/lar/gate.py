"""The keep gate: whether a candidate becomes the champion. Pure: evidence in, judgement out.

The rules, by the names that `Judgement.rule` gives them, and why each is as it is:

1. *correct*. Speed is asked of correct candidates alone: who calls here has checked every case and every timed call.
2. *paired*. Candidate and champion took turns, block by block, in fresh pairs of processes, and the ratio is taken
   between neighbours (`lar.ratios`). A baseline measured first and a candidate afterwards compare two moods of a
   machine that drifts by 14 % in minutes. The pair is the sampling unit: processes of the same code differ.
3. *faster*: KEEP where the upper end of the 90 % interval of the geometric mean of the ratio is below 1 - epsilon. It
   replaces "the two intervals do not overlap", each drawn from all workloads pooled: that counts the difference
   between workloads as noise, and never keeps a true gain of 10 %.
4. *guard*: REVERT where a workload is slower by 5 % or more with confidence (Holm's correction over workloads); no
   KEEP, but INCONCLUSIVE, where it is so by its estimate and slower at all with confidence. A gain on one workload
   does not buy a loss on another. The confirmation holds it against the original baseline too, so that ten keeps
   cannot add up to 1.05^10.
5. *simpler*: fewer lines win within noise: KEEP where the candidate has strictly fewer lines, the upper end is below
   1 + epsilon and the lower end is not above 1. "Within 3 %" as it stood would let ten such keeps cost a third;
   one that passes here costs less than epsilon, with confidence.
6. *confirmed*: a KEEP is measured again, in fresh pairs on fresh seeds; hundreds of trials make winners by luck. By
   itself the second measurement must meet the rule that kept it with its bound put off by one epsilon (a gain: it is
   faster at all, with confidence), and both together must meet it as it stands. By itself, since the first one was
   selected for its luck and proves nothing any more; together, since two intervals that each meet the whole bound
   throw true gains away near it.
7. *clocks*: wall and CPU time do not contradict each other, or INCONCLUSIVE. Of a gain the other clock shows at least
   half, on the logarithmic scale; of a simplification it shows no loss of epsilon; and on no workload does it
   see what rule 4 forbids. What hides in a child process, or is done after the return, is missing from one clock alone,
   and half of a gain that passed rule 3 is more than the noise of a second clock makes up on a machine fit for trials.
   A gain that the other clock shows larger contradicts nothing: the smaller one is judged.
8. *complete*, *steady*: it fails closed. Missing, not finite, not positive, unequal in count, fewer than four pairs,
   more than a quarter of the blocks discarded: INCONCLUSIVE. So too where the champion's own speed changes by more than
   25 % from one pair to the next, or by more than 50 % in all (the slowest pair in eight is spared): a load that comes
   or goes hits two programs differently. And where more than a quarter of the ratios are off their workload's middle by
   more than 25 %: that is more than interquartile means take out.
9. *sight*: REVERT is said by a trial that saw: the candidate is slower, or gains less than epsilon with confidence,
   or a gain of 3 % would have been found in four of five such trials and this one did not meet rule 3. Else
   INCONCLUSIVE, with the number of pairs that would resolve it.

The exit code is the decision's: 0 KEEP, 5 REVERT, 6 INCONCLUSIVE. Error rates and power of these rules, by simulation
under nineteen kinds of noise: `bench/gate`, and `docs/measurement.md`.
"""

import math
from dataclasses import dataclass, replace

from lar import soundness, stats
from lar.contracts import Arm, Decision, Evidence, Interval, Judgement, WorkloadRatio
from lar.ratios import Comparison
from lar.soundness import Limits, against


@dataclass(frozen=True)
class Rules(Limits):
    """The figures in the rules; those of rule 8 are `Limits`.

    Attributes
    ----------
    epsilon, guard : float
        The gain worth keeping, and the loss on one workload that no gain pays for.
    level, guard_alpha, hopeless_level : float
        Confidence of the intervals, level of the guard's test after correction, confidence of an early end.
    sight : float
        A trial that would not have found a gain this large does not say REVERT for want of one.
    agreement : float
        Share of the gain, on the logarithmic scale, that the other clock must show.
    """

    epsilon: float = 0.01
    guard: float = 0.05
    level: float = 0.90
    guard_alpha: float = 0.05
    hopeless_level: float = 0.99
    sight: float = 0.03
    agreement: float = 0.5


RULES = Rules()


def judge(evidence: Evidence, lines: tuple[int, int], rules: Rules = RULES) -> Judgement:
    """Return what one stage of a trial says; a KEEP is to be confirmed.

    Parameters
    ----------
    evidence : Evidence
        Of a correct candidate.
    lines : tuple of int
        Lines of code: the candidate's, the champion's.
    rules : Rules
        The figures in the rules.
    """
    return soundness.fault(evidence, rules) or _decide(evidence, None, lines, rules)


def confirm(screening: Evidence, confirmation: Evidence, lines: tuple[int, int], rules: Rules = RULES) -> Judgement:
    """Return the final word on a candidate.

    Parameters
    ----------
    screening : Evidence
        What `judge` was given; where it did not say KEEP, its word is final.
    confirmation : Evidence
        Of fresh pairs on fresh seeds. The baseline took part in it, unless it is the champion.
    lines, rules
        As of `judge`.
    """
    first = judge(screening, lines, rules)
    if first.decision is not Decision.KEEP:
        return first
    if fault := soundness.fault(confirmation, rules):
        return replace(fault, reason=f"confirmation: {fault.reason}")
    if set(screening.times[Arm.CHAMPION]) != set(confirmation.times[Arm.CHAMPION]):
        reason = "screening and confirmation timed different workloads"
        return soundness.inconclusive("complete", reason, "time the same ones in both")
    if bool(screening.other) != bool(confirmation.other):
        reason = "only one of screening and confirmation has both clocks"
        return soundness.inconclusive("complete", reason, "read both clocks in both")
    return _decide(screening, confirmation, lines, rules)


def hopeless(evidence: Evidence, rules: Rules = RULES) -> bool:
    """Return whether a trial may end early: with 99 % confidence no gain of epsilon is there.

    `judge` then says REVERT, save of a candidate with fewer lines, which may still be kept as a simplification: run
    the trial of such a one to its end. There is no early end with a KEEP.
    """
    if soundness.fault(evidence, rules):
        return False
    return against(evidence.times, Arm.CHAMPION).overall(rules.hopeless_level).low > 1.0 - rules.epsilon


def _decide(evidence: Evidence, confirmation: Evidence | None, lines: tuple[int, int], rules: Rules) -> Judgement:
    """Decide on sound evidence: of one stage, or of both together and of the confirmation by itself."""
    screened = against(evidence.times, Arm.CHAMPION)
    alone = against(confirmation.times, Arm.CHAMPION) if confirmation else None
    compared = screened.joined(alone) if alone else screened
    ratio = compared.overall(rules.level)
    workloads = _workloads(compared, Arm.CHAMPION, rules)
    if confirmation and Arm.BASELINE in confirmation.times:
        workloads += _workloads(against(confirmation.times, Arm.BASELINE), Arm.BASELINE, rules)
    other = against(evidence.other, Arm.CHAMPION) if evidence.other else None
    if other and confirmation:
        other = other.joined(against(confirmation.other, Arm.CHAMPION))

    met = _met(ratio, lines, rules)
    if alone:
        again = alone.overall(rules.level)
        met = [rule for rule in met if again.high < _bound(rule, rules) + rules.epsilon]
    judgement = _guarded(workloads, rules)
    if not judgement and met:
        judgement = _doubted(workloads, rules) or _contradicted(other, ratio, met[0], rules)
        judgement = judgement or _kept(ratio, lines, met[0], rules)
    judgement = judgement or _unkept(compared, alone, rules)
    return replace(judgement, ratio=ratio, workloads=workloads, detectable=_detectable(compared, rules))


def _workloads(compared: Comparison, arm: Arm, rules: Rules) -> tuple[WorkloadRatio, ...]:
    p_slower = compared.p_slower(1.0 + rules.guard)
    return tuple(WorkloadRatio(name, arm, ratio, p_slower[name]) for name, ratio in compared.each(rules.level).items())


def _met(ratio: Interval, lines: tuple[int, int], rules: Rules) -> list[str]:
    """Return which of the rules that keep are met, the stronger one first."""
    met = ["faster"] if ratio.high < _bound("faster", rules) else []
    if lines[0] < lines[1] and ratio.low <= 1.0 and ratio.high < _bound("simpler", rules):
        met.append("simpler")
    return met


def _bound(rule: str, rules: Rules) -> float:
    return 1.0 - rules.epsilon if rule == "faster" else 1.0 + rules.epsilon


def _guarded(workloads: tuple[WorkloadRatio, ...], rules: Rules) -> Judgement | None:
    """Say REVERT where a workload is slower by the guard's bound with confidence."""
    worst = min(workloads, key=lambda one: one.p_slower)
    if worst.p_slower > rules.guard_alpha:
        return None
    reason = f"{_name(worst)}: slower by {rules.guard:.0%} or more with confidence (p = {worst.p_slower:.2g})"
    return Judgement(Decision.REVERT, reason, "guard")


def _doubted(workloads: tuple[WorkloadRatio, ...], rules: Rules) -> Judgement | None:
    """Say INCONCLUSIVE where a workload is slower with confidence, and by the guard's bound as an estimate."""
    slower = [one for one in workloads if one.ratio.low > 1.0 and one.ratio.value >= 1.0 + rules.guard]
    if not slower:
        return None
    worst = max(slower, key=lambda one: one.ratio.value)
    reason = f"{_name(worst)}: slower, and by {rules.guard:.0%} or more as far as can be seen"
    return soundness.inconclusive("guard", reason, "mend that workload, or take more pairs")


def _contradicted(other: Comparison | None, ratio: Interval, rule: str, rules: Rules) -> Judgement | None:
    """Say INCONCLUSIVE where the other clock does not show what the judging one does."""
    if not other:
        return None
    seen = other.overall(rules.level)
    most = ratio.value**rules.agreement if rule == "faster" else _bound(rule, rules)
    worse = _doubted(_workloads(other, Arm.CHAMPION, rules), rules)
    if seen.value < most and not worse:
        return None
    what = worse.reason if worse else f"{_show(seen)} by the other, where it should be below {most:.3f}"
    remedy = "look for work outside the timed thread (child processes, threads, after the return), or a quieter machine"
    reason = f"wall and CPU time disagree: {_show(ratio)} by the clock that judges, {what}"
    return soundness.inconclusive("clocks", reason, remedy)


def _kept(ratio: Interval, lines: tuple[int, int], rule: str, rules: Rules) -> Judgement:
    why = f"faster by more than {rules.epsilon:.0%} with confidence"
    if rule == "simpler":
        why = f"within noise, and {lines[0]} lines of code instead of {lines[1]}"
    return Judgement(Decision.KEEP, f"{_show(ratio)} of the champion's time: {why}", rule)


def _unkept(compared: Comparison, alone: Comparison | None, rules: Rules) -> Judgement:
    """Say REVERT where no rule that keeps was met, INCONCLUSIVE where the trial or its confirmation saw too little."""
    ratio = compared.overall(rules.level)
    shown, rule = f"{_show(ratio)} of the champion's time", "sight"
    if alone:
        compared, ratio = alone, alone.overall(rules.level)
        shown, rule = f"{shown}, {_show(ratio)} on fresh seeds", "confirmed"
    if ratio.low > 1.0:
        return Judgement(Decision.REVERT, f"{shown}: slower with confidence", rule)
    if ratio.low > 1.0 - rules.epsilon:
        return Judgement(Decision.REVERT, f"{shown}: with confidence no gain of {rules.epsilon:.0%}", rule)
    found = _detectable(compared, rules)
    if found <= rules.sight:
        reason = f"{shown}: no gain of {rules.epsilon:.0%} shown, where one of {found:.1%} would have been"
        return Judgement(Decision.REVERT, reason, rule)
    width = math.log(1.0 - found) - math.log(1.0 - rules.epsilon)
    needed = compared.pairs * (width / (math.log(1.0 - rules.sight) - math.log(1.0 - rules.epsilon))) ** 2
    reason = f"{shown}: a gain below {found:.1%} would have been missed"
    remedy = f"a quieter machine, or about {math.ceil(needed)} pairs instead of {compared.pairs}"
    return soundness.inconclusive(rule, reason, remedy)


def _detectable(compared: Comparison, rules: Rules) -> float:
    """Return the gain at which four of five trials as wide as this one end below 1 - epsilon."""
    ratio, degrees = compared.overall(rules.level), compared.pairs - 1
    half_widths = 1 + stats.student_t_quantile(0.8, degrees) / stats.student_t_quantile((1 + rules.level) / 2, degrees)
    return float(1.0 - (1.0 - rules.epsilon) * (ratio.value / ratio.high) ** half_widths)


def _show(ratio: Interval) -> str:
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _name(one: WorkloadRatio) -> str:
    return f"{one.workload}, {_show(one.ratio)} of the {one.against}'s time"
