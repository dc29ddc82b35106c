"""Each rule of the gate decides where it should, and nothing but a shown gain, or fewer lines at no cost, is kept."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lar import gate, stats
from lar.contracts import Arm, Decision, Evidence, Exit, Judgement, Times
from lar.gate import RULES, confirm, hopeless, judge

FIXED = settings(derandomize=True, deadline=None, max_examples=25)
SAME = (100, 100)
FEWER = (90, 100)
PAIRS, WORKLOADS, BLOCKS = 8, 6, 2
# What pairs differ by: mean 0, standard deviation 1, so that figures and intervals of exact evidence are known.
SHAPE = np.array([-1.5, 1.0, -0.5, 0.5, 1.5, -1.0, 0.75, -0.75])
SHAPE /= np.std(SHAPE, ddof=1)
HALF_WIDTH = stats.student_t_quantile(0.95, PAIRS - 1) / math.sqrt(PAIRS)
"""Half of a 90 % interval, in standard deviations of pairs."""

Level = float | Sequence[float]


def exact(level: Level = 1.0, spread: float = 0.003) -> Times:
    """Return times over the champion's whose logarithms differ between pairs by exactly `spread`."""
    levels = np.broadcast_to(level, WORKLOADS)
    table = levels[:, None, None] * np.exp(spread * SHAPE)[None, :, None] * np.ones(BLOCKS)
    return {f"w{number}": pairs.tolist() for number, pairs in enumerate(table)}


def evidence(
    level: Level = 1.0, spread: float = 0.003, *, other: Level | None = None, baseline: Level | None = None
) -> Evidence:
    """Return evidence of exactly these ratios, and where given by the other clock, and of champion over baseline."""
    arms = {Arm.CANDIDATE: exact(level, spread), Arm.CHAMPION: exact(1.0, 0.0)}
    clock = {} if other is None else {Arm.CANDIDATE: exact(other, spread), Arm.CHAMPION: exact(1.0, 0.0)}
    if baseline is not None:
        arms[Arm.BASELINE] = exact([1.0 / ratio for ratio in np.broadcast_to(baseline, WORKLOADS)], 0.0)
        if other is not None:
            clock[Arm.BASELINE] = arms[Arm.BASELINE]
    return Evidence(arms, clock)


def noisy(seed: int, level: Level = 1.0, pair: float = 0.005, block: float = 0.02) -> Evidence:
    """Return evidence as a machine gives it."""
    draw = np.random.default_rng(seed)
    sizes = np.geomspace(1e3, 1e6, WORKLOADS)
    drift = np.cumsum(draw.normal(0, 0.005, (PAIRS, WORKLOADS, BLOCKS)).reshape(-1)).reshape(PAIRS, WORKLOADS, BLOCKS)
    arms = {}
    for arm, levels in ((Arm.CANDIDATE, level), (Arm.CHAMPION, 1.0)):
        logs = drift.transpose(1, 0, 2) + draw.normal(0, pair / math.sqrt(2), (1, PAIRS, 1))
        logs = logs + draw.normal(0, block, logs.shape)
        table = (sizes * np.broadcast_to(levels, WORKLOADS))[:, None, None] * np.exp(logs)
        arms[arm] = {f"w{number}": pairs.tolist() for number, pairs in enumerate(table)}
    return Evidence(arms)


def at(upper: float, spread: float = 0.003) -> float:
    """Return the level whose interval ends at `upper`."""
    return upper * math.exp(-HALF_WIDTH * spread)


def one_workload(level: float, rest: float) -> list[float]:
    """Return levels of which the last workload's is `level`."""
    return [rest] * (WORKLOADS - 1) + [level]


def ends(judgement: Judgement) -> tuple[Decision, str]:
    return judgement.decision, judgement.rule


# Rules 2 and 3


def test_a_gain_shown_with_confidence_is_kept() -> None:
    found = judge(evidence(0.962), SAME)
    assert ends(found) == (Decision.KEEP, "faster")
    assert found.decision.exit_code is Exit.DONE
    assert found.reason == "0.962 [0.960, 0.964] of the champion's time: faster by more than 1% with confidence"
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(0.962)
    assert found.ratio.high == pytest.approx(0.962 * math.exp(HALF_WIDTH * 0.003))
    assert not found.remedy


def test_it_is_the_upper_end_that_must_be_below_one_minus_epsilon() -> None:
    assert judge(evidence(at(0.9899)), SAME).decision is Decision.KEEP
    found = judge(evidence(at(0.9901)), SAME)
    assert ends(found) == (Decision.REVERT, "sight")
    assert found.decision.exit_code is Exit.NOT_KEPT
    assert found.ratio is not None
    assert found.ratio.value < 0.99


def test_workloads_of_any_size_weigh_the_same() -> None:
    levels = [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    sizes = [1.0, 1e9, 1e3, 1e6, 1e3, 1e3]
    grown = {
        arm: {w: [[s * t for t in b] for b in times[w]] for w, s in zip(times, sizes, strict=True)}
        for arm, times in evidence(levels).times.items()
    }
    assert judge(Evidence(grown), SAME) == judge(evidence(levels), SAME)


def test_interleaving_keeps_what_a_drift_would_hide() -> None:
    """The machine slows down by 40 % while the trial runs; the ratio of neighbours does not see it."""
    found = evidence(0.95)
    slowing = np.linspace(1.0, 1.4, PAIRS)
    drifting = {
        arm: {w: [[t * slowing[i] for t in b] for i, b in enumerate(p)] for w, p in times.items()}
        for arm, times in found.times.items()
    }
    assert judge(Evidence(drifting), SAME).ratio == judge(found, SAME).ratio
    assert judge(Evidence(drifting), SAME).decision is Decision.KEEP


# Rule 4


def test_a_gain_does_not_buy_a_loss_on_one_workload() -> None:
    found = judge(evidence(one_workload(1.08, 0.9)), SAME)
    assert ends(found) == (Decision.REVERT, "guard")
    assert found.reason.startswith("w5, 1.080 [1.078, 1.082] of the champion's time: slower by 5% or more")
    assert found.ratio is not None
    assert found.ratio.high < 0.95
    assert judge(evidence(one_workload(1.04, 0.9)), SAME).decision is Decision.KEEP


def _one_noisy(level: float, spread: float) -> Evidence:
    """Return evidence of a gain of 10 %, save on one workload that is measured less exactly."""
    calm = evidence(0.9)
    candidate = {**calm.times[Arm.CANDIDATE], "w5": exact(level, spread)["w5"]}
    return Evidence({**calm.times, Arm.CANDIDATE: candidate})


def test_the_guard_is_corrected_for_the_number_of_workloads() -> None:
    """At two percent by itself the loss is beyond the bound with confidence, among six workloads it is not."""
    degrees = PAIRS - 1
    level = 1.05 * math.exp(stats.student_t_quantile(0.98, degrees) * 0.01 / math.sqrt(PAIRS))
    found = judge(_one_noisy(level, 0.01), SAME)
    assert found.workloads[5].p_slower == pytest.approx(6 * 0.02)
    assert ends(found) == (Decision.INCONCLUSIVE, "guard")
    level = 1.05 * math.exp(stats.student_t_quantile(0.992, degrees) * 0.01 / math.sqrt(PAIRS))
    found = judge(_one_noisy(level, 0.01), SAME)
    assert found.workloads[5].p_slower == pytest.approx(6 * 0.008)
    assert ends(found) == (Decision.REVERT, "guard")


def test_a_loss_that_is_one_by_estimate_alone_is_not_kept_unless_it_may_be_none() -> None:
    assert ends(judge(_one_noisy(1.055, 0.03), SAME)) == (Decision.INCONCLUSIVE, "guard")
    assert judge(_one_noisy(1.055, 0.1), SAME).decision is Decision.KEEP
    assert judge(_one_noisy(1.045, 0.01), SAME).decision is Decision.KEEP


def test_the_guard_finds_a_loss_that_another_workload_s_larger_but_vaguer_one_hides() -> None:
    vague = _one_noisy(1.3, 0.6)
    candidate = {**vague.times[Arm.CANDIDATE], "w2": exact(1.055, 0.02)["w2"]}
    found = judge(Evidence({**vague.times, Arm.CANDIDATE: candidate}), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "guard")
    assert found.reason.startswith("w2")


def test_the_confirmation_guards_against_the_baseline_too() -> None:
    """A champion that has lost 4 % on a workload by and by, and a candidate that loses 4 % more there."""
    levels = one_workload(1.04, 0.9)
    screening = evidence(levels)
    lost = one_workload(1.04, 0.6)
    found = confirm(screening, evidence(levels, baseline=lost), SAME)
    assert ends(found) == (Decision.REVERT, "guard")
    assert "w5, 1.082" in found.reason
    assert "baseline" in found.reason
    assert confirm(screening, evidence(levels, baseline=one_workload(1.0, 0.6)), SAME).decision is Decision.KEEP


# Rule 5


def test_fewer_lines_win_within_noise() -> None:
    found = judge(evidence(1.001), FEWER)
    assert ends(found) == (Decision.KEEP, "simpler")
    assert found.reason.endswith("within noise, and 90 lines of code instead of 100")
    assert judge(evidence(1.001), SAME).decision is Decision.REVERT
    assert judge(evidence(1.001), (110, 100)).decision is Decision.REVERT


def test_a_simplification_costs_less_than_epsilon_with_confidence() -> None:
    assert judge(evidence(at(1.0099, 0.01), 0.01), FEWER).decision is Decision.KEEP
    assert judge(evidence(at(1.0101, 0.01), 0.01), FEWER).decision is Decision.REVERT


def test_a_simplification_that_is_slower_with_confidence_is_not_within_noise() -> None:
    assert ends(judge(evidence(1.005, 0.003), FEWER)) == (Decision.REVERT, "sight")


def test_a_faster_candidate_is_kept_as_that_however_many_lines_it_has() -> None:
    assert ends(judge(evidence(0.95), FEWER)) == (Decision.KEEP, "faster")
    assert ends(judge(evidence(0.95), (500, 100))) == (Decision.KEEP, "faster")


# Rule 6


def test_a_gain_is_kept_that_fresh_seeds_confirm() -> None:
    found = confirm(evidence(0.97), evidence(0.975, baseline=0.9), SAME)
    assert ends(found) == (Decision.KEEP, "faster")
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(math.sqrt(0.97 * 0.975))
    assert [one.against for one in found.workloads] == [Arm.CHAMPION] * WORKLOADS + [Arm.BASELINE] * WORKLOADS


def test_a_gain_that_fresh_seeds_do_not_show_was_luck() -> None:
    """Both stages together still show it; the first was chosen for its luck."""
    found = confirm(evidence(0.95), evidence(1.0), SAME)
    assert ends(found) == (Decision.REVERT, "confirmed")
    assert found.ratio is not None
    assert found.ratio.high < 1 - RULES.epsilon
    assert "1.000 [0.998, 1.002] on fresh seeds" in found.reason


def test_by_itself_the_confirmation_shows_any_gain_and_with_the_screening_the_whole_one() -> None:
    assert confirm(evidence(0.97), evidence(at(0.998)), SAME).decision is Decision.KEEP
    assert confirm(evidence(0.97), evidence(at(1.001)), SAME).decision is Decision.REVERT
    assert confirm(evidence(0.986), evidence(at(0.998)), SAME).decision is Decision.REVERT


def test_a_confirmation_that_saw_too_little_decides_nothing() -> None:
    found = confirm(evidence(0.95), evidence(0.98, spread=0.05), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "confirmed")
    assert "pairs" in found.remedy


def test_a_simplification_is_confirmed_too() -> None:
    assert ends(confirm(evidence(1.001), evidence(1.001), FEWER)) == (Decision.KEEP, "simpler")
    assert ends(confirm(evidence(1.001), evidence(1.021), FEWER)) == (Decision.REVERT, "confirmed")
    # Half as much luck again in the confirmation, and both together are slower with confidence.
    assert ends(confirm(evidence(1.0015), evidence(1.006), FEWER)) == (Decision.REVERT, "confirmed")


def test_a_simplification_that_seemed_a_gain_is_kept_for_its_lines() -> None:
    assert ends(confirm(evidence(0.985), evidence(at(1.005)), FEWER)) == (Decision.KEEP, "simpler")


def test_what_the_screening_did_not_keep_no_confirmation_keeps() -> None:
    screening = evidence(1.0)
    assert confirm(screening, evidence(0.5), SAME) == judge(screening, SAME)


def test_a_confirmation_fails_closed() -> None:
    good = evidence(0.95)
    fewer = Evidence({arm: {w: p for w, p in times.items() if w != "w0"} for arm, times in good.times.items()})
    one_clock, two_clocks = evidence(0.95), evidence(0.95, other=0.95)
    for screening, confirmation, reason in (
        (good, Evidence({}), "confirmation: the candidate"),
        (good, fewer, "different workloads"),
        (two_clocks, one_clock, "both clocks"),
        (one_clock, two_clocks, "both clocks"),
        (good, replace(good, blocks=100, discarded=50), "confirmation: 50 of 100"),
    ):
        found = confirm(screening, confirmation, SAME)
        assert ends(found) == (Decision.INCONCLUSIVE, "complete")
        assert reason in found.reason
        assert found.remedy


# Rule 7


def test_the_other_clock_shows_at_least_half_of_the_gain() -> None:
    half = math.sqrt(0.9)
    assert judge(evidence(0.9, other=0.9), SAME).decision is Decision.KEEP
    assert judge(evidence(0.9, other=half - 0.001), SAME).decision is Decision.KEEP
    found = judge(evidence(0.9, other=half + 0.001), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "clocks")
    assert "wall and CPU time disagree: 0.900 [0.898, 0.902] by the clock that judges, 0.950" in found.reason
    assert "child processes" in found.remedy
    assert judge(evidence(0.9, other=1.1), SAME).rule == "clocks"
    assert judge(evidence(0.9, other=0.7), SAME).decision is Decision.KEEP


def test_work_hidden_on_one_workload_shows_on_the_other_clock() -> None:
    found = judge(evidence(one_workload(0.5, 1.0), other=1.0), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "clocks")


def test_the_other_clock_sees_a_loss_on_one_workload() -> None:
    found = judge(evidence(0.9, other=one_workload(1.2, 0.85)), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "clocks")
    assert "w5, 1.200" in found.reason


def test_a_simplification_costs_nothing_by_the_other_clock_either() -> None:
    assert judge(evidence(1.0, other=1.008), FEWER).decision is Decision.KEEP
    assert judge(evidence(1.0, other=1.012), FEWER).rule == "clocks"


def test_clocks_are_compared_over_both_stages() -> None:
    both = evidence(0.9, other=0.9)
    assert confirm(both, both, SAME).decision is Decision.KEEP
    assert confirm(both, evidence(0.9, other=1.05), SAME).rule == "clocks"


def test_a_candidate_that_is_not_kept_needs_no_second_clock() -> None:
    assert judge(evidence(1.05, other=0.5), SAME).rule == "sight"


# Rule 8; the rest of it is in test_soundness.py


def test_evidence_that_cannot_be_judged_is_inconclusive() -> None:
    found = judge(Evidence({Arm.CANDIDATE: exact(0.5)}), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "complete")
    assert found.decision.exit_code is Exit.INCONCLUSIVE
    assert "champion was not measured" in found.reason


@FIXED
@given(
    st.sampled_from([Arm.CANDIDATE, Arm.CHAMPION]),
    st.sampled_from(["times", "other"]),
    st.integers(0, WORKLOADS - 1),
    st.integers(0, PAIRS - 1),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, None, "drop", "more", "no pair", "no workload"]),
)
def test_anything_wrong_anywhere_is_inconclusive(
    arm: Arm, clock: str, workload: int, pair: int, wrong: float | str | None
) -> None:
    good = evidence(0.5, other=0.5)
    assert judge(good, SAME).decision is Decision.KEEP
    name = f"w{workload}"
    both = {"times": good.times, "other": good.other}
    table: dict[str, list[list[Any]]] = {w: [list(b) for b in pairs] for w, pairs in both[clock][arm].items()}
    if wrong == "drop":
        table[name][pair].pop()
    elif wrong == "more":
        table[name][pair].append(1.0)
    elif wrong == "no pair":
        table[name].pop(pair)
    elif wrong == "no workload":
        table.pop(name)
    else:
        table[name][pair][0] = wrong
    both[clock] = {**both[clock], arm: table}
    bad = Evidence(both["times"], both["other"])
    for found in (judge(bad, SAME), judge(bad, FEWER), confirm(good, bad, SAME), confirm(bad, good, SAME)):
        assert ends(found) == (Decision.INCONCLUSIVE, "complete")
        assert found.remedy
    assert not hopeless(bad)


@pytest.mark.parametrize("begin", range(1, PAIRS))
def test_a_load_that_comes_in_mid_trial_does_not_make_a_gain(begin: int) -> None:
    """It slows the champion down to a third and the candidate to a half of its speed."""
    calm = evidence(1.0)
    slower = {Arm.CANDIDATE: 2.0, Arm.CHAMPION: 3.0}
    loaded = {
        arm: {w: [[t * (slower[arm] if i >= begin else 1.0) for t in b] for i, b in enumerate(p)] for w, p in t.items()}
        for arm, t in calm.times.items()
    }
    assert judge(Evidence(loaded), SAME).decision in {Decision.INCONCLUSIVE, Decision.REVERT}


# Rule 9


def test_a_trial_that_saw_too_little_says_how_many_pairs_it_needs() -> None:
    found = judge(evidence(0.99, spread=0.04), SAME)
    assert ends(found) == (Decision.INCONCLUSIVE, "sight")
    assert found.detectable is not None
    assert found.detectable > RULES.sight
    match = re.search(r"about (\d+) pairs instead of 8", found.remedy)
    assert match
    needed = int(match[1])
    # With so many the interval is narrow enough to find a gain of 3 % in four of five trials.
    reach = stats.student_t_quantile(0.95, PAIRS - 1) + stats.student_t_quantile(0.8, PAIRS - 1)
    gains = [-math.log(0.99) + reach * 0.04 / math.sqrt(n) for n in (needed - 1, needed)]
    assert gains[0] > -math.log(0.97) > gains[1]


def test_a_wide_trial_still_tells_a_slow_candidate() -> None:
    assert ends(judge(evidence(1.05, spread=0.04), SAME)) == (Decision.REVERT, "sight")
    assert judge(evidence(1.05, spread=0.04), SAME).reason.endswith("slower with confidence")
    assert judge(evidence(1.0), SAME).reason.endswith("with confidence no gain of 1%")
    assert ends(judge(evidence(1.02, spread=0.04), SAME)) == (Decision.REVERT, "sight")


def test_the_detectable_gain_is_found_in_four_of_five_trials() -> None:
    gain = np.median([judge(noisy(seed), SAME).detectable for seed in range(20)])
    kept = [judge(noisy(100 + seed, 1 - float(gain)), SAME).decision is Decision.KEEP for seed in range(150)]
    assert np.mean(kept) == pytest.approx(0.8, abs=0.12)


def test_a_hopeless_trial_may_end_and_is_reverted() -> None:
    for level in (1.0, 1.05, 2.0):
        assert hopeless(evidence(level))
        assert judge(evidence(level), SAME).decision is Decision.REVERT
    half = stats.student_t_quantile(0.995, PAIRS - 1) / math.sqrt(PAIRS) * 0.003
    assert hopeless(evidence(0.9901 * math.exp(half)))
    assert not hopeless(evidence(0.9899 * math.exp(half)))
    assert not hopeless(evidence(0.95))
    assert not hopeless(evidence(1.0, spread=0.05))


@FIXED
@given(st.integers(0, 2**32), st.floats(0.95, 1.1), st.floats(0.0, 0.02))
def test_what_is_hopeless_is_never_kept(seed: int, level: float, pair: float) -> None:
    found = noisy(seed, level, pair=pair)
    if hopeless(found):
        assert judge(found, SAME).decision is Decision.REVERT


# The whole


@FIXED
@given(st.integers(0, 2**32), st.floats(0.9, 1.1), st.floats(1e-6, 1e6))
def test_the_unit_of_time_decides_nothing(seed: int, level: float, factor: float) -> None:
    found = noisy(seed, level)
    scaled = Evidence(
        {arm: {w: [[factor * t for t in b] for b in p] for w, p in times.items()} for arm, times in found.times.items()}
    )
    for lines in (SAME, FEWER):
        assert ends(judge(scaled, lines)) == ends(judge(found, lines))


@FIXED
@given(st.integers(0, 2**32), st.floats(0.9, 1.1), st.permutations(range(WORKLOADS)))
def test_the_order_of_workloads_decides_nothing(seed: int, level: float, order: list[int]) -> None:
    found = noisy(seed, level)
    mixed = judge(Evidence({arm: {f"w{i}": t[f"w{i}"] for i in order} for arm, t in found.times.items()}), SAME)
    plain = judge(found, SAME)
    assert [one.workload for one in mixed.workloads] == [f"w{i}" for i in order]
    assert replace(mixed, workloads=()) == replace(plain, workloads=())
    assert set(mixed.workloads) == set(plain.workloads)


@FIXED
@given(st.integers(0, 2**32), st.floats(0.9, 1.1))
def test_exchanging_candidate_and_champion_inverts_the_ratio(seed: int, level: float) -> None:
    found = noisy(seed, level)
    swapped = Evidence({Arm.CANDIDATE: found.times[Arm.CHAMPION], Arm.CHAMPION: found.times[Arm.CANDIDATE]})
    there, back = judge(found, SAME), judge(swapped, SAME)
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio.value == pytest.approx(1 / back.ratio.value)
    assert (there.ratio.low, there.ratio.high) == pytest.approx((1 / back.ratio.high, 1 / back.ratio.low))
    assert there.decision is not Decision.KEEP or back.decision is not Decision.KEEP


@FIXED
@given(
    st.integers(0, 2**32),
    st.floats(0.95, 1.0),
    st.lists(st.floats(0.5, 1.0), min_size=WORKLOADS, max_size=WORKLOADS),
    st.sampled_from([SAME, FEWER]),
)
def test_what_is_kept_is_kept_if_it_is_faster_still(
    seed: int, level: float, better: list[float], lines: tuple[int, int]
) -> None:
    found = noisy(seed, level)
    candidate = found.times[Arm.CANDIDATE]
    improved = {w: [[c * t for t in b] for b in candidate[w]] for w, c in zip(candidate, better, strict=True)}
    if judge(found, lines).decision is Decision.KEEP:
        assert judge(Evidence({**found.times, Arm.CANDIDATE: improved}), lines).decision is Decision.KEEP


def test_every_judgement_on_sound_evidence_has_its_figures() -> None:
    for level in (0.5, 0.985, 1.0, 1.3, one_workload(1.2, 0.9)):
        found = judge(evidence(level), SAME)
        assert [one.workload for one in found.workloads] == [f"w{number}" for number in range(WORKLOADS)]
        for one, expected in zip(found.workloads, np.broadcast_to(level, WORKLOADS), strict=True):
            assert one.ratio.value == pytest.approx(expected)
            assert one.ratio.low < one.ratio.value < one.ratio.high
            assert 0.0 <= one.p_slower <= 1.0
        assert found.ratio is not None
        assert found.detectable is not None
        assert f"*{found.rule}*" in (gate.__doc__ or "")


def test_a_change_that_changes_nothing_is_not_kept() -> None:
    """The rates under all kinds of noise are measured in bench/gate; this is a watch on them."""
    kept = 0
    for seed in range(150):
        screening = noisy(seed, pair=0.02)
        kept += confirm(screening, noisy(10_000 + seed, pair=0.02), SAME).decision is Decision.KEEP
    assert kept <= 2
    found = [judge(noisy(seed, 0.96), SAME).decision is Decision.KEEP for seed in range(50)]
    assert sum(found) >= 48
