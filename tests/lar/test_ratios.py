"""Ratios of neighbouring blocks: what both arms share cancels, what hits one of them does not carry the figure away."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lar import stats
from lar.contracts import Times
from lar.ratios import Comparison, interquartile_mean

FIXED = settings(derandomize=True, deadline=None, max_examples=40)


def _times(array: stats.Floats) -> Times:
    """Return times of (workloads, pairs, blocks) under the names w0, w1, ..."""
    return {f"w{number}": table.tolist() for number, table in enumerate(array)}


def _noisy(seed: int, ratio: float = 1.0, block: float = 0.02, pair: float = 0.005) -> tuple[Times, Times]:
    """Return candidate and champion on six workloads in eight pairs of four blocks."""
    draw = np.random.default_rng(seed)
    shape, sizes = (6, 8, 4), np.geomspace(1, 30, 6)[:, None, None]
    effects = draw.normal(0, pair, (2, 1, 8, 1)) / math.sqrt(2) + draw.normal(0, block, (2, *shape))
    return _times(ratio * sizes * np.exp(effects[0])), _times(sizes * np.exp(effects[1]))


def test_an_exact_ratio_is_found_exactly() -> None:
    champion = {"small": [[1.0, 2.0], [3.0], [1.5, 1.5, 1.5]], "large": [[1e6], [2e6, 2e6], [3e6]]}
    candidate = {name: [[0.9 * t for t in blocks] for blocks in pairs] for name, pairs in champion.items()}
    compared = Comparison.of(candidate, champion)
    assert compared.pairs == 3
    assert compared.shape == {"small": (2, 1, 3), "large": (1, 2, 1)}
    for interval in (compared.overall(), *compared.each().values()):
        assert (interval.value, interval.low, interval.high) == pytest.approx((0.9, 0.9, 0.9))


def test_the_figure_is_the_geometric_mean_over_workloads_and_each_has_its_own() -> None:
    effects = np.array([-0.01, 0.0, 0.01, 0.0])
    champion = _times(np.ones((2, 4, 2)))
    candidate = _times(np.array([0.5, 0.9])[:, None, None] * np.exp(effects)[None, :, None] * np.ones((2, 4, 2)))
    compared = Comparison.of(candidate, champion)
    half = stats.student_t_quantile(0.95, 3) * np.std(effects, ddof=1) / 2
    each = compared.each()
    for interval, value in ((compared.overall(), math.sqrt(0.45)), (each["w0"], 0.5), (each["w1"], 0.9)):
        assert interval.value == pytest.approx(value)
        assert interval.low == pytest.approx(value * math.exp(-half))
        assert interval.high == pytest.approx(value * math.exp(half))


def test_the_pair_is_the_sampling_unit() -> None:
    """A thousand blocks in each of four pairs say no more of the pairs than one in each."""
    effects = np.array([1.0, 1.02, 1.04, 1.06])[None, :, None]
    few, many = (Comparison.of(_times(effects * np.ones((1, 4, n))), _times(np.ones((1, 4, n)))) for n in (1, 1000))
    assert many.overall().low == pytest.approx(few.overall().low)
    assert many.overall().high == pytest.approx(few.overall().high)


def test_drift_that_both_share_cancels() -> None:
    draw = np.random.default_rng(6)
    drift = np.exp(np.cumsum(draw.normal(0, 0.05, (3, 8, 12)), axis=2))
    champion = _times(drift * np.exp(draw.normal(0, 0.002, drift.shape)))
    candidate = _times(0.97 * drift * np.exp(draw.normal(0, 0.002, drift.shape)))
    interval = Comparison.of(candidate, champion).overall()
    assert interval.low < 0.97 < interval.high < 0.975
    unpaired = stats.geomean_interval(candidate)
    assert math.log(unpaired.high / unpaired.low) > 10 * math.log(interval.high / interval.low)


def test_bursts_on_a_tenth_of_the_blocks_hardly_widen_the_interval() -> None:
    calm, struck = [], []
    for seed in range(20):
        candidate, champion = _noisy(seed)
        calm.append(Comparison.of(candidate, champion).overall())
        draw = np.random.default_rng(1000 + seed)
        for arm in (candidate, champion):
            for pairs in arm.values():
                for blocks in pairs:
                    blocks[:] = [2 * t if draw.random() < 0.1 else t for t in blocks]  # type: ignore[index] # a list
        struck.append(Comparison.of(candidate, champion).overall())
    widths = [np.mean([math.log(one.high / one.low) for one in intervals]) for intervals in (calm, struck)]
    assert widths[1] < 1.6 * widths[0]
    assert max(abs(math.log(one.value)) for one in struck) < 0.02


@pytest.mark.parametrize("pair", [0.0, 0.005])
def test_a_90_percent_interval_covers_as_it_says(pair: float) -> None:
    intervals = [Comparison.of(*_noisy(seed, 0.95, pair=pair)).overall() for seed in range(400)]
    assert np.mean([one.high < 0.95 for one in intervals]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([one.low > 0.95 for one in intervals]) == pytest.approx(0.05, abs=0.03)


@FIXED
@given(st.integers(0, 2**32), st.floats(0.5, 2.0))
def test_exchanging_the_arms_inverts_every_figure(seed: int, ratio: float) -> None:
    candidate, champion = _noisy(seed, ratio)
    there, back = Comparison.of(candidate, champion), Comparison.of(champion, candidate)
    names = list(there.each())
    for one, other in [(there.overall(), back.overall()), *((there.each()[n], back.each()[n]) for n in names)]:
        assert one.value == pytest.approx(1 / other.value, rel=1e-12)
        assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low), rel=1e-12)


@FIXED
@given(st.integers(0, 2**32), st.permutations(range(6)))
def test_the_order_of_workloads_does_not_move_the_last_bit(seed: int, order: list[int]) -> None:
    candidate, champion = _noisy(seed)
    there = Comparison.of(candidate, champion)
    back = Comparison.of({f"w{i}": candidate[f"w{i}"] for i in order}, {f"w{i}": champion[f"w{i}"] for i in order})
    assert there.overall() == back.overall()
    assert there.each() == back.each()
    assert there.p_slower(1.05) == back.p_slower(1.05)


def test_workloads_are_matched_by_name_and_reported_in_the_order_of_the_other_arm() -> None:
    champion = {"b": [[2.0], [2.0]], "a": [[1.0], [1.0]]}
    candidate = {"a": [[3.0], [3.0]], "b": [[2.0], [2.0]]}
    each = Comparison.of(candidate, champion).each()
    assert list(each) == ["b", "a"]
    assert [one.value for one in each.values()] == pytest.approx([1.0, 3.0])


def test_p_slower_is_small_beyond_the_bound_and_corrected_for_the_number_of_workloads() -> None:
    effects = np.exp(0.01 * np.array([-1.0, 0.0, 1.0, 0.0]))
    pairs = {"over": 1.08 * effects, "at": 1.05 * effects, "under": 0.9 * effects}
    champion = {name: [[1.0]] * 4 for name in pairs}
    p = Comparison.of({name: values[:, None].tolist() for name, values in pairs.items()}, champion).p_slower(1.05)
    alone = stats.excess_p_value(list(pairs["over"][:, None]), 1.05)
    assert p["over"] == pytest.approx(3 * alone)
    assert p["over"] < 0.05 < p["at"]
    assert p["under"] > 0.9


def test_joined_comparisons_have_the_pairs_of_both() -> None:
    first, second = Comparison.of(*_noisy(1)), Comparison.of(*_noisy(2))
    both = first.joined(second)
    assert both.pairs == 16
    assert both.shape["w0"] == (4,) * 16
    assert both.overall().high / both.overall().low < first.overall().high / first.overall().low


def test_the_interquartile_mean_spares_the_outer_quarters() -> None:
    assert interquartile_mean(np.array([1e9, 1.0, 3.0, -1e9])) == 2.0
    assert interquartile_mean(np.array([1.0, 2.0, 6.0])) == 3.0
    assert interquartile_mean(np.arange(8.0)) == 3.5


def test_figures_beyond_float64_end_at_its_largest() -> None:
    compared = Comparison.of({"w": [[1e300], [1e-300]]}, {"w": [[1.0], [1.0]]})
    assert math.isfinite(compared.overall().high)


GOOD = {"w": [[1.0, 2.0], [3.0]]}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: Comparison.of(GOOD, {"v": GOOD["w"]}), "workloads are"),
        (lambda: Comparison.of({}, {}), "no pairs"),
        (lambda: Comparison.of({"w": [[1.0]]}, {"w": [[1.0]]}), "at least 2"),
        (lambda: Comparison.of(GOOD | {"v": [[1.0]]}, GOOD | {"v": [[1.0]]}), r"\[1, 2\] pairs"),
        (lambda: Comparison.of(GOOD, {"w": [[1.0], [3.0]]}), "number of pairs or of blocks"),
        (lambda: Comparison.of(GOOD, {"w": [[1.0, 2.0], [math.nan]]}), "not finite"),
        (lambda: Comparison.of(GOOD, {"w": [[1.0, 0.0], [3.0]]}), "not positive"),
        (lambda: Comparison.of({"w": [[1e300], [1.0]]}, {"w": [[1e-300], [1.0]]}), "float64"),
    ],
)
def test_it_fails_closed_and_says_why(call: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()
