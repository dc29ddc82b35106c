"""Truths made of a target's own distances: the smallest of a call with their magnitudes, and those of returned ids."""

import numpy as np
import pytest

from lar.contracts import HostArray, Ranked
from lar.pq import reference
from lar.pq.inputs import case_of

ROWS = np.random.default_rng(3).permutation(40).astype(np.float64)


def of_all(query: HostArray) -> reference.Scores:
    """Let the distance of row i be ``ROWS[i]`` plus the query's first component, its magnitude ten times that."""
    return ROWS + query[0], 10 * (ROWS + query[0])


def of_ids(queries: HostArray, ids: HostArray) -> reference.Scores:
    assert ids.flags.c_contiguous
    return ROWS[ids] + queries[:, :1], 10 * (ROWS[ids] + queries[:, :1])


def hold(truth: Ranked, ids: HostArray, queries: HostArray) -> None:
    scores, magnitudes = truth.score_of(ids)
    np.testing.assert_array_equal(scores, ROWS[ids] + queries)
    np.testing.assert_array_equal(magnitudes, 10 * scores)
    assert (truth.rows, truth.terms, truth.largest) == (40, 4, False)


@pytest.mark.parametrize("k", [1, 7, 40, 50])
def test_the_k_smallest_of_each_query_with_their_magnitudes(k: int) -> None:
    case = case_of("gaussian", (4, 2, 16), 40, 3, k, 0)
    query = np.arange(12, dtype=np.float32).reshape(3, 4)
    truth = reference.reference(case, query, of_all, of_ids)
    assert truth.best is not None
    assert truth.magnitudes is not None
    np.testing.assert_array_equal(truth.best, np.arange(min(k, 40))[None] + query[:, :1])
    np.testing.assert_array_equal(truth.magnitudes, 10 * truth.best)
    hold(truth, np.array([[3, 1], [0, 39], [5, 5]]), query[:, :1])


def test_an_audit_knows_no_ranks_and_takes_stacked_calls() -> None:
    case = case_of("gaussian", (4, 2, 16), 40, 3, 2, 0)
    queries = [np.full((3, 4), i, np.float32) for i in range(5)]
    truth = reference.audit(case, queries, of_ids)
    assert truth.best is None
    assert truth.magnitudes is None
    ids = np.random.default_rng(1).integers(0, 40, (5, 3, 2))
    hold(truth, ids, np.arange(5).reshape(5, 1, 1))
    hold(truth, ids.transpose(0, 2, 1).copy().transpose(0, 2, 1), np.arange(5).reshape(5, 1, 1))
