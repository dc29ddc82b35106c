"""`pq-l2` by numba: a filter of lower bounds, 64 rows an instruction, and exact distances for the few rows left.

It must return exactly what a plain scan in float32 returns, whatever the data, and never take much longer than one.

- A query's table is quantised to bytes: steps above each sub-space's minimum, rounded down. The sum of a row's bytes
  bounds its distance from below, and 64 look-ups in a table of 256 bytes are two instructions.
- Rows whose bound is within that of the k-th best so far are looked up in the float32 table, added up as the plain scan
  does. `_excess` has the margin by which no row is dropped that the plain scan would keep: both return the same rows to
  the last bit, equal distances by row number.
- Where the filter does not filter (all distances within one step), a chunk is scanned plainly; so is everything where
  the processor lacks the byte look-up, which `lar.simd` says how to force.
- Codes are kept twice: by row, the caller's own array, for exact distances; and in the panels of `lar.simd.bounds`.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, Query, Tree
from lar.simd import bounds, f32x16, shortlist, tables
from lar.simd.bounds import EVERYTHING, GROUP
from lar.simd.shortlist import NOTHING
from lar.simd.tables import TILE

CHUNK = 16  # groups of rows between two looks at the bound, at least
BATCH = 32  # queries that share a chunk's codes while those are in the cache
CACHED = 1 << 22  # bytes of codes up to which one query after the other is faster
RETRY = 4  # chunks to scan plainly where the filter has left too many rows, that one included

_FIELDS = {"bias": "f8", "span": "f8", "scale": "f8", "bound": "u8", "held": "i8", "together": "i8", "plain": "i8"}
SCAN = np.dtype(list(_FIELDS.items()))
"""Where a search stands: the sum of its table's minima, the table's range, steps per unit of distance; the bound and
the length of its shortlist; how many sub-spaces' bytes are added before they are widened; chunks to scan plainly."""

_FILTERS = simd.supports("lookup256")
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :], types.float32[:, :, ::1], types.uint8[:, ::1])  # query, columns, codes
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


class Search(NamedTuple):
    """What belongs to one query: table, the same in steps, the minima of its sub-spaces, shortlist, k and `SCAN`."""

    table: Array
    steps: Array
    low: Array
    keys: Array
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
def _fill_table(query: Array, columns: Array, table: Array, low: Array) -> Any:
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
def _scan_plainly(search: Search, codes: Array, first: int, count: int) -> None:
    """Offer all of `count` rows from `first` on."""
    sums = np.empty(-(-count // 16) * 16, np.float32)
    tables.sums_of(search.table, codes, search.low.size, first, sums[:count])
    scan, keys, k = search.scan, search.keys, search.k
    scan.held, scan.bound = shortlist.offer_all(keys, scan.held, scan.bound, k, sums, first, count)


@_compiled
def _search_plainly(query: Array, columns: Array, codes: Array, distances: Array, ids: Array) -> None:
    (nq, k), (N, m) = distances.shape, codes.shape
    kept, flat = min(k, N), codes.reshape(-1)
    table, keys = simd.empty_aligned(m * 1024).view(np.float32), np.empty(2 * kept + 256, np.uint64)
    search = Search(table, flat, np.empty(m, np.float32), keys, kept, np.empty(1, SCAN)[0])
    for q in range(nq):
        _fill_table(query[q], columns, table, search.low)
        search.scan.held, search.scan.bound = 0, NOTHING
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
    """Return the most steps of a row within the bound: a byte is at most (entry - low) scale (1 + 2**-24)**2."""
    if search.scan.bound == NOTHING:
        return EVERYTHING
    steps = _excess(search) * search.scan.scale * (1 + 2.0**-20)
    return np.int64(max(steps, 0.0)) if steps < EVERYTHING else EVERYTHING


@_compiled
def _scale(search: Search, span: Any) -> None:
    """Quantise the table with 255 steps to `span`; with none at all where that is no number to divide by."""
    search.scan.scale = np.float32(255 / span) if 1e-30 < span < 1e30 else np.float32(0)
    bounds.quantise(search.table, search.low, search.scan.scale, search.steps)


@_inlined
def _begin(search: Search, query: Array, columns: Array) -> None:
    """Fill the query's table; without a bound, the steps have to span all of it."""
    scan = search.scan
    scan.span = _fill_table(query, columns, search.table, search.low)
    scan.bias = 0.0
    for low in search.low:
        scan.bias += low
    scan.held, scan.bound, scan.together, scan.plain = 0, NOTHING, 2, 0
    _scale(search, scan.span)


@_compiled
def _sharpen(search: Search) -> bool:
    """Take smaller steps if that helps, and say so: what exceeds the bound need not be told apart."""
    scan, m, excess = search.scan, search.low.size, _excess(search)
    few = m <= TILE  # few enough that a row's steps fit in one byte
    span, together = (excess * (255 / 253), TILE) if few else (min(scan.span, 16 * excess / m), 2)
    if not 1e-30 < span < 1e30 or (span * scan.scale > 200 and scan.together == together):
        return False  # without a bound, the span is not a number
    scan.together = together
    _scale(search, span)
    return True


@_compiled
def _look_up(search: Search, codes: Array, first: int, blocks: Array, keys: Array, filled: int) -> Any:
    """Offer the rows that the blocks list to the shortlist `keys`, of which `filled` are there."""
    table, m, k, bound = search.table, search.low.size, search.k, search.scan.bound  # numba counts references
    for block in range(blocks.shape[0]):
        mask, place = blocks[block, 0], first + np.int64(blocks[block, 1])
        while mask:
            row = place + bounds.row_of(simd.trailing_zeros(mask))
            mask &= mask - np.uint64(1)
            if row * m < codes.size:  # not padding
                key = shortlist.key_of(tables.sum_of(table, codes, m, row), row)
                filled, bound = shortlist.offer(keys, filled, bound, k, key)
    return shortlist.cut(keys, filled, bound, k)


@_inlined
def _sieve(search: Search, codes: Array, first: int, sums: Array, blocks: Array) -> Any:
    """List the blocks of rows within the bound, and count the rows; find a bound first where it is loose."""
    scan, limit = search.scan, _limit(search)
    found, near = bounds.find(sums, limit, blocks)
    padding = max(0, first + sums.size - codes.size // search.low.size)
    wanted = search.k + padding  # that many hold k rows, whatever the padding adds up to
    if near <= 4 * wanted or 16 * wanted > sums.size:
        return found, near
    found = bounds.choose(sums, wanted, limit, blocks)
    _, scan.bound = _look_up(search, codes, first, blocks[:found], search.keys[scan.held :], 0)
    return bounds.find(sums, _limit(search), blocks)


@_inlined
def _visit(search: Search, codes: Array, panels: Array, group: int, sums: Array, blocks: Array) -> None:
    """Take the rows of one chunk into account."""
    scan, m, first = search.scan, search.low.size, group * GROUP
    while scan.plain == 0:
        bounds.add_up(panels, m, group, search.steps, scan.together, sums)
        found, near = _sieve(search, codes, first, sums, blocks)
        if 8 * near <= sums.size:
            if near > 0:
                scan.held, scan.bound = _look_up(search, codes, first, blocks[:found], search.keys, scan.held)
            return
        if not _sharpen(search):
            scan.plain = 1 if scan.bound == NOTHING else RETRY
    scan.plain -= 1
    _scan_plainly(search, codes, first, min(sums.size, codes.size // m - first))


@_compiled
def _search(query: Array, columns: Array, codes: Array, panels: Array, distances: Array, ids: Array) -> None:
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
                else:
                    _sharpen(search)
                _visit(search, flat, panels, group, sums[: count * GROUP], blocks)
            group += count
        for i in range(here):
            shortlist.write(keys[i], kept, distances[q + i], ids[q + i])
