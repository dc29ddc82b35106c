"""What is asked of the gate: one question a function, answered with the rows of a table.

How they are run stands in `simulate`. Seeds are fixed: the same number of rounds gives the same rows.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from bench.gate.noise import KINDS, SHARED_CORE, Floats, Noise, Schedule
from bench.gate.trials import FEWER_LINES, SAME_LINES, Machine, share, tally, tally_sequential

from lar import gate
from lar.contracts import Arm, Decision, Evidence, Judgement
from lar.gate import RULES
from lar.ratios import Comparison

Rows = list[dict[str, Any]]

GAINS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.10)
LOSSES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03)
TELLING = ("shared core", "white 2 %, pairs 1 %", "two placements 5 % apart", "everything at once")


def false_keeps(rounds: int) -> Rows:
    """Count how often a change is kept that changes nothing, under each kind of noise."""
    rows = []
    for kind, noise in KINDS.items():
        machine = Machine(noise)
        row = tally(partial(machine.trial, 1.0), rounds)
        rows.append({"noise": kind, **row, **tally_sequential(machine, 1.0, rounds)})
    return rows


def power(rounds: int) -> Rows:
    """Count how often a true gain is found in one trial."""
    rows = []
    for kind in TELLING:
        for gain in GAINS:
            machine, count = Machine(KINDS[kind]), rounds if kind == "shared core" else (rounds + 1) // 2
            row = tally(partial(machine.trial, 1.0 - gain), count)
            rows.append({"noise": kind, "gain": gain, **row, **tally_sequential(machine, 1.0 - gain, count)})
    return rows


def guard(rounds: int) -> Rows:
    """Count how often a gain of 5 % over all buys a loss on one workload, to the champion or to the baseline."""
    rows = []
    for kind in TELLING:
        for loss in (0.0, 0.04, 0.06, 0.08, 0.10):
            machine = Machine(KINDS[kind])
            workloads = machine.schedule.workloads
            candidate = np.full(workloads, (0.95**workloads / (1 + loss)) ** (1 / (workloads - 1)))
            candidate[3] = 1 + loss
            row = tally(partial(machine.trial, candidate), rounds)
            rows.append({"noise": kind, "against": "champion", "loss": loss, **row})
            # As fast as the champion there, which has itself lost as much to the baseline by and by.
            candidate[3] = 1.0
            baseline = np.full(workloads, 1.25)
            baseline[3] = 1 / (1 + loss)
            row = tally(partial(machine.trial, candidate, baseline=baseline), rounds)
            rows.append({"noise": kind, "against": "baseline", "loss": loss, **row})
    return rows


def simplification(rounds: int) -> Rows:
    """Count how often a candidate of fewer lines is kept, by what it truly loses."""
    rows = []
    for kind in TELLING:
        for loss in LOSSES:
            machine = Machine(KINDS[kind])
            row = tally(partial(machine.trial, 1.0 + loss, FEWER_LINES), rounds)
            rows.append({"noise": kind, "loss": loss, **row})
    return rows


def confirmation(rounds: int) -> Rows:
    """Compare rules that could stand for rule 6 by what they keep in the end."""
    bound = 1.0 - RULES.epsilon
    rules: Mapping[str, Callable[[Any, Any], bool]] = {
        "none: the screening decides": lambda _alone, _both: True,
        "both together below 1 - epsilon": lambda _alone, both: both.high < bound,
        "alone: its estimate below 1 - epsilon": lambda alone, _both: alone.value < bound,
        "alone: its interval below 1 - epsilon": lambda alone, _both: alone.high < bound,
        "alone: below 1; together: below 1 - epsilon (rule 6)": lambda alone, both: (
            alone.high < 1 and both.high < bound
        ),
    }
    rows = []
    for kind in TELLING:
        for gain in (0.0, 0.005, 0.01, 0.015, 0.02, 0.03):
            machine = Machine(KINDS[kind])
            kept = dict.fromkeys(rules, 0)
            for _ in range(rounds):
                first, second = (_compared(machine.evidence(1.0 - gain)) for _ in range(2))
                if first.overall().high >= bound:
                    continue
                alone, both = second.overall(), first.joined(second).overall()
                for name, rule in rules.items():
                    kept[name] += rule(alone, both)
            shares = {name: share(count, rounds) for name, count in kept.items()}
            rows.append({"noise": kind, "gain": gain, "rounds": rounds, "kept": shares})
    return rows


def clocks(rounds: int) -> Rows:
    """Count how often two clocks stop an honest candidate, and one that hides work from the judging one."""
    one_workload: Floats = np.zeros(Schedule().workloads)
    one_workload[3] = 0.5
    cases: Mapping[str, tuple[float, Floats | float, float]] = {
        "honest gain of 2 %, other clock 2 % noisier": (0.98, 0.0, 0.02),
        "honest gain of 3 %, other clock 2 % noisier": (0.97, 0.0, 0.02),
        "honest gain of 3 %, other clock 10 % noisier": (0.97, 0.0, 0.10),
        "no gain, 3 % of the work hidden": (1.0, 0.03, 0.02),
        "no gain, 5 % of the work hidden": (1.0, 0.05, 0.02),
        "no gain, 50 % of the work hidden": (1.0, 0.5, 0.02),
        "no gain, half of one workload hidden": (1.0, one_workload, 0.02),
        "no gain, 5 % hidden, other clock 10 % noisier": (1.0, 0.05, 0.10),
        "slower by 10 %, 20 % of the work hidden": (1.1, 0.2, 0.02),
    }
    rows = []
    for name, (candidate, hidden, second) in cases.items():
        machine = Machine(SHARED_CORE, second=second)
        row = tally(partial(machine.trial, candidate, hidden=hidden), rounds)
        rows.append({"case": name, **row})
    return rows


def schedules(rounds: int) -> Rows:
    """Count what fewer pairs, workloads or blocks cost on the shared core."""
    rows = []
    for shape in ((4, 12, 2), (4, 12, 4), (8, 3, 2), (8, 3, 4), (8, 12, 2), (8, 12, 4), (16, 12, 2)):
        for gain in (0.0, 0.02, 0.03, 0.05):
            machine = Machine(SHARED_CORE, Schedule(*shape))
            row = tally(partial(machine.trial, 1.0 - gain), rounds)
            rows.append(dict(zip(("pairs", "workloads", "blocks"), shape, strict=True)) | {"gain": gain, **row})
    return rows


def early_end(rounds: int) -> Rows:
    """Count the pairs that an early end saves and the gains that it loses."""
    rows = []
    for gain in (-0.05, 0.0, 0.01, 0.015, 0.02, 0.03):
        machine = Machine(SHARED_CORE)
        spent, lost, agreed = [], 0, 0
        for _ in range(rounds):
            evidence = machine.evidence(1.0 - gain)
            whole = gate.judge(evidence, SAME_LINES).decision
            ends = [pairs for pairs in range(RULES.least_pairs, 8) if gate.hopeless(_first(evidence, pairs))]
            spent.append(ends[0] if ends else 8)
            lost += bool(ends) and whole is Decision.KEEP
            agreed += bool(ends) and gate.judge(_first(evidence, ends[0]), SAME_LINES).decision is Decision.REVERT
        ended = sum(pairs < 8 for pairs in spent)
        rows.append(
            {
                "gain": gain,
                "rounds": rounds,
                "ended": share(ended, rounds),
                "pairs": float(np.mean(spent)),
                "lost": share(lost, rounds),
                "said revert": share(agreed, ended) if ended else None,
            }
        )
    return rows


def uneven_load(rounds: int) -> Rows:
    """Count how often a load that slows the champion down more than the candidate passes for a gain."""
    rows = []
    for champion, candidate in ((1.2, 1.1), (1.5, 1.3), (2.0, 1.5), (3.0, 2.0)):
        for stays in (False, True):
            machine = Machine(Noise())
            row = tally(partial(_loaded_trial, machine, champion, candidate, stays=stays), rounds)
            rows.append({"champion": champion, "candidate": candidate, "stays": stays, **row})
    return rows


EXPERIMENTS: Mapping[str, Callable[[int], Rows]] = {
    "false_keeps": false_keeps,
    "power": power,
    "guard": guard,
    "simplification": simplification,
    "confirmation": confirmation,
    "clocks": clocks,
    "schedules": schedules,
    "early_end": early_end,
    "uneven_load": uneven_load,
}


def _compared(evidence: Evidence) -> Comparison:
    return Comparison.of(evidence.times[Arm.CANDIDATE], evidence.times[Arm.CHAMPION])


def _first(evidence: Evidence, pairs: int) -> Evidence:
    """Return the evidence as it stood after its first pairs."""
    return Evidence({arm: {w: p[:pairs] for w, p in times.items()} for arm, times in evidence.times.items()})


def _loaded_trial(machine: Machine, champion: float, candidate: float, *, stays: bool) -> tuple[Judgement, Judgement]:
    """Return a trial of a change that changes nothing: a load comes after one of the pairs of the screening.

    It stays until the screening's end, and has gone by the confirmation or lasts all through it.
    """
    pairs = machine.schedule.pairs
    screening = _loaded(machine.evidence(1.0), int(machine.draw.integers(1, pairs)), champion, candidate)
    first = gate.judge(screening, SAME_LINES)
    if first.decision is not Decision.KEEP:
        return first, first
    again = _loaded(machine.evidence(1.0, 1.25), 0 if stays else pairs, champion, candidate)
    return first, gate.confirm(screening, again, SAME_LINES)


def _loaded(evidence: Evidence, begin: int, champion: float, candidate: float) -> Evidence:
    """Return the evidence with the times from one pair on multiplied, those of other arms than the two left alone."""
    slower = {Arm.CANDIDATE: candidate, Arm.CHAMPION: champion}
    return Evidence(
        {
            arm: {
                workload: [
                    [t * (slower.get(arm, 1.0) if i >= begin else 1.0) for t in blocks]
                    for i, blocks in enumerate(pairs)
                ]
                for workload, pairs in times.items()
            }
            for arm, times in evidence.times.items()
        }
    )
