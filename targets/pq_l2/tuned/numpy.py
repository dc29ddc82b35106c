"""`pq-l2` by numba: a filter of lower bounds, 64 rows an instruction, and exact distances for the few rows left.

The search is `lar.simd.nearest`, which returns exactly what a plain scan in float32 returns; here is what L2 adds to
it. A distance is the sum of its table entries, all of them squares, so that a float32 sum is off by a part of itself: a
bound of small distances stays sharp, however large the entries of far centroids are.

A processor without the byte look-up scans plainly throughout; `lar.simd` says how to force that. Codes are kept twice:
by row, the caller's own array, for exact distances; and in the panels of `lar.simd.bounds`.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import bounds, f32x16, metric, nearest, tables
from lar.simd.metric import Metric, Search

_FILTERS = simd.supports("lookup256")
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :], types.float32[:, :, ::1], types.uint8[:, ::1])  # query, columns, codes
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Lay out the centroids by component and, where the filter runs, the codes in panels.

    Parameters
    ----------
    xp : module
        Not used, nor is `k`: every kernel is given both.
    data : dict
        ``codebook`` float32 (m, K, dim/m), K at most 256, and ``codes`` uint8 (N, m).
    k : int
        How many rows will be wanted.

    Returns
    -------
    dict of arrays
        ``columns`` float32 (m, dim/m, 256), see `lar.simd.tables`; ``codes`` as given; ``panels`` uint8, see
        `lar.simd.bounds`.
    """
    del xp, k
    codes = np.ascontiguousarray(data["codes"])
    state = {"columns": tables.columns_of(data["codebook"]), "codes": codes}
    if _FILTERS:
        state["panels"] = bounds.panels_of(codes)
        simd.compile_once(_search, (*_READ, types.uint8[::1]), _WRITTEN)
    else:
        simd.compile_once(_search_plainly, _READ, _WRITTEN)
    return state


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp
    shape = (query.shape[0], k)
    distances, ids = np.empty(shape, _FLOAT), np.empty(shape, _WORD)
    if _FILTERS:
        _search(query, state["columns"], state["codes"], state["panels"], distances, ids)
    else:
        _search_plainly(query, state["columns"], state["codes"], distances, ids)
    return distances, ids


@_inlined
def _fill_table(query: HostArray, columns: HostArray, table: HostArray, low: HostArray) -> Any:
    """Square the differences to all centroids, note each sub-space's minimum, and return the largest range."""
    m, width, _ = columns.shape
    components = columns.reshape(-1)
    span = np.float32(0)
    for j in range(m):
        least, most = simd.splat(f32x16, np.inf), simd.splat(f32x16, 0)
        for c in range(0, 256, 64):
            at = j * width * 256 + c
            a = b = e = f = simd.splat(f32x16, 0)
            for d in range(width):
                q = simd.splat(f32x16, query[j * width + d])
                v, w = simd.load(f32x16, components, at) - q, simd.load(f32x16, components, at + 16) - q
                x, y = simd.load(f32x16, components, at + 32) - q, simd.load(f32x16, components, at + 48) - q
                a, b = simd.multiply_add(v, v, a), simd.multiply_add(w, w, b)
                e, f = simd.multiply_add(x, x, e), simd.multiply_add(y, y, f)
                at += 256
            for i, sums in enumerate((a, b, e, f)):
                simd.store(table, j * 256 + c + 16 * i, sums)
                least, most = simd.minimum(least, sums), simd.maximum(most, sums)
        low[j] = simd.lowest(least)
        span = max(span, simd.highest(most) - low[j])
    return span


@_inlined
def _fill(search: Search, query: HostArray, columns: HostArray) -> None:
    """Fill the query's table, and note how exact a sum of its entries is.

    A float32 sum of positive entries, none of which passes through more than m / 16 + 9 additions, is at least
    ``1 - (m + 16) 2**-24`` times the exact one. The bias is added up in float64, to m 2**-53 of itself.
    """
    scan, m = search.scan, search.low.size
    scan.span, scan.bias = _fill_table(query, columns, search.table, search.low), 0.0
    for low in search.low:
        scan.bias += low
    scan.bias *= 1 - m * 2.0**-52
    scan.relative, scan.absolute = (m + 16) * 2.0**-24, 0.0


METRIC = Metric(_fill, metric.find, metric.excess, metric.sum_itself)


@_compiled
def _search(
    query: HostArray, columns: HostArray, codes: HostArray, panels: HostArray, distances: HostArray, ids: HostArray
) -> None:
    nearest.filtered(METRIC, query, columns, codes, panels, (), distances, ids)


@_compiled
def _search_plainly(
    query: HostArray, columns: HostArray, codes: HostArray, distances: HostArray, ids: HostArray
) -> None:
    nearest.plainly(METRIC, query, columns, codes, (), distances, ids)
