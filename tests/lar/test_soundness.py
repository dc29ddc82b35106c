"""Evidence that is not complete, or from a machine that did not hold still, is not judged."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lar.contracts import Arm, Decision, Evidence, Times
from lar.soundness import Limits, fault, lost

LIMITS = Limits()
PAIRS = 8


def _times(speed: list[float] | None = None, level: float = 1.0, pairs: int = PAIRS) -> Times:
    """Return times of two workloads in three blocks a pair, each pair at its own speed of the machine."""
    speeds = speed or [1.0] * pairs
    return {name: [[size * level * s] * 3 for s in speeds] for name, size in (("small", 1.0), ("large", 1e5))}


def _evidence(speed: list[float] | None = None) -> Evidence:
    return Evidence({Arm.CANDIDATE: _times(speed, 0.9), Arm.CHAMPION: _times(speed), Arm.BASELINE: _times(speed, 1.2)})


def _reason(evidence: Evidence, limits: Limits = LIMITS) -> tuple[str, str]:
    found = fault(evidence, limits)
    assert found is not None
    assert found.decision is Decision.INCONCLUSIVE
    assert found.remedy
    return found.rule, found.reason


def test_sound_evidence_has_no_fault() -> None:
    good = _evidence()
    assert fault(good, LIMITS) is None
    assert fault(replace(good, other=good.times, blocks=100, discarded=25), LIMITS) is None
    reordered = {arm: dict(reversed(list(times.items()))) for arm, times in good.times.items()}
    assert fault(Evidence({**good.times, Arm.CANDIDATE: reordered[Arm.CANDIDATE]}), LIMITS) is None


@pytest.mark.parametrize("missing", [Arm.CANDIDATE, Arm.CHAMPION])
def test_candidate_and_champion_must_have_been_measured(missing: Arm) -> None:
    good = _evidence()
    some = {arm: times for arm, times in good.times.items() if arm is not missing}
    assert _reason(Evidence(some)) == ("complete", f"the {missing} was not measured, or not by both clocks")
    assert _reason(replace(good, other=some))[0] == "complete"


def test_every_arm_is_read_by_both_clocks_in_the_same_blocks() -> None:
    good = _evidence()
    without: dict[Arm, Times] = {arm: good.times[arm] for arm in (Arm.CANDIDATE, Arm.CHAMPION)}
    assert "baseline" in _reason(replace(good, other=without))[1]
    shorter = {arm: {w: [b[:2] for b in pairs] for w, pairs in times.items()} for arm, times in good.times.items()}
    assert _reason(replace(good, other=shorter)) == ("complete", "arms or clocks differ in their pairs or blocks")
    renamed = {arm: {w.upper(): pairs for w, pairs in times.items()} for arm, times in good.times.items()}
    assert _reason(replace(good, other=renamed))[0] == "complete"


@pytest.mark.parametrize("arm", list(Arm))
@pytest.mark.parametrize("wrong", [math.nan, math.inf, 0.0, -1.0])
def test_a_time_that_is_none_is_named(arm: Arm, wrong: float) -> None:
    times = {**_evidence().times}
    times[arm] = {**times[arm], "large": [[wrong, 1.0, 1.0], *times[arm]["large"][1:]]}
    rule, reason = _reason(Evidence(times))
    assert rule == "complete"
    assert "large, process 0" in reason


def test_four_pairs_at_least() -> None:
    for pairs, enough in ((2, False), (3, False), (4, True)):
        found = Evidence({Arm.CANDIDATE: _times(pairs=pairs), Arm.CHAMPION: _times(pairs=pairs)})
        assert (fault(found, LIMITS) is None) is enough
        if not enough:
            assert _reason(found) == ("complete", f"{pairs} pairs of processes, expected at least 4")
    one = Evidence({Arm.CANDIDATE: _times(pairs=1), Arm.CHAMPION: _times(pairs=1)})
    assert _reason(one)[0] == "complete"


@pytest.mark.parametrize(("blocks", "discarded"), [(100, 26), (0, 1), (100, -1)])
def test_at_most_a_quarter_of_the_blocks_is_discarded(blocks: int, discarded: int) -> None:
    rule, reason = _reason(replace(_evidence(), blocks=blocks, discarded=discarded))
    assert rule == "complete"
    assert reason.startswith(f"{discarded} of {blocks} blocks")


@pytest.mark.parametrize("begin", range(2, PAIRS - 1))
@pytest.mark.parametrize("factor", [0.7, 1.3, 2.0])
def test_a_load_that_comes_or_goes_is_a_step(begin: int, factor: float) -> None:
    rule, reason = _reason(_evidence([1.0] * begin + [factor] * (PAIRS - begin)))
    assert rule == "steady"
    assert "from one pair of processes to the next" in reason


def test_a_burst_that_lasts_through_one_pair_in_eight_is_spared_and_a_lone_quiet_pair_is_not() -> None:
    for pair in range(PAIRS):
        assert fault(_evidence([2.0 if i == pair else 1.0 for i in range(PAIRS)]), LIMITS) is None
        assert _reason(_evidence([1.0 if i == pair else 2.0 for i in range(PAIRS)]))[0] == "steady"
    assert _reason(_evidence([1.0, 2.0, 1.0, 1.0]))[0] == "steady"
    assert _reason(_evidence([1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]))[0] == "steady"


def test_drift_is_allowed_for_up_to_a_half() -> None:
    for end, allowed in ((0.7, True), (1.14, True), (1.45, True), (1.7, False), (2.5, False)):
        found = _evidence(np.geomspace(1.0, end, PAIRS).tolist())
        assert (fault(found, LIMITS) is None) is allowed
    assert "drifted by 58%" in _reason(_evidence(np.geomspace(1.0, 1.7, PAIRS).tolist()))[1]


def _struck(share: float) -> Evidence:
    """Return evidence in which every so many of the candidate's blocks take twice their time."""
    draw = np.random.default_rng(4)
    good, size = _evidence(), 2 * PAIRS * 3
    factors = iter(draw.permutation([2.0] * round(share * size) + [1.0] * (size - round(share * size))).tolist())
    candidate = {w: [[t * next(factors) for t in b] for b in pairs] for w, pairs in good.times[Arm.CANDIDATE].items()}
    return Evidence({**good.times, Arm.CANDIDATE: candidate})


def test_bursts_are_allowed_on_a_quarter_of_the_ratios() -> None:
    assert fault(_struck(0.2), LIMITS) is None
    rule, reason = _reason(_struck(0.3))
    assert rule == "steady"
    assert reason == "29% of the ratios of neighbouring blocks are off their middle by more than 25%"


def test_a_neighbour_s_bursts_on_single_blocks_are_no_step() -> None:
    """A third of the blocks of both arms, alike: the speed of whole pairs stays."""
    spiky = {
        arm: {w: [[b[0] * 2, *b[1:]] for b in pairs] for w, pairs in times.items()}
        for arm, times in _evidence().times.items()
    }
    assert fault(Evidence(spiky), LIMITS) is None


def test_each_limit_counts() -> None:
    stepped = _evidence([1.0] * 4 + [1.3] * 4)
    assert fault(stepped, replace(LIMITS, most_step=0.35)) is None
    drifted = _evidence(np.geomspace(1.0, 1.7, PAIRS).tolist())
    assert fault(drifted, replace(LIMITS, most_drift=0.7)) is None
    assert fault(_struck(0.3), replace(LIMITS, most_disturbed=0.4)) is None
    assert fault(_struck(0.3), replace(LIMITS, disturbed=1.5)) is None
    assert fault(_evidence(), replace(LIMITS, least_pairs=9)) is not None
    assert fault(replace(_evidence(), blocks=100, discarded=30), replace(LIMITS, most_discarded=0.3)) is None


def test_a_ratio_that_decides_nothing_is_shown() -> None:
    found = fault(replace(_evidence(), blocks=100, discarded=30), LIMITS)
    assert found is not None
    assert found.ratio is not None
    assert found.ratio.low <= found.ratio.value <= found.ratio.high


@pytest.mark.parametrize(
    ("blocks", "discarded", "planned", "expected"),
    [
        (100, 0, 8, False),
        (100, 41, 8, True),  # 59 kept in half of the pairs, so of 159 blocks at the least 41 are discarded
        (100, 40, 8, False),  # 40 of 160
        (100, 26, 4, True),
        (100, 25, 4, False),
    ],
)
def test_a_stage_is_lost_when_what_is_to_come_cannot_save_it(
    blocks: int, discarded: int, planned: int, expected: bool
) -> None:
    one = replace(_evidence(), blocks=blocks, discarded=discarded)
    pairs = len(next(iter(one.times[Arm.CHAMPION].values())))
    assert lost(one, planned * pairs // 4, LIMITS) == expected
