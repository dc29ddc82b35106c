"""Questions that several arms share: fresh, the truth computed once, every answer held against it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.contests import GUESTS

import lar.targets
from lar import catalog
from lar.datasets import Datasets
from lar.questions import Questions


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datasets]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    before = list(lar.targets.__path__)
    catalog.mount([GUESTS])
    yield Datasets(catalog.target("axpy"))
    lar.targets.__path__[:] = before


def asked(datasets: Datasets, count: int = 5) -> Questions:
    return Questions(datasets, next(iter(datasets.target.battery(0))), count)


def answers(datasets: Datasets, questions: Questions, count: int) -> list[tuple[np.ndarray]]:
    b = datasets.data(questions.case)["b"]
    return [((2 * query + b).astype(np.float32),) for query in questions.queries[:count]]


def test_no_two_are_alike(datasets: Datasets) -> None:
    one, other = asked(datasets), asked(datasets)
    assert len({float(query[0]) for query in (*one.queries, *other.queries)}) == 10


def test_arms_that_answer_a_different_number_are_held_against_the_same_truth(datasets: Datasets) -> None:
    questions = asked(datasets)
    for count in (5, 2, 5):
        right = answers(datasets, questions, count)
        assert questions.audit(right).passed
        assert questions.check_one(right).passed
        wrong = [*right[:-1], (right[-1][0] + 1,)]
        assert not questions.audit(wrong).passed


def test_a_wrong_answer_is_found_by_the_full_check(datasets: Datasets) -> None:
    questions = asked(datasets, 1)
    assert not questions.check_one([(answers(datasets, questions, 1)[0][0] + 1,)]).passed


def test_a_truth_is_computed_once_for_all_arms(datasets: Datasets, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = asked(datasets)
    right = answers(datasets, questions, 5)
    questions.check_one(right)
    known = dict(questions._truths)
    questions.check_one(right)
    assert questions._truths == known
    assert len(known) == 1
