"""Exact distances of rows, and the plain scan, against float64."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar.simd import flat

Host = npt.NDArray[Any]


@njit
def distances_of(vectors: Host, facts: Host, query: Host, out: Host) -> None:
    rows = flat.rows_of(vectors, facts)
    for row in range(out.size):
        out[row] = flat.distance(rows, query, row)


@njit
def plainly(query: Host, vectors: Host, facts: Host, distances: Host, ids: Host) -> None:
    flat.plainly(query, flat.rows_of(vectors, facts), distances, ids)


def truth(vectors: Host, query: Host, squared: bool) -> tuple[Host, Host]:
    """Return distances and the magnitudes of their terms, float64."""
    left, right = vectors.astype(np.float64), query.astype(np.float64)
    if squared:
        found = np.sum((left - right) ** 2, axis=1)
        return found, found
    return 1 - left @ right, np.abs(left) @ np.abs(right)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("offset", [0, 100])
@pytest.mark.parametrize("dim", [1, 3, 16, 20, 64, 100, 128, 769, 5_000])
def test_distances_are_off_by_no_more_than_is_said(dim: int, offset: int, squared: bool) -> None:
    rng = np.random.default_rng(dim)
    vectors, query = ((rng.standard_normal((n, dim)) + offset).astype(np.float32) for n in (33, 1))
    wide = flat.wide(vectors)
    assert wide.shape[1] % flat.LANES == 0
    assert (wide is vectors) == (dim % flat.LANES == 0)
    out = np.empty(33, np.float32)
    distances_of(wide, np.array([dim, squared, 0.0]), flat.wide(query)[0], out)
    expected, magnitude = truth(vectors, query[0], squared)
    allowed = flat.rounding_of(wide.shape[1]) * magnitude + (not squared) * 2.0**-24 * (1 + np.abs(expected))
    assert np.all(np.abs(out - expected) <= allowed)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize(("N", "nq", "k"), [(1, 1, 3), (257, 33, 20), (600, 2, 600), (1_000, 1, 1)])
def test_the_plain_scan_finds_the_nearest_and_pads(N: int, nq: int, k: int, squared: bool) -> None:
    rng = np.random.default_rng([N, k])
    vectors, query = (rng.integers(-3, 4, (n, 20)).astype(np.float32) for n in (N, nq))  # exact, and with many ties
    distances, ids = np.empty((nq, k), np.float32), np.empty((nq, k), np.uint32)
    plainly(query[:, ::-1][:, ::-1], flat.wide(vectors), np.array([20, squared, 0.0]), distances, ids)
    kept = min(N, k)
    for row, found, where in zip(query, distances, ids, strict=True):
        every = truth(vectors, row, squared)[0]
        order = np.argsort(every, kind="stable")[:kept]
        np.testing.assert_array_equal(where, [*order, *[2**32 - 1] * (k - kept)])
        np.testing.assert_array_equal(found, [*every[order], *[np.inf] * (k - kept)])
