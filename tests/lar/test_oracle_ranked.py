"""Of a top-k the oracle passes right scores of right rows in order, ties free, and refuses anything else by name."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verdicts import refused

from lar.contracts import NO_ID, HostArray, Ranked, Spec, Verdict
from lar.oracle import judge, stacked, tolerance

FIXED = settings(derandomize=True, deadline=None)
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


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"magnitudes": None}, "only one"),
        ({"best": None}, "only one"),
        ({"best": np.zeros((2, 4))}, "shapes"),
        ({"best": np.full((2, 5), np.nan)}, "finite"),
        ({"magnitudes": np.full((2, 5), -1.0)}, "absolute"),
        ({"score_of": lambda ids: (ids[:1] * 1.0, ids * 1.0)}, "shapes"),
        ({"score_of": lambda ids: (np.full(ids.shape, np.nan), ids * 1.0)}, "finite"),
        ({"score_of": lambda ids: (ids * 1.0, np.full(ids.shape, np.inf))}, "finite"),
    ],
)
def test_a_broken_truth_raises(changes: dict[str, Any], reason: str) -> None:
    rows = Rows()
    with pytest.raises(ValueError, match=reason):
        judge(replace(rows.truth, **changes), rows.specs, rows.honest())


@pytest.mark.parametrize("shapes", [[(1,)], [(1,), (2,)], [(), ()]])
def test_specs_that_are_no_scores_and_ids_raise(shapes: list[tuple[int, ...]]) -> None:
    specs = [Spec(shape, "float32") for shape in shapes]
    with pytest.raises(ValueError, match="scores and ids"):
        judge(Rows().truth, specs, [np.zeros(shape, np.float32) for shape in shapes])
