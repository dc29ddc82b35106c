"""`pq-l2` by numba: a filter of lower bounds, 64 rows an instruction, and exact distances for the few rows left.

It must return exactly what a plain scan in float32 returns, whatever the data, and never take much longer than one.

- A query's table is quantised to bytes: steps above each sub-space's minimum, rounded down. The sum of a row's bytes
  bounds its distance from below, and 64 look-ups in a table of 256 bytes are two instructions.
- Rows whose bound is within that of the k-th best so far are looked up in the float32 table, in the plain scan's order
  of additions. `_excess` has the margin by which the filter never drops a row that the plain scan would keep, so both
  return the same rows to the last bit, equal distances by row number.
- Where the filter does not filter (all distances within one step of the table), a chunk is scanned plainly.
- A processor without the byte look-up scans plainly throughout; `lar.simd` says how to force that.

Codes are kept twice: by row, the caller's own array, for exact distances; and in the panels of `lar.simd.bounds`.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import bounds, f32x16, shortlist, tables
from lar.simd.bounds import EVERYTHING, GROUP
from lar.simd.shortlist import NOTHING
from lar.simd.tables import TILE

CHUNK = 16  # groups of rows between two looks at the bound, at least
BATCH = 32  # queries that share a chunk's codes while those are in the cache
CACHED = 1 << 22  # bytes of codes up to which one query after the other is faster

SCAN = np.dtype(
    [("bias", "f8"), ("span", "f8"), ("inverse", "f8"), ("bound", "u8"), ("filled", "i8"), ("together", "i8")]
)
"""Where a search stands: the sum of its table's minima, the table's range, steps per unit of distance; the bound and
the length of its shortlist; and how many sub-spaces' bytes are added before they are widened."""

_FILTERS = simd.supports("lookup256")
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :], types.float32[:, :, ::1], types.uint8[:, ::1])  # query, columns, codes
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


class Search(NamedTuple):
    """What belongs to one query: table, the same in steps, the minima of its sub-spaces, shortlist, k and `SCAN`."""

    table: HostArray
    steps: HostArray
    low: HostArray
    keys: HostArray
    k: int
    scan: Any


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
        ``columns`` float32 (m, dim/m, 256), padded with copies of the last centroid; ``codes`` as given; ``panels``
        uint8, see `lar.simd.bounds`.
    """
    del xp, k
    codebook, codes = data["codebook"], np.ascontiguousarray(data["codes"])
    m, K, width = codebook.shape
    columns = simd.aligned((m, width, 256), _FLOAT)
    columns[:, :, :K] = codebook.transpose(0, 2, 1)
    columns[:, :, K:] = columns[:, :, K - 1 : K]
    state = {"columns": columns, "codes": codes}
    if _FILTERS:
        state["panels"] = simd.aligned((-(-len(codes) // GROUP) * GROUP * m,), np.uint8)
        bounds.fill_panels(codes, state["panels"])
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


# ---- the plain scan ------------------------------------------------------------------------------------------------


@_compiled
def _scan_plainly(search: Search, codes: HostArray, first: int, count: int) -> None:
    """Offer all of `count` rows from `first` on."""
    sums = np.empty(-(-count // 16) * 16, np.float32)
    tables.sums_of(search.table, codes, search.low.size, first, sums[:count])
    scan, keys, k = search.scan, search.keys, search.k
    scan.filled, scan.bound = shortlist.offer_all(keys, scan.filled, scan.bound, k, sums, first, count)


@_compiled
def _search_plainly(
    query: HostArray, columns: HostArray, codes: HostArray, distances: HostArray, ids: HostArray
) -> None:
    (nq, k), (N, m) = distances.shape, codes.shape
    kept, flat = min(k, N), codes.reshape(-1)
    table, keys = simd.empty_aligned(m * 1024).view(np.float32), np.empty(2 * kept + 256, np.uint64)
    search = Search(table, flat, np.empty(m, np.float32), keys, kept, np.empty(1, SCAN)[0])
    for q in range(nq):
        _fill_table(query[q], columns, table, search.low)
        search.scan.filled, search.scan.bound = 0, NOTHING
        for first in range(0, N, CHUNK * GROUP):
            _scan_plainly(search, flat, first, min(CHUNK * GROUP, N - first))
        shortlist.write(keys, kept, distances[q], ids[q])


# ---- the filter ----------------------------------------------------------------------------------------------------


@_inlined
def _excess(search: Search) -> Any:
    """Return the most by which a row's exact sum of entries exceeds the bias while its float32 sum is within the bound.

    A float32 sum of positive entries, none of which passes through more than m / 16 + 9 additions, is at least
    ``1 - (m + 16) 2**-24`` times the exact one. The bias is added up in float64, to m 2**-53 of itself.
    """
    m = search.low.size
    most = np.float64(shortlist.distance_of(search.scan.bound)) * (1 + (m + 16) * 2.0**-24)
    return most - search.scan.bias * (1 - m * 2.0**-52)


@_inlined
def _limit(search: Search) -> Any:
    """Return the most steps of a row within the bound: a byte is at most (entry - low) inverse (1 + 2**-24)**2."""
    if search.scan.bound == NOTHING:
        return EVERYTHING
    steps = _excess(search) * search.scan.inverse * (1 + 2.0**-20)
    return np.int64(max(steps, 0.0)) if steps < EVERYTHING else EVERYTHING


@_inlined
def _scale(search: Search, span: Any) -> None:
    """Quantise the table with 255 steps to `span`; with none at all where that is no number to divide by."""
    search.scan.inverse = np.float32(255 / span) if 1e-30 < span < 1e30 else np.float32(0)
    bounds.quantise(search.table, search.low, search.scan.inverse, search.steps)


@_inlined
def _begin(search: Search, query: HostArray, columns: HostArray) -> None:
    """Fill the query's table; without a bound, the steps have to span all of it."""
    scan = search.scan
    scan.span = _fill_table(query, columns, search.table, search.low)
    scan.bias = 0.0
    for low in search.low:
        scan.bias += low
    scan.filled, scan.bound, scan.together = 0, NOTHING, 2
    _scale(search, scan.span)


@_inlined
def _sharpen(search: Search) -> None:
    """Take smaller steps: what exceeds the bound need not be told apart."""
    scan, m, excess = search.scan, search.low.size, _excess(search)
    if scan.bound == NOTHING or excess < 1e-30:
        return
    if m <= TILE:
        scan.together = TILE
        _scale(search, excess * (255 / 253))  # all of it in one byte
    else:
        _scale(search, min(scan.span, 16 * excess / m))


@_compiled
def _look_up(search: Search, codes: HostArray, first: int, blocks: HostArray, keys: HostArray, filled: int) -> Any:
    """Offer the rows that the blocks list to the shortlist `keys`, of which `filled` are there."""
    bound, m, k = search.scan.bound, search.low.size, search.k
    N = codes.size // m
    for block in range(blocks.shape[0]):
        mask, place = blocks[block, 0], first + np.int64(blocks[block, 1])
        while mask:
            row = place + bounds.row_of(simd.trailing_zeros(mask))
            mask &= mask - np.uint64(1)
            if row < N:
                key = shortlist.key_of(tables.sum_of(search.table, codes, m, row), row)
                filled, bound = shortlist.offer(keys, filled, bound, k, key)
    return shortlist.cut(keys, filled, bound, k)


@_inlined
def _visit(search: Search, codes: HostArray, panels: HostArray, group: int, sums: HostArray, blocks: HostArray) -> None:
    """Take the rows of one chunk into account."""
    scan, m, first = search.scan, search.low.size, group * GROUP
    N = codes.size // m
    bounds.add_up(panels, m, group, search.steps, scan.together, sums)
    limit = _limit(search)
    found, near = bounds.find(sums, limit, blocks)
    if near == 0:
        return
    wanted = search.k + max(0, first + sums.size - N)  # that many hold k rows, whatever the padding adds up to
    if near > 4 * wanted:  # the bound is loose: k good rows of this chunk give a better one
        if wanted <= GROUP // 4:
            limit = bounds.rank_of_lanes(sums, wanted, limit)
            found, near = bounds.find(sums, limit, blocks)
        if near > 4 * wanted:
            found, near = bounds.find(sums, bounds.rank(sums, wanted, limit), blocks)
        found = 0
        while wanted > 0:
            wanted -= simd.count_ones(blocks[found, 0])
            found += 1
        _, scan.bound = _look_up(search, codes, first, blocks[:found], search.keys[scan.filled :], 0)
        found, near = bounds.find(sums, _limit(search), blocks)
    if 8 * near > sums.size:
        _scan_plainly(search, codes, first, min(sums.size, N - first))
    else:
        scan.filled, scan.bound = _look_up(search, codes, first, blocks[:found], search.keys, scan.filled)


@_compiled
def _search(
    query: HostArray, columns: HostArray, codes: HostArray, panels: HostArray, distances: HostArray, ids: HostArray
) -> None:
    (nq, k), (N, m) = distances.shape, codes.shape
    kept, flat, groups = min(k, N), codes.reshape(-1), panels.size // (m * GROUP)
    batch = min(nq, BATCH, 1 + (1 << 22) // kept) if panels.size > CACHED else 1
    longest = CHUNK if batch > 1 else 4 * CHUNK
    table = simd.empty_aligned(batch * m * 1024).view(np.float32).reshape(batch, m * 256)
    steps = simd.empty_aligned(batch * m * 256).reshape(batch, m * 256)
    low, keys = np.empty((batch, m), np.float32), np.empty((batch, 2 * kept + 256), np.uint64)
    scan, blocks = np.empty(batch, SCAN), np.empty((longest * 4 + 1, 2), np.uint64)
    sums = simd.empty_aligned(longest * GROUP * 2).view(np.uint16)
    for q in range(0, nq, batch):
        here, group = min(batch, nq - q), np.int64(0)  # a literal would be a type of its own to numba
        while group < groups:
            count = min(max(CHUNK, group // 4), longest, groups - group)
            for i in range(here):
                search = Search(table[i], steps[i], low[i], keys[i], kept, scan[i])
                if group == 0:
                    _begin(search, query[q + i], columns)
                elif group == CHUNK:
                    _sharpen(search)
                _visit(search, flat, panels, group, sums[: count * GROUP], blocks)
            group += count
        for i in range(here):
            shortlist.write(keys[i], kept, distances[q + i], ids[q + i])
