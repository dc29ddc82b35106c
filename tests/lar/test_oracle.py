"""The oracle passes what is right, refuses what is not, and says where; each kind of failure it names is provoked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lar.contracts import MAX_ABS_ERR, NO_ID, Bounded, Exact, HostArray, Ranked, Spec, Verdict
from lar.oracle import errors, judge, max_abs_err, stacked, tolerance

FIXED = settings(derandomize=True, deadline=None)
MAGNITUDES = st.floats(0, 1e30)
TERMS = st.integers(1, 10_000)


def refused(verdict: Verdict, kind: str) -> str:
    """Assert that a verdict refuses for `kind`; return its message."""
    assert not verdict.passed
    assert verdict.failure is not None
    assert verdict.failure.kind == kind, verdict.failure
    assert verdict.failure.case == "case"
    assert "\n" not in verdict.failure.message
    return verdict.failure.message


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


# ---- ranked --------------------------------------------------------------------------------------------------------

TERMS_OF_ROWS = 16


class Rows:
    """Two queries over rows of known scores, most of them tied with a neighbour; magnitudes are the scores' sizes."""

    def __init__(
        self, n: int = 12, k: int = 5, largest: bool = False, integers: bool = False, unit: float = 1.0
    ) -> None:
        generator = np.random.default_rng(n)
        self.scores = np.stack([np.repeat(np.arange(1.0, n + 1), 2)[:n], np.arange(n, 0, -1.0)])
        self.scores = generator.permuted(self.scores, axis=1) * unit
        self.k, self.kept = k, min(k, n)
        self.order = np.argsort(-self.scores if largest else self.scores, axis=1, kind="stable")[:, : self.kept]
        best = np.take_along_axis(self.scores, self.order, axis=1)
        self.dtype = "uint32" if integers else "float32"
        self.specs = (Spec((2, k), self.dtype), Spec((2, k), "uint32"))
        self.truth = Ranked(best, np.abs(best), self.score_of, n, TERMS_OF_ROWS, largest, integers)

    def score_of(self, ids: HostArray) -> tuple[HostArray, HostArray]:
        assert ids.dtype == np.int64
        assert ids.min() >= 0
        assert ids.max() < self.scores.shape[1]
        scores = np.take_along_axis(np.broadcast_to(self.scores, (*ids.shape[:-1], self.scores.shape[1])), ids, axis=-1)
        return scores, np.abs(scores)

    def honest(self) -> list[HostArray]:
        scores = np.full((2, self.k), -np.inf if self.truth.largest else np.inf)
        if self.truth.score_bits:
            scores = np.full((2, self.k), 0 if self.truth.largest else NO_ID)
        ids = np.full((2, self.k), NO_ID, np.uint32)
        scores[:, : self.kept] = np.take_along_axis(self.scores, self.order, axis=1)
        ids[:, : self.kept] = self.order
        return [scores.astype(self.dtype), ids]

    def judge(self, outputs: Any, audit: bool = False) -> Verdict:
        truth = replace(self.truth, best=None, magnitudes=None) if audit else self.truth
        return judge(truth, self.specs, outputs, "case")


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize(("n", "k"), [(12, 5), (12, 12), (3, 5), (1, 1), (1, 4)])
def test_ranked_passes_the_honest_answer(n: int, k: int, largest: bool, integers: bool) -> None:
    rows = Rows(n, k, largest, integers)
    assert rows.judge(rows.honest()) == Verdict(0.0)
    assert rows.judge(rows.honest(), audit=True) == Verdict(0.0)


def test_ranked_of_no_rows_is_all_padding() -> None:
    rows = Rows(3, 2)
    truth = replace(rows.truth, best=np.zeros((2, 0)), magnitudes=np.zeros((2, 0)), rows=0)
    outputs = [np.full((2, 2), np.inf, np.float32), np.full((2, 2), NO_ID, np.uint32)]
    assert judge(truth, rows.specs, outputs) == Verdict(0.0)
    refused(judge(truth, rows.specs, [outputs[0], np.zeros((2, 2), np.uint32)], "case"), "padding")


@FIXED
@given(st.integers(0, 2**32), st.booleans(), st.integers(2, 9))
def test_ranked_passes_any_order_of_ties_and_honest_rounding(seed: int, largest: bool, k: int) -> None:
    rows = Rows(12, k, largest)
    generator = np.random.default_rng(seed)
    noisy = rows.scores + generator.uniform(-0.5, 0.5, rows.scores.shape) * tolerance(rows.scores, TERMS_OF_ROWS)
    shuffled = generator.permutation(12)
    order = shuffled[np.argsort((-noisy if largest else noisy)[:, shuffled], axis=1)[:, :k]]
    scores = np.take_along_axis(noisy, order, axis=1).astype(np.float32)
    assert rows.judge([scores, order.astype(np.uint32)]).passed


def change(outputs: list[HostArray], which: int, index: tuple[int, int], value: Any) -> list[HostArray]:
    outputs[which][index] = value
    return outputs


@pytest.mark.parametrize("audit", [False, True])
def test_ranked_refuses_each_defect_by_its_name(audit: bool) -> None:
    rows = Rows()
    honest = rows.honest
    assert rows.judge(change(honest(), 0, (1, 4), np.nan), audit).max_abs_err == np.inf
    for bad in (np.nan, np.inf, -np.inf):
        refused(rows.judge(change(honest(), 0, (1, 4), bad), audit), "nan")
    for bad_id in (12, NO_ID, 0xCDCDCDCD):
        message = refused(rows.judge(change(honest(), 1, (1, 0), bad_id), audit), "range")
        assert message == f"ids[1, 0] is {bad_id} of 12 rows"
    repeated = honest()
    for array in repeated:
        array[0, 3] = array[0, 2]
    assert refused(rows.judge(repeated, audit), "duplicate").startswith("ids[0, 3]")
    refused(rows.judge([array[:, ::-1] for array in honest()], audit), "order")
    refused(rows.judge([honest()[0], honest()[1][:, ::-1]], audit), "value")
    refused(rows.judge([honest()[0], honest()[1][::-1]], audit), "value")
    refused(rows.judge([np.sqrt(honest()[0]), honest()[1]], audit), "value")
    refused(rows.judge([np.zeros((2, 5), np.float32), honest()[1]], audit), "value")


@pytest.mark.parametrize("largest", [False, True])
def test_ranked_refuses_wrong_padding(largest: bool) -> None:
    rows = Rows(3, 5, largest)
    for value in (-np.inf if not largest else np.inf, np.nan, 0.0, 3.4e38):
        verdict = rows.judge(change(rows.honest(), 0, (1, 3), value))
        refused(verdict, "padding")
        assert verdict.failure is not None
        assert verdict.failure.index == (1, 3)
    for value in (0, 3, NO_ID - 1):
        refused(rows.judge(change(rows.honest(), 1, (0, 4), value)), "padding")


def test_only_the_reference_sees_that_a_better_row_was_missed() -> None:
    rows = Rows()
    second = np.argsort(rows.scores, axis=1, kind="stable")[:, [0, 1, 2, 3, 5]]
    outputs = [np.take_along_axis(rows.scores, second, axis=1).astype(np.float32), second.astype(np.uint32)]
    verdict = rows.judge(outputs)
    assert refused(verdict, "value").startswith("ids[1, 4] is 6.0, expected 5.0 by the returned id's own score")
    assert verdict.max_abs_err == 1.0
    assert rows.judge(outputs, audit=True).passed


def ranked_row(scores: HostArray, magnitudes: HostArray, returned: int, **changes: Any) -> Verdict:
    """Judge an answer of one row and its own true score, where row 0 is the best."""
    best = (scores[:1], magnitudes[:1])
    truth = Ranked(*best, lambda ids: (scores[ids], magnitudes[ids]), len(scores), TERMS_OF_ROWS, **changes)
    specs = (Spec((1,), "float64"), Spec((1,), "int32"))
    score = scores[returned : returned + 1] if 0 <= returned < len(scores) else scores[:1]
    return judge(truth, specs, [score.copy(), np.array([returned], np.int32)], "case")


@pytest.mark.parametrize(("gap", "passes"), [(0.9, True), (1.1, False)])
def test_a_swap_passes_inside_the_tolerance_and_not_beyond_it(gap: float, passes: bool) -> None:
    scores = np.array([1.0, 1.0 + gap * float(tolerance(1.0, TERMS_OF_ROWS))])
    assert ranked_row(scores, np.ones(2), 1).passed is passes
    # Where one of the two has larger terms, its rounding is the larger one, whichever of them it is.
    for magnitudes in ([1.0, 5.0], [5.0, 1.0]):
        assert ranked_row(1.0 + 5 * (scores - 1.0), np.array(magnitudes), 1).passed is passes


def test_ids_of_a_signed_type_may_not_be_negative() -> None:
    refused(ranked_row(np.ones(2), np.ones(2), -1), "range")


def test_integer_scores_have_no_tolerance() -> None:
    scores = 2.0**30 + np.arange(2.0)
    assert ranked_row(scores, scores, 1).passed
    assert not ranked_row(scores, scores, 1, score_bits=True).passed
    rows = Rows(integers=True, unit=2.0**24)
    assert rows.judge(rows.honest()).passed
    refused(rows.judge(change(rows.honest(), 0, (0, 4), rows.honest()[0][0, 4] + 1)), "value")


def test_an_audit_of_stacked_calls_finds_the_one_that_is_wrong() -> None:
    rows = Rows()
    truth = replace(rows.truth, best=None, magnitudes=None)
    outputs = [np.stack([array] * 30) for array in rows.honest()]
    assert judge(truth, stacked(rows.specs, 30), outputs).passed
    outputs[0][17, 1, 2] *= np.float32(1.0001)
    verdict = judge(truth, stacked(rows.specs, 30), outputs, "case")
    refused(verdict, "value")
    assert verdict.failure is not None
    assert verdict.failure.index == (17, 1, 2)


@FIXED
@given(st.integers(0, 1), st.integers(0, 4), st.floats(width=32) | st.floats(-(2**-17), 2**-17, width=32))
def test_a_changed_score_passes_only_within_the_tolerance_and_in_order(row: int, rank: int, value: float) -> None:
    rows = Rows()
    scores, ids = rows.honest()
    right = float(scores[row, rank])
    scores[row, rank] = right + value if abs(value) <= 2**-17 else value
    near = abs(float(scores[row, rank]) - right) <= tolerance(right, TERMS_OF_ROWS)
    assert rows.judge([scores, ids]).passed == bool(near and np.all(np.diff(scores[row]) >= 0))


@FIXED
@given(st.integers(0, 1), st.integers(0, 4), st.integers(0, 13) | st.integers(0, NO_ID))
def test_a_changed_id_passes_only_inside_its_tie(row: int, rank: int, value: int) -> None:
    rows = Rows()
    scores, ids = rows.honest()
    ids[row, rank] = value
    tied = value < 12 and rows.scores[row, value] == scores[row, rank]
    assert rows.judge([scores, ids]).passed == bool(tied and len(set(ids[row])) == 5)


# ---- a truth that contradicts itself is a defect, not a verdict -----------------------------------------------------


def test_a_broken_truth_raises() -> None:
    rows = Rows()
    one = [Spec((1,), "float32")]
    got = [np.zeros(1, np.float32)]
    cases: list[tuple[Any, Any, Any, str]] = [
        (Exact((np.zeros(1),)), one, got, "float64"),
        (Exact((np.zeros(2, np.float32),)), one, got, "shapes"),
        (Exact(()), one, got, "shapes"),
        (bounded([0.0, 1.0], [0.0]), one, got, "shapes"),
        (bounded([0.0], [0.0, 1.0]), one, got, "shapes"),
        (bounded([0.0], [np.nan]), one, got, "finite"),
        (bounded([np.inf], [np.inf]), one, got, "finite"),
        (bounded([0.0], [-1.0]), one, got, "absolute"),
        (rows.truth, one, got, "scores and ids"),
        (rows.truth, [*one, Spec((2,), "uint32")], [*got, np.zeros(2, np.uint32)], "scores and ids"),
        (rows.truth, [Spec((), "float32")] * 2, [np.zeros((), np.float32)] * 2, "scores and ids"),
        (replace(rows.truth, magnitudes=None), rows.specs, rows.honest(), "only one"),
        (replace(rows.truth, best=np.zeros((2, 4))), rows.specs, rows.honest(), "shapes"),
        (replace(rows.truth, best=np.full((2, 5), np.nan)), rows.specs, rows.honest(), "finite"),
        (replace(rows.truth, magnitudes=np.full((2, 5), -1.0)), rows.specs, rows.honest(), "absolute"),
        (replace(rows.truth, score_of=lambda ids: (ids[:1] * 1.0, ids * 1.0)), rows.specs, rows.honest(), "shapes"),
        (replace(rows.truth, score_of=lambda ids: (ids * np.nan, ids * 1.0)), rows.specs, rows.honest(), "finite"),
        (replace(rows.truth, score_of=lambda ids: (ids * 1.0, ids * np.inf)), rows.specs, rows.honest(), "finite"),
    ]
    for truth, specs, outputs, reason in cases:
        with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=reason):
            judge(truth, specs, outputs)
