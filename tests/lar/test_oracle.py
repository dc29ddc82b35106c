"""The oracle passes what is right, refuses what is not, and says where: form, exact values, bounded ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.verdicts import refused

from lar.contracts import MAX_ABS_ERR, Bounded, Exact, HostArray, Spec, Verdict
from lar.oracle import errors, judge, max_abs_err, tolerance

FIXED = settings(derandomize=True, deadline=None)
MAGNITUDES = st.floats(0, 1e30)
TERMS = st.integers(1, 10_000)


# ---- tolerance and errors ------------------------------------------------------------------------------------------


def test_tolerance_is_the_stated_budget() -> None:
    assert tolerance(1.0, 128) == 4 * 128**0.5 * 2.0**-24
    assert tolerance(0.0, 128) == 0.01 * tolerance(1.0, 128)
    assert tolerance(1.0, 10**9) == MAX_ABS_ERR
    assert tolerance(50.0, 10**9) == 50 * MAX_ABS_ERR


@FIXED
@given(MAGNITUDES, MAGNITUDES, TERMS)
def test_tolerance_grows_with_magnitude_and_stays_below_the_outer_bound(a: float, b: float, terms: int) -> None:
    small, large = tolerance([min(a, b), max(a, b)], terms)
    assert 0 < small <= large <= MAX_ABS_ERR * max(1.0, a, b)


def test_errors_of_values_that_are_not_finite() -> None:
    inf, nan = np.inf, np.nan
    got, expected = np.array([[inf, nan, inf, nan, inf, 1.0, 1.0], [inf, nan, -inf, 1.0, nan, nan, inf]])
    np.testing.assert_array_equal(errors(got, expected), [0, 0, inf, inf, inf, inf, inf])


@FIXED
@given(hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6)), st.data())
def test_the_largest_error_never_skips_nan(values: HostArray, data: st.DataObject) -> None:
    assert max_abs_err(values, values) == 0.0
    broken = values.copy()
    broken[data.draw(st.integers(0, len(values) - 1))] = np.nan
    assert max_abs_err(broken, values) == np.inf
    assert max_abs_err(values, broken) == np.inf


def test_the_largest_error_of_nothing_is_zero() -> None:
    assert max_abs_err([], []) == 0.0


# ---- form ----------------------------------------------------------------------------------------------------------

SPECS = (Spec((2, 3), "float32"), Spec((), "int32"))
VALUES = (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int32))


class Agreeable(np.ndarray[Any, Any]):
    """Equal to everything."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        return np.ones(self.shape, np.bool_)


@pytest.mark.parametrize(
    ("outputs", "kind"),
    [
        (None, "type"),
        (VALUES[0], "type"),
        ({0: VALUES[0], 1: VALUES[1]}, "type"),
        ([VALUES[0], 7], "type"),
        ([VALUES[0], np.int32(7)], "type"),
        ([VALUES[0].tolist(), VALUES[1]], "type"),
        ([VALUES[0].view(Agreeable), VALUES[1]], "type"),
        ([np.ma.masked_array(VALUES[0], True), VALUES[1]], "type"),
        ((), "count"),
        (VALUES[:1], "count"),
        ((*VALUES, VALUES[1]), "count"),
        ([VALUES[0].astype(np.float64), VALUES[1]], "dtype"),
        ([VALUES[0].astype(np.float16), VALUES[1]], "dtype"),
        ([VALUES[0].astype(">f4"), VALUES[1]], "dtype"),
        ([VALUES[0].view(np.int32), VALUES[1]], "dtype"),
        ([VALUES[0], VALUES[1].astype(np.uint32)], "dtype"),
        ([VALUES[0].astype(object), VALUES[1]], "dtype"),
        ([VALUES[0][:1], VALUES[1]], "shape"),
        ([VALUES[0].T, VALUES[1]], "shape"),
        ([VALUES[0].reshape(6), VALUES[1]], "shape"),
        ([VALUES[0][None], VALUES[1]], "shape"),
        ([VALUES[0], VALUES[1][None]], "shape"),
        ([np.zeros((0, 3), np.float32), VALUES[1]], "shape"),
    ],
)
def test_form_is_held_to_the_letter(outputs: Any, kind: str) -> None:
    verdict = judge(Exact(VALUES), SPECS, outputs, "case")
    refused(verdict, kind)
    assert verdict.max_abs_err == np.inf


def test_layout_in_memory_is_free() -> None:
    frozen = np.asfortranarray(VALUES[0])
    frozen.setflags(write=False)
    assert judge(Exact(VALUES), SPECS, (frozen, VALUES[1])).passed


# ---- exact ---------------------------------------------------------------------------------------------------------

ANY = st.sampled_from(["uint8", "int32", "uint32", "int64", "float32", "bool"])


@FIXED
@given(st.data(), ANY)
def test_exact_passes_the_same_bits_and_refuses_any_other(data: st.DataObject, dtype: str) -> None:
    expected = data.draw(hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=4)))
    specs = [Spec(expected.shape, dtype)]
    assert judge(Exact((expected,)), specs, [expected.copy()]).passed
    index = tuple(data.draw(st.integers(0, size - 1)) for size in expected.shape)
    wrong = expected.copy()
    bits = wrong.view(f"u{wrong.dtype.itemsize}")
    bits[index] ^= 1 if dtype == "bool" else 1 << data.draw(st.integers(0, 8 * wrong.dtype.itemsize - 1))
    verdict = judge(Exact((expected,)), specs, [wrong], "case")
    refused(verdict, "value")
    assert verdict.failure is not None
    assert verdict.failure.index == index


def test_exact_tells_zeros_and_nans_apart_by_their_bits() -> None:
    expected = np.array([0.0, np.nan], np.float32)
    assert judge(Exact((expected,)), [Spec((2,), "float32")], [expected.copy()]) == Verdict(0.0)
    verdict = judge(Exact((expected,)), [Spec((2,), "float32")], [np.array([-0.0, np.nan], np.float32)], "case")
    assert refused(verdict, "value").startswith("output 0[0] is -0.0, expected 0.0")


@pytest.mark.parametrize("wrong", [0, 1])
def test_every_output_counts(wrong: int) -> None:
    values = (np.ones(2, np.float32), np.ones(3, np.float32))
    outputs = [array.copy() for array in values]
    outputs[wrong][1] = 3
    specs = [Spec(array.shape, "float32") for array in values]
    sizes = (np.ones(2), np.ones(3))
    for truth in (Exact(values), Bounded(sizes, sizes, 4)):
        verdict = judge(truth, specs, outputs, "case")
        assert refused(verdict, "value").startswith(f"output {wrong}[1] is 3.0")
        assert verdict.max_abs_err == 2.0


# ---- bounded -------------------------------------------------------------------------------------------------------


def bounded(values: list[float], magnitudes: list[float], terms: int = 64) -> Bounded:
    return Bounded((np.array(values),), (np.array(magnitudes),), terms)


@FIXED
@given(st.floats(-100, 100), st.floats(0, 100), TERMS, st.floats(0, 2), st.booleans())
def test_bounded_draws_the_line_at_the_tolerance(
    value: float, extra: float, terms: int, share: float, above: bool
) -> None:
    magnitude = abs(value) + extra
    allowed = float(tolerance(magnitude, terms))
    got = np.array([value + (1 if above else -1) * share * allowed])
    verdict = judge(bounded([value], [magnitude], terms), [Spec((1,), "float64")], [got], "case")
    assert verdict.max_abs_err == abs(got[0] - value)
    assert verdict.passed == (abs(got[0] - value) <= allowed)
    if not verdict.passed:
        assert verdict.failure is not None
        assert (verdict.failure.index, verdict.failure.got, verdict.failure.expected) == ((0,), got[0], value)
        assert verdict.failure.error == verdict.max_abs_err
        assert verdict.failure.tolerance == allowed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bounded_refuses_what_is_not_finite(bad: float) -> None:
    verdict = judge(bounded([1, 2], [1, 2]), [Spec((2,), "float32")], [np.array([1, bad], np.float32)], "case")
    refused(verdict, "nan")
    assert verdict.max_abs_err == np.inf


@pytest.mark.parametrize("meant", [np.nan, np.inf, -np.inf])
def test_bounded_asks_for_what_is_not_finite_where_the_truth_is_that(meant: float) -> None:
    truth, specs = bounded([meant, 1], [0, 1]), [Spec((2,), "float32")]
    assert judge(truth, specs, [np.array([meant, 1], np.float32)]) == Verdict(0.0)
    refused(judge(truth, specs, [np.array([3e38, 1], np.float32)], "case"), "value")
    refused(judge(truth, specs, [np.array([-np.inf if meant > 0 else np.inf, 1], np.float32)], "case"), "nan")


# ---- a truth that contradicts itself is a defect, not a verdict -----------------------------------------------------


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        (Exact((np.zeros(1),)), "float64"),
        (Exact((np.zeros(2, np.float32),)), "shapes"),
        (Exact(()), "shapes"),
        (bounded([0.0, 1.0], [0.0]), "shapes"),
        (bounded([0.0], [0.0, 1.0]), "shapes"),
        (bounded([0.0], [np.nan]), "finite"),
        (bounded([np.inf], [np.inf]), "finite"),
        (bounded([0.0], [-1.0]), "absolute"),
    ],
)
def test_a_broken_truth_raises(truth: Exact | Bounded, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        judge(truth, [Spec((1,), "float32")], [np.zeros(1, np.float32)])
