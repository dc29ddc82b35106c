"""`pq-cosine` by numba: a filter of lower bounds, 64 rows an instruction, and exact distances for the few rows left.

The search is `lar.simd.nearest`, which returns exactly what a plain scan in float32 returns; here is what cosines add.
Entries are negative products of the query, divided by its norm, so that a row's distance is 1 + its sum / its norm.

- Norms depend on the rows alone: `prepare` keeps 1 / norm, 0 for a row of zeros, whose distance is then 1 exactly.
- A bound D asks of a row of norm n that its sum is at most (D - 1) n: every row has a limit of its own, a line in its
  norm. The filter reads norms as levels of 16 bits, two bytes a row beside m bytes of codes, and takes the line off the
  largest limit with three instructions for 32 rows. A level is rounded to the side on which the limit is larger.
- A row of zeros has the highest level: while D is below 1, the line may rule it out; from 1 on, nothing does.
- Steps are chosen for rows of small norm, but not for the very smallest: one in a thousand may saturate its bytes, and
  is then looked up in vain.

A processor without the byte look-up scans plainly throughout; `lar.simd` says how to force that. Codes are kept twice:
by row, the caller's own array, for exact distances; and in the panels of `lar.simd.bounds`.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import bounds, nearest, products, shortlist, tables
from lar.simd import metric as metrics
from lar.simd.bounds import EVERYTHING
from lar.simd.metric import Metric, Search
from lar.simd.shortlist import NOTHING

_FILTERS = simd.supports("lookup256")
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :], types.float32[:, :, ::1], types.uint8[:, ::1], types.float32[::1])
_PANELS, _LEVELS, _SCALE = types.uint8[::1], types.uint16[::1], types.float64[::1]
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_ROUNDING = 2.0**-20  # more than what rounding 1 + sum / norm can move a distance, which is 2 at most
_SMALL = 1_000  # one row in so many may be smaller than what steps are chosen for
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


class Norms(NamedTuple):
    """What is kept of rows: 1 / norm, the norms' levels in the order of sums, and their scale, see `levels_of`."""

    inverse: HostArray
    levels: HostArray
    scale: HostArray


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Lay out the centroids by component, find the norms and, where the filter runs, lay the codes out in panels.

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
        ``columns`` float32 (m, dim/m, 256), see `lar.simd.tables`; ``codes`` as given; ``inverse`` float32 (N,), 1 /
        norm; ``panels`` uint8, see `lar.simd.bounds`; ``levels`` uint16 and ``scale`` float64 (3,), see `levels_of`.
    """
    del xp, k
    codes = np.ascontiguousarray(data["codes"])
    inverse = np.empty(len(codes), _FLOAT)
    inverse_norms(np.ascontiguousarray(data["codebook"]), codes, inverse)
    state = {"columns": tables.columns_of(data["codebook"]), "codes": codes, "inverse": inverse}
    if _FILTERS:
        state["panels"] = bounds.panels_of(codes)
        levels, state["scale"] = levels_of(inverse)
        state["levels"] = bounds.in_order_of_sums(levels, EVERYTHING)
        simd.compile_once(_search, (*_READ, _PANELS, _LEVELS, _SCALE), _WRITTEN)
    else:
        simd.compile_once(_search_plainly, _READ, _WRITTEN)
    return state


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp
    shape = (query.shape[0], k)
    distances, ids = np.empty(shape, _FLOAT), np.empty(shape, _WORD)
    rows = state["columns"], state["codes"], state["inverse"]
    if _FILTERS:
        _search(query, *rows, state["panels"], state["levels"], state["scale"], distances, ids)
    else:
        _search_plainly(query, *rows, distances, ids)
    return distances, ids


@_inlined
def inverse_norm(vector: HostArray) -> Any:
    """Return 1 over the L2 norm of float32 (dim,) as float64; 0 where the norm is 0."""
    a = b = c = d = 0.0
    whole = vector.size // 4 * 4
    for i in range(0, whole, 4):  # four sums hide each other's latency
        p, q, r, s = vector[i], vector[i + 1], vector[i + 2], vector[i + 3]
        a, b = a + np.float64(p) * p, b + np.float64(q) * q
        c, d = c + np.float64(r) * r, d + np.float64(s) * s
    for i in range(whole, vector.size):
        a += np.float64(vector[i]) * vector[i]
    square = (a + b) + (c + d)
    return 1 / np.sqrt(square) if square > 0 else 0.0


@_compiled
def inverse_norms(codebook: HostArray, codes: HostArray, inverse: HostArray) -> None:
    """Write 1 over the norm of each decoded row to float32 (N,), 0 for a row of zeros; summed up in float64.

    `codebook` is float32 (m, K, width), `codes` uint8 (N, m).
    """
    (N, m), (_, K, width) = codes.shape, codebook.shape
    squares = np.zeros((m, K))
    for j in range(m):
        for c in range(K):
            for d in range(width):
                squares[j, c] += np.float64(codebook[j, c, d]) * codebook[j, c, d]
    for i in range(N):
        total = 0.0
        for j in range(m):
            total += squares[j, codes[i, j]]
        inverse[i] = 1 / np.sqrt(total) if total > 0 else 0.0


def levels_of(inverse: HostArray) -> tuple[HostArray, HostArray]:
    """Express norms in 2**16 levels.

    Parameters
    ----------
    inverse : array
        float32 (N,): 1 / norm as distances are computed with, 0 for a row of zeros.

    Returns
    -------
    levels : array
        uint16 (N,): a norm that is not 0 lies between ``lowest + level * width`` and ``lowest + (level + 1) * width``;
        of 0 it is 2**16 - 1.
    scale : array
        float64 (3,): lowest, width, and a norm that one row in a thousand falls below; 0, 1, 0 if all are zero.
    """
    levels = np.full(len(inverse), EVERYTHING, np.uint16)
    norms = 1 / inverse[inverse > 0].astype(np.float64)
    if norms.size == 0:
        return levels, np.array([0.0, 1.0, 0.0])
    lowest, highest = norms.min(), norms.max()
    width = max((highest - lowest) / EVERYTHING, lowest * 2.0**-40)
    levels[inverse > 0] = np.minimum((norms - lowest) / width, EVERYTHING)
    small = np.partition(norms, norms.size // _SMALL)[norms.size // _SMALL]
    return levels, np.array([lowest, width, small])


@_inlined
def _fill(search: Search, query: HostArray, columns: HostArray) -> None:
    """Fill the query's table with negative products, divided by the query's norm: zeros for a query of zeros."""
    factor = np.float32(-inverse_norm(query))
    span, magnitude = products.fill(query, columns, factor, 0.0, search.table, search.low)
    metrics.note_signed(search, span, magnitude)


@_inlined
def _slope(search: Search) -> Any:
    """Return the most that sum / norm is while the distance is within the bound."""
    return np.float64(shortlist.distance_of(search.scan.bound)) - 1 + _ROUNDING


@_inlined
def _line(search: Search, norms: Norms) -> Any:
    """Return the line of `bounds.find_by_level`: the most steps of a row within the bound, from its level.

    A row's exact sum exceeds the bias by at most ``slope * norm + margin``, where the norm is at least that of the
    level's lower end and, where the slope rises, at most that of its upper end. What is taken off is rounded down.
    """
    everything = EVERYTHING, 0, 0
    if search.scan.bound == NOTHING:
        return everything
    scan, slope = search.scan, _slope(search)
    lowest, width = norms.scale[0], norms.scale[1]
    steps = scan.inverse * (1 + 2.0**-20)
    end = lowest if slope < 0 else lowest + (EVERYTHING + 1) * width
    most = (slope * end + scan.absolute - scan.bias) * steps
    if not most < EVERYTHING - 1:
        return everything
    fall = min(abs(slope) * width * steps * (EVERYTHING + 1), EVERYTHING)
    return np.int64(max(most + 1, 0.0)), np.int64(fall), 0 if slope < 0 else EVERYTHING


@_inlined
def _find(search: Search, norms: Norms, first: int, sums: HostArray, blocks: HostArray) -> Any:
    """Hold each row against its own limit."""
    found, near = bounds.find_by_level(sums, norms.levels, first, _line(search, norms), blocks)
    return found, near, EVERYTHING


@_inlined
def _excess(search: Search, norms: Norms) -> Any:
    """Return by how much the sum of a row within the bound exceeds the bias, for a row of small norm.

    Where the slope rises, it is the largest norm that leaves most room.
    """
    slope = _slope(search)
    norm = norms.scale[2] if slope < 0 else norms.scale[0] + (EVERYTHING + 1) * norms.scale[1]
    return slope * norm + search.scan.absolute - search.scan.bias


@_inlined
def _distance(norms: Norms, total: Any, row: Any) -> Any:
    return np.float32(1) + total * norms.inverse[np.uint64(row)]


METRIC = Metric(_fill, _find, _excess, _distance)


@_compiled
def _search(  # noqa: PLR0917 - numba takes arrays one by one
    query: HostArray,
    columns: HostArray,
    codes: HostArray,
    inverse: HostArray,
    panels: HostArray,
    levels: HostArray,
    scale: HostArray,
    distances: HostArray,
    ids: HostArray,
) -> None:
    nearest.filtered(METRIC, query, columns, codes, panels, Norms(inverse, levels, scale), distances, ids)


@_compiled
def _search_plainly(
    query: HostArray, columns: HostArray, codes: HostArray, inverse: HostArray, distances: HostArray, ids: HostArray
) -> None:
    nearest.plainly(METRIC, query, columns, codes, Norms(inverse, inverse, inverse), distances, ids)
