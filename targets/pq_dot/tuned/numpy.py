"""`pq-dot` by numba: a filter of lower bounds, 64 rows an instruction, and exact distances for the few rows left.

The search is `lar.simd.nearest`, which returns exactly what a plain scan in float32 returns; here is what products add.
Entries are negative products, and those of the first sub-space have the 1 added, so that a row's sum is its distance.
They have either sign, so a float32 sum is off by a part of its terms' magnitude and not of itself: the bound is widened
by that of the largest terms there are, which no row exceeds. Distances may be negative, too; a shortlist sorts them as
they are.

A processor without the byte look-up scans plainly throughout; `lar.simd` says how to force that. Codes are kept twice:
by row, the caller's own array, for exact distances; and in the panels of `lar.simd.bounds`.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import bounds, metric, nearest, products, tables
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
def _fill(search: Search, query: HostArray, columns: HostArray) -> None:
    """Fill the query's table with negative products, the 1 in those of the first sub-space."""
    span, magnitude = products.fill(query, columns, -1.0, 1.0, search.table, search.low)
    metric.note_signed(search, span, magnitude)


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
