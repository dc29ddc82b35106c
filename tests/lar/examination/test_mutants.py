"""Every mutant spoils something: on a truth of each kind the oracle refuses it, and passes what is honest."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lar import oracle
from lar.contracts import Bounded, Case, Exact, Ranked, Spec, Truth
from lar.examination import Grade, mutation
from lar.examination.exhibits import Exhibit, ideal, same
from lar.examination.mutants import MUTANTS, Answers
from lar.examination.report import Notes

ROWS, K = 20, 6
RNG = np.random.default_rng(7)
SCORES = np.round(RNG.random((3, ROWS)), 2)  # some of them tied


def _ranked(rows: int, k: int) -> tuple[Truth, tuple[Spec, ...]]:
    scores = SCORES[:, :rows]
    best = np.sort(scores, axis=1)[:, :k]

    def score_of(ids: Any) -> Any:
        return np.take_along_axis(scores, ids, axis=1), np.take_along_axis(scores, ids, axis=1)

    specs = Spec((3, k), "float32"), Spec((3, k), "uint32")
    return Ranked(best, best, score_of, rows=rows, terms=16), specs


TRUTHS: dict[str, tuple[Truth, tuple[Spec, ...]]] = {
    "exact": (Exact((np.arange(-2, 10, dtype=np.int32).reshape(3, 4),)), (Spec((3, 4), "int32"),)),
    "bounded": (Bounded((SCORES + 1.0,), (SCORES + 1.0,), terms=16), (Spec((3, ROWS), "float32"),)),
    "ranked": _ranked(ROWS, K),
    "padded": _ranked(4, K),
}


def _answers(kind: str) -> Answers:
    truth, specs = TRUTHS[kind]
    right = ideal(truth, specs)
    other = tuple(np.roll(array, 1, axis=0) for array in right)
    return Answers(right, truth, specs, other, tuple(array[::-1].copy() for array in right))


def _applies(name: str, kind: str) -> bool:
    """Say whether a mutant changes anything in the right outputs of a truth."""
    answers = _answers(kind)
    wrong = MUTANTS[name](answers)
    plain = isinstance(wrong, tuple) and all(type(array) is np.ndarray for array in wrong)
    return wrong is not None and not (plain and same(wrong, answers.outputs))


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in MUTANTS for kind in TRUTHS if _applies(name, kind)]
)
def test_what_a_mutant_changes_is_refused(name: str, kind: str) -> None:
    answers = _answers(kind)
    assert not oracle.judge(answers.truth, answers.specs, MUTANTS[name](answers)).passed


def test_every_mutant_applies_to_some_truth() -> None:
    assert {name for name in MUTANTS if not any(_applies(name, kind) for kind in TRUTHS)} == set()


@pytest.mark.parametrize("kind", TRUTHS)
@pytest.mark.parametrize("name", mutation.HONEST)
def test_what_is_honest_passes(name: str, kind: str) -> None:
    answers = _answers(kind)
    made = mutation.HONEST[name](answers)
    if made is not None:
        assert oracle.judge(answers.truth, answers.specs, made).passed


def _exhibit(kind: str, number: int) -> Exhibit:
    truth, specs = TRUTHS[kind]
    case = Case(f"{kind}/{number}", kind, {"n": 1}, 0, {}, 1, f"{kind}/n1/{number}")
    return Exhibit(case, {}, specs, ((), ()), (truth, truth))


def _examined(truths: Sequence[str], spoil: Any = None) -> Notes:
    notes = Notes()
    exhibits = [_exhibit(kind, number) for number, kind in enumerate(truths)]
    right = [[ideal(one.truths[0], one.specs)] * 2 for one in exhibits]
    mutation.examine(exhibits, [[spoil(a) if spoil else a for a in calls] for calls in right], notes)
    return notes


def test_a_tight_oracle_leaves_no_survivor() -> None:
    notes = _examined(["bounded", "ranked", "padded"])
    assert not notes.failed, [one for one in notes.findings if one.grade is Grade.FAIL]


def test_a_wrong_portable_kernel_is_told_before_any_mutant() -> None:
    notes = _examined(["bounded"], lambda outputs: (outputs[0] * np.float32(1.1),))
    failed = [one.what for one in notes.findings if one.grade is Grade.FAIL]
    assert failed == ["honest: the portable kernel", "honest: outputs in Fortran order, read-only"]
    assert [one.what for one in notes.findings if one.grade is Grade.SKIPPED] == ["mutants"]


def test_a_truth_that_accepts_anything_leaves_survivors() -> None:
    exhibit = _exhibit("bounded", 0)
    loose = Bounded((SCORES,), (np.full(SCORES.shape, 1e9),), terms=16)
    notes = Notes()
    exhibit = Exhibit(exhibit.case, {}, exhibit.specs, ((), ()), (loose, loose))
    mutation.examine([exhibit], [[ideal(loose, exhibit.specs)] * 2], notes)
    survivors = {one.what for one in notes.findings if one.grade is Grade.FAIL}
    assert {"survivor: zeros", "survivor: one sign flipped", "survivor: reversed"} <= survivors
    assert "survivor: NaN" not in survivors
