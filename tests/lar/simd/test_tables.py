"""Sums of look-ups against float64, and one row against many to the last bit."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar.simd import tables

Host = npt.NDArray[Any]
UNIT_ROUNDOFF = 2.0**-24


@njit
def each(table: Host, codes: Host, m: int, first: int, out: Host) -> None:
    for i in range(out.size):
        out[i] = tables.sum_of(table, codes, m, first + i)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 15, 16, 17, 20, 32, 33, 96, 100, 257])
@pytest.mark.parametrize(("N", "first"), [(1, 0), (50, 13)])
def test_sums_are_right_and_the_same_one_by_one(m: int, N: int, first: int) -> None:
    rng = np.random.default_rng(m)
    table = (rng.random((m, 256)) * 10.0 ** rng.integers(-6, 4, (m, 1))).astype(np.float32)
    codes = rng.integers(0, 256, (N + first + 3, m)).astype(np.uint8)
    together, alone = np.empty(N, np.float32), np.empty(N, np.float32)
    tables.sums_of(table.reshape(-1), codes.reshape(-1), m, first, together)
    each(table.reshape(-1), codes.reshape(-1), m, first, alone)
    np.testing.assert_array_equal(together.view(np.uint32), alone.view(np.uint32))
    exact = table.astype(np.float64)[np.arange(m), codes[first : first + N]].sum(axis=1)
    assert np.all(np.abs(together - exact) <= (m / tables.TILE + 9) * UNIT_ROUNDOFF * exact)


def test_integers_are_added_exactly() -> None:
    table = np.arange(40 * 256, dtype=np.float32)
    codes = np.random.default_rng(1).integers(0, 256, (9, 40)).astype(np.uint8)
    out = np.empty(9, np.float32)
    tables.sums_of(table, codes.reshape(-1), 40, 0, out)
    np.testing.assert_array_equal(out, (np.arange(40) * 256 + codes).sum(axis=1))


@pytest.mark.parametrize("K", [1, 16, 256])
def test_columns_hold_centroids_side_by_side_and_copies_of_the_last(K: int) -> None:
    codebook = np.random.default_rng(K).random((5, K, 3)).astype(np.float32)
    columns = tables.columns_of(codebook)
    assert (columns.shape, columns.dtype) == ((5, 3, 256), np.float32)
    assert columns.flags.c_contiguous
    assert columns.ctypes.data % 64 == 0
    np.testing.assert_array_equal(columns[:, :, :K].transpose(0, 2, 1), codebook)
    np.testing.assert_array_equal(columns[:, :, K:], np.repeat(columns[:, :, K - 1 :][:, :, :1], 256 - K, axis=2))
