"""Intervals cover what they say, quantiles are those of the tables, and nothing missing turns into a figure."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lar import stats

FIXED = settings(derandomize=True, deadline=None)
TIMES = st.floats(1e-3, 1e12)


@FIXED
@given(st.lists(TIMES, min_size=1, max_size=30))
def test_geometric_mean_lies_between_the_extremes_and_scales(values: list[float]) -> None:
    mean = stats.geometric_mean(values)
    assert min(values) * (1 - 1e-12) <= mean <= max(values) * (1 + 1e-12)
    assert stats.geometric_mean([7 * v for v in values]) == pytest.approx(7 * mean)


def test_geometric_mean_and_median_of_known_values() -> None:
    assert stats.geometric_mean([1, 10, 100]) == pytest.approx(10)
    assert stats.median([5, 1, 9, 2]) == 3.5


# scipy.stats.t.ppf, scipy 1.17
@pytest.mark.parametrize(
    ("p", "degrees", "expected"),
    [
        (0.95, 1, 6.31375151467504),
        (0.95, 2, 2.91998558035372),
        (0.95, 3, 2.35336343480182),
        (0.975, 4, 2.77644510519779),
        (0.95, 7, 1.89457860509001),
        (0.95, 19, 1.72913281152137),
        (0.995, 30, 2.74999565356723),
        (0.05, 5, -2.01504837333302),
        (0.5, 6, 0.0),
    ],
)
def test_student_t_matches_the_tables(p: float, degrees: int, expected: float) -> None:
    quantile = stats.student_t_quantile(p, degrees)
    assert quantile == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert stats.student_t_tail(quantile, degrees) == pytest.approx(1 - p, abs=1e-12)


@FIXED
@given(st.integers(1, 60), st.floats(-50, 50))
def test_student_t_is_symmetric_and_agrees_with_its_density(degrees: int, t: float) -> None:
    assert stats.student_t_tail(t, degrees) + stats.student_t_tail(-t, degrees) == pytest.approx(1.0)
    log_norm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    density = math.exp(log_norm - (degrees + 1) / 2 * math.log1p(t * t / degrees))
    slope = (stats.student_t_tail(t - 1e-4, degrees) - stats.student_t_tail(t + 1e-4, degrees)) / 2e-4
    assert slope == pytest.approx(density, rel=1e-4, abs=1e-9)


def _timings(generator: np.random.Generator, processes: int, shared: bool) -> dict[str, list[stats.Floats]]:
    """Six workloads of true median 1, 2, .. 6 with 20 samples: processes differ by 0.5 %, samples by Student's t(2)."""
    timings = {}
    common = generator.normal(0, 0.005, processes)
    for size in range(1, 7):
        effect = common if shared else generator.normal(0, 0.005, processes)
        noise = 0.01 * generator.standard_t(2, (processes, 20))
        timings[f"w{size}"] = list(size * np.exp(effect[:, None] + noise))
    return timings


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("processes", [3, 4, 8])
def test_a_90_percent_interval_covers_at_least_87_percent_and_is_no_wider_than_it_must(
    processes: int, shared: bool
) -> None:
    generator = np.random.default_rng(20)
    truth = math.factorial(6) ** (1 / 6)
    trials, hits, widths = 400, 0, []
    for trial in range(trials):
        interval = stats.geomean_interval(_timings(generator, processes, shared), resamples=200, seed=trial)
        hits += interval.low <= truth <= interval.high
        widths.append(math.log(interval.high / interval.low))
    assert hits / trials >= 0.87
    # Half of the width with known variances, times what Student's t must add, times a quarter for chance and the union.
    spread = math.hypot(0.005 / (1 if shared else math.sqrt(6)), 1.5 * 0.01 / math.sqrt(20 * 6))
    ideal = 2 * stats.student_t_quantile(0.95, processes - 1) * spread / math.sqrt(processes)
    assert np.mean(widths) < 1.25 * ideal


def test_processes_are_the_sampling_unit() -> None:
    """A thousand samples in each of four processes say no more of the processes than one in each."""
    effects = np.array([1.0, 1.02, 1.04, 1.06])
    few = stats.median_interval([np.full(1, e) for e in effects])
    many = stats.median_interval([np.full(1000, e) for e in effects])
    assert math.log(many.high / many.low) == pytest.approx(math.log(few.high / few.low), rel=0.02)


def test_the_bootstrap_counts_where_it_is_the_wider_one() -> None:
    """Of processes in two modes the median is anything between them, and Student's t of their mean is narrower."""
    interval = stats.median_interval([[1.0]] * 4 + [[2.0]] * 4)
    assert (interval.value, interval.low, interval.high) == pytest.approx((1.5, 1.0, 2.0))


def test_workloads_of_different_size_add_no_noise() -> None:
    constant = {name: [[size] * 10] * 4 for name, size in (("small", 1.0), ("large", 1e6))}
    interval = stats.geomean_interval(constant)
    assert interval.value == pytest.approx(1000)
    assert interval.high / interval.low == pytest.approx(1)


def test_samples_may_differ_in_number_within_a_process() -> None:
    generator = np.random.default_rng(3)
    full = [generator.lognormal(0, 0.1, 40) for _ in range(5)]
    interval = stats.median_interval([values[: 40 - i] for i, values in enumerate(full)])
    whole = stats.median_interval(full)
    assert interval.low == pytest.approx(whole.low, rel=0.05)
    assert interval.high == pytest.approx(whole.high, rel=0.05)
    # A process of one extreme sample has the weight of that sample when it is drawn, and no more.
    lone = stats.median_interval([*full, [100.0]])
    assert lone.value == pytest.approx(whole.value, rel=0.01)


def test_the_resampling_is_that_of_the_textbook() -> None:
    """Against a plain loop over resamples, the percentiles agree."""
    generator = np.random.default_rng(8)
    halves = stats._resampled_medians([np.array([1.0]), np.array([2.0])], generator.integers(0, 2, (99, 2)), generator)
    assert set(halves) == {1.0, 1.5, 2.0}
    table = [generator.lognormal(0.1 * i, 0.2, 7 + i) for i in range(4)]
    chosen = generator.integers(0, 4, (4000, 4))
    medians = stats._resampled_medians(table, chosen, generator)
    plain = [np.median(np.concatenate([generator.choice(table[p], len(table[p])) for p in row])) for row in chosen]
    quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(medians, quantiles), np.quantile(plain, quantiles), rtol=0.03)


def test_intervals_are_reproducible_contain_their_value_and_grow_with_the_level() -> None:
    timings = {"w": list(np.random.default_rng(5).lognormal(size=(30, 1)))}
    interval = stats.geomean_interval(timings, resamples=50, seed=1)
    assert interval == stats.geomean_interval(timings, resamples=50, seed=1)
    assert interval != stats.geomean_interval(timings, resamples=50, seed=2)
    assert interval.low <= interval.value <= interval.high
    wide = stats.geomean_interval(timings, level=0.99, resamples=50, seed=1)
    assert wide.low < interval.low
    assert interval.high < wide.high


def test_excess_p_value_is_uniform_at_the_bound_small_above_and_large_below() -> None:
    generator = np.random.default_rng(7)
    p = [stats.excess_p_value(list(1.05 * np.exp(generator.normal(0, 0.01, (6, 1)))), 1.05) for _ in range(600)]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.04)
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)
    assert stats.excess_p_value([[1.2], [1.21], [1.19]], 1.05) < 0.01
    assert stats.excess_p_value([[1.0], [1.01], [0.99]], 1.05) > 0.99
    assert stats.excess_p_value([[1.0], [1.1], [1.3]], 1.05) == pytest.approx(0.227639089909)  # scipy.stats.ttest_1samp
    assert stats.excess_p_value([[1.05], [1.05]], 1.05) == 1.0
    assert stats.excess_p_value([[1.06], [1.06]], 1.05) == 0.0


def test_holm_corrects_as_in_the_textbook() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([]) == []


@FIXED
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_order_and_never_lowers(p_values: list[float]) -> None:
    corrected = stats.holm(p_values)
    assert all(p <= c <= 1.0 for p, c in zip(p_values, corrected, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_t_lower_bound_covers_as_it_says() -> None:
    generator = np.random.default_rng(9)
    below = [stats.t_lower_bound(generator.normal(0.9, 0.02, 20)) <= 0.9 for _ in range(1500)]
    assert np.mean(below) == pytest.approx(0.95, abs=0.02)
    assert stats.t_lower_bound([0.9] * 20) == pytest.approx(0.9)


def test_wilson_interval_of_known_values() -> None:
    interval = stats.wilson_interval(8, 10, level=0.95)  # Brown, Cai, DasGupta 2001, formula 4
    assert (interval.value, interval.low, interval.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    assert stats.wilson_interval(0, 5).low == 0.0
    assert stats.wilson_interval(5, 5).high == pytest.approx(1.0)


GOOD = [[1.0, 2.0], [3.0]]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: stats.geometric_mean([]), "at least one"),
        (lambda: stats.geometric_mean([1.0, float("nan")]), "not finite"),
        (lambda: stats.geometric_mean([1.0, 0.0]), "not positive"),
        (lambda: stats.geometric_mean([[1.0]]), "one axis"),
        (lambda: stats.median([]), "at least one"),
        (lambda: stats.median([float("inf")]), "not finite"),
        (lambda: stats.geomean_interval({}), "no processes"),
        (lambda: stats.geomean_interval({"a": []}), "0 independent"),
        (lambda: stats.geomean_interval({"a": [[1.0]]}), "1 independent"),
        (lambda: stats.geomean_interval({"a": GOOD, "b": [[1.0]]}), r"\[1, 2\] processes"),
        (lambda: stats.geomean_interval({"a": [[1.0], []]}), "a, process 1: shape"),
        (lambda: stats.geomean_interval({"a": [[1.0], [float("nan")]]}), "a, process 1: nan"),
        (lambda: stats.geomean_interval({"a": [[1.0], [-1.0]]}), "not positive"),
        (lambda: stats.geomean_interval({"a": GOOD}, level=1.0), "level"),
        (lambda: stats.geomean_interval({"a": GOOD}, resamples=0), "resamples"),
        (lambda: stats.geomean_interval({"a": [np.ones(40_000)] * 2}), "80000 samples"),
        (lambda: stats.block_ratios({"a": GOOD}, {"b": GOOD}), "workloads"),
        (lambda: stats.block_ratios({"a": GOOD}, {"a": [[1.0], [3.0]]}), "number of pairs"),
        (lambda: stats.block_ratios({"a": GOOD}, {"a": [[1.0, 2.0]]}), "number of pairs"),
        (lambda: stats.excess_p_value([[1.0]], 1.05), "1 independent"),
        (lambda: stats.excess_p_value(GOOD, 0.0), "bound"),
        (lambda: stats.holm([0.5, float("nan")]), "p-values"),
        (lambda: stats.holm([1.5]), "p-values"),
        (lambda: stats.holm([-0.5]), "p-values"),
        (lambda: stats.t_lower_bound([1.0]), "1 independent"),
        (lambda: stats.t_lower_bound([1.0, float("nan")]), "not finite"),
        (lambda: stats.wilson_interval(0, 0), "trials"),
        (lambda: stats.wilson_interval(3, 2), "trials"),
        (lambda: stats.student_t_quantile(0.95, 0), "degrees"),
    ],
)
def test_it_fails_closed_and_says_why(call: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()


@settings(FIXED, max_examples=25)
@given(st.lists(st.lists(TIMES, min_size=1, max_size=5), min_size=2, max_size=5), st.integers(0, 2**32))
def test_any_positive_samples_have_an_interval_round_their_median(processes: list[list[float]], seed: int) -> None:
    interval = stats.median_interval(processes, resamples=50, seed=seed)
    assert interval.value == pytest.approx(float(np.median(np.concatenate(processes))))
    assert 0 <= interval.low <= interval.value * (1 + 1e-9)
    assert interval.value * (1 - 1e-9) <= interval.high
