"""The search, with a metric of the test's own: small integers added up, so that sums are exact and ties are many.

What it does on every kind of data is held by the tests of the kernels made of it; here is what it promises to a metric.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import bounds, metric, nearest, tables
from lar.simd.metric import Metric

Host = npt.NDArray[Any]
needs_lookup = pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")


@njit
def fill(search: Any, query: Host, columns: Host) -> None:
    """Take the first component of the centroids for the table, plus the query's first component."""
    m, magnitude, span = columns.shape[0], 0.0, 0.0
    for j in range(m):
        search.table[j * 256 : (j + 1) * 256] = columns[j, 0] + query[0]
        entries = search.table[j * 256 : (j + 1) * 256]
        search.low[j] = entries.min()
        span = max(span, np.float64(entries.max() - entries.min()))
        magnitude += np.abs(entries).max()
    metric.note_signed(search, span, magnitude)


@njit
def with_penalty(extra: Any, total: Any, row: Any) -> Any:
    return total + extra[0][row]


@njit
def excess(search: Any, extra: Any) -> Any:
    """Penalties are not negative: whatever is within the bound is so without them."""
    return metric.excess(search, ())


@njit
def find(search: Any, extra: Any, first: Any, sums: Host, blocks: Host) -> Any:
    return metric.find(search, (), first, sums, blocks)


SUMS = Metric(fill, metric.find, metric.excess, metric.sum_itself)
PENALISED = Metric(fill, find, excess, with_penalty)


@njit
def filtered(query: Host, columns: Host, codes: Host, panels: Host, distances: Host, ids: Host) -> None:
    nearest.filtered(SUMS, query, columns, codes, panels, (), distances, ids)


@njit
def plainly(query: Host, columns: Host, codes: Host, distances: Host, ids: Host) -> None:
    nearest.plainly(SUMS, query, columns, codes, (), distances, ids)


@njit
def filtered_with_penalties(
    query: Host, columns: Host, codes: Host, panels: Host, penalties: Host, distances: Host, ids: Host
) -> None:
    nearest.filtered(PENALISED, query, columns, codes, panels, (penalties,), distances, ids)


def make(m: int, N: int, nq: int) -> tuple[Host, Host, Host]:
    """Return codebook, codes and queries; entries of either sign."""
    rng = np.random.default_rng([m, N])
    codebook = rng.integers(-9, 10, (m, 256, 1)).astype(np.float32)
    return codebook, rng.integers(0, 256, (N, m)).astype(np.uint8), rng.integers(-1, 2, (nq, m)).astype(np.float32)


def expected(codebook: Host, codes: Host, query: Host, k: int) -> tuple[Host, Host]:
    m = len(codebook)
    sums = codebook[np.arange(m), codes, 0].sum(axis=1)[None] + m * query[:, :1]
    order = np.argsort(sums, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(sums, order, axis=1).astype(np.float32), order.astype(np.uint32)


def empty(nq: int, k: int) -> tuple[Host, Host]:
    return np.empty((nq, k), np.float32), np.empty((nq, k), np.uint32)


@pytest.mark.parametrize("path", ["filter", "plain"])
@pytest.mark.parametrize(("m", "N", "k"), [(3, 500, 10), (16, 20_000, 10), (17, 9_000, 100), (40, 6_000, 6_000)])
def test_the_smallest_sums_equal_ones_by_row(path: str, m: int, N: int, k: int) -> None:
    if path == "filter" and not simd.supports("lookup256"):
        pytest.skip("this processor lacks the byte look-up, or numba is told not to use it")
    codebook, codes, query = make(m, N, 3)
    out = empty(3, k)
    columns = tables.columns_of(codebook)
    if path == "filter":
        filtered(query, columns, codes, bounds.panels_of(codes), *out)
    else:
        plainly(query, columns, codes, *out)
    for got, want in zip(out, expected(codebook, codes, query, k), strict=True):
        np.testing.assert_array_equal(got, want)


@needs_lookup
def test_a_distance_may_be_more_than_its_sum() -> None:
    codebook, codes, query = make(16, 20_000, 2)
    penalties = np.random.default_rng(3).integers(0, 60, 20_000).astype(np.float32)
    out = empty(2, 10)
    filtered_with_penalties(query, tables.columns_of(codebook), codes, bounds.panels_of(codes), penalties, *out)
    sums = codebook[np.arange(16), codes, 0].sum(axis=1) + penalties
    order = np.argsort(sums, kind="stable")[:10]
    for q in range(2):
        np.testing.assert_array_equal(out[1][q], order)
        np.testing.assert_array_equal(out[0][q], sums[order] + 16 * query[q, 0])
