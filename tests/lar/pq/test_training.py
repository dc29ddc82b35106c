"""Codebooks and codes against the definitions, done by NumPy in float64."""

import numpy as np
import pytest

from lar.pq import training
from lar.pq.training import CLUSTERS


def squares(vectors: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Return float64 (count, m, K): the distance of each sub-vector to each centroid."""
    m, _, width = codebook.shape
    parts = vectors.reshape(len(vectors), m, 1, width).astype(np.float64)
    return np.asarray(((parts - codebook[None]) ** 2).sum(axis=3))


def test_a_code_is_the_nearest_centroid_and_the_lowest_of_equals() -> None:
    rng = np.random.default_rng(1)
    codebook = rng.standard_normal((3, 20, 4)).astype(np.float32)
    codebook[:, 11] = codebook[:, 5]
    vectors = rng.standard_normal((200, 12)).astype(np.float32)
    vectors[:3, :4] = codebook[0, 11]
    codes = training.encode(vectors, codebook)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, squares(vectors, codebook).argmin(axis=2))
    assert set(codes[:3, 0]) == {5}


def test_a_codebook_is_drawn_from_the_vectors_and_moved_twice() -> None:
    vectors = np.random.default_rng(2).standard_normal((300, 8)).astype(np.float32)
    trained = training.train(vectors, 2, 16, 7)
    assert trained.dtype == np.float32
    assert trained.shape == (2, 16, 4)
    # A third iteration moves it less than the two before did together: it lies near the means of its members.
    codes = training.encode(vectors, trained)
    parts = vectors.reshape(300, 2, 4)
    for j in range(2):
        for c in range(16):
            members = parts[codes[:, j] == c, j]
            if len(members) > 5:
                assert np.linalg.norm(members.mean(axis=0) - trained[j, c]) < 0.5
    start = squares(vectors, vectors[:16].reshape(16, 2, 4).transpose(1, 0, 2)).min(axis=2).mean()
    assert squares(vectors, trained).min(axis=2).mean() < 0.9 * start
    assert not np.array_equal(trained, training.train(vectors, 2, 16, 8))


def test_centroids_without_members_stay_where_they_were() -> None:
    vectors = np.zeros((40, 4), np.float32)
    vectors[::2] = 1
    trained = training.train(vectors, 1, 40, 1)
    assert set(np.unique(trained)) == {0, 1}


@pytest.mark.parametrize("N", [10, 96, 1_000])
def test_recombined_rows_take_codes_from_their_own_cluster(N: int) -> None:
    rows = 96
    base = (np.arange(rows)[:, None] % CLUSTERS + CLUSTERS * (np.arange(rows) // CLUSTERS)[:, None]).astype(np.uint8)
    base = np.repeat(base, 50, axis=1)  # a row's codes are its number
    grown = training.recombine(base, N, 5)
    np.testing.assert_array_equal(grown[:rows], base)
    assert len(grown) == max(N, rows)
    extra = grown[rows:]
    own = np.arange(len(extra)) % rows
    assert np.all(extra % CLUSTERS == (own % CLUSTERS)[:, None])
    if len(extra):
        assert 0.25 < np.mean(extra != own[:, None]) < 0.35
        assert all(len(np.unique(row)) <= 2 for row in extra)
