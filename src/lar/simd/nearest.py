"""The k nearest rows by sums of look-ups: lower bounds for 64 rows an instruction, exact distances for the few left.

A search returns exactly what a plain scan in float32 returns, whatever the data, and never takes much longer than one.

- A query's table is quantised to bytes: steps above each sub-space's minimum, rounded down. The sum of a row's bytes
  bounds its exact sum from below, and 64 look-ups in a table of 256 bytes are two instructions (`lar.simd.bounds`).
- Rows whose bound is within that of the k-th best so far are looked up in the float32 table, in the plain scan's order
  of additions (`lar.simd.tables`). A metric notes margins by which the filter never drops a row that the plain scan
  would keep, so both return the same rows to the last bit, equal distances by row number.
- Where the filter does not filter (all distances within one step of the table), a chunk is scanned plainly.

What a distance is, a `lar.simd.metric.Metric` says: a named tuple of compiled functions, whose type numba knows, so
that each kernel is compiled as if it were written out. `filtered` and `plainly` must be called from a compiled function
of the kernel's own, whose file numba's cache is named after; for the same reason nothing here is cached.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd import bounds, shortlist, tables
from lar.simd.bounds import GROUP
from lar.simd.lanes import count_ones, trailing_zeros
from lar.simd.memory import empty_aligned
from lar.simd.metric import SCAN, Search
from lar.simd.shortlist import NOTHING
from lar.simd.tables import TILE

CHUNK = 16  # groups of rows between two looks at the bound, at least
BATCH = 32  # queries that share a chunk's codes while those are in the cache
CACHED = 1 << 22  # bytes of codes up to which one query after the other is faster

_compiled = njit(nogil=True)
_inlined = njit(nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


# ---- the plain scan ------------------------------------------------------------------------------------------------


@_compiled  # type: ignore[untyped-decorator]  # numba ships no types
def _scan_plainly(metric: Any, search: Any, codes: Any, extra: Any, first: Any, count: Any) -> None:
    """Offer all of `count` rows from `first` on."""
    sums = np.empty(-(-count // 16) * 16, np.float32)
    tables.sums_of(search.table, codes, search.low.size, first, sums[:count])
    for i in range(count):
        sums[i] = metric.distance(extra, sums[i], first + i)
    scan, keys, k = search.scan, search.keys, search.k
    scan.filled, scan.bound = shortlist.offer_all(keys, scan.filled, scan.bound, k, sums, first, count)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def plainly(metric: Any, query: Any, columns: Any, codes: Any, extra: Any, distances: Any, ids: Any) -> None:
    """Find the k nearest rows of each query by looking up every row; any processor can.

    Parameters
    ----------
    metric : Metric
        What a distance is.
    query : array
        float32 (nq, m * width), any strides.
    columns : array
        float32 (m, width, 256), see `lar.simd.tables.columns_of`.
    codes : array
        uint8 (N, m).
    extra : tuple
        What the metric's functions are handed.
    distances, ids : array
        float32 and uint32 (nq, k), written to: ascending, padded with +inf and 2**32 - 1.
    """
    (nq, k), (N, m) = distances.shape, codes.shape
    kept, flat = min(k, N), codes.reshape(-1)
    table, keys = empty_aligned(m * 1024).view(np.float32), np.empty(2 * kept + 256, np.uint64)
    scans = np.empty(1, SCAN)
    search = Search(table, flat, np.empty(m, np.float32), keys, kept, scans[0])
    for q in range(nq):
        metric.fill(search, query[q], columns)
        search.scan.filled, search.scan.bound = 0, NOTHING
        for first in range(0, N, CHUNK * GROUP):
            _scan_plainly(metric, search, flat, extra, first, min(CHUNK * GROUP, N - first))
        shortlist.write(keys, kept, distances[q], ids[q])
    scans[0].filled = 0  # numba's records do not keep their array alive: it must be used after them


# ---- the filter ----------------------------------------------------------------------------------------------------


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def _scale(search: Any, span: Any) -> None:
    """Quantise the table with 255 steps to `span`; with none at all where that is no number to divide by."""
    search.scan.inverse = np.float32(255 / span) if 1e-30 < span < 1e30 else np.float32(0)
    bounds.quantise(search.table, search.low, search.scan.inverse, search.steps)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def begin(metric: Any, search: Any, query: Any, columns: Any) -> None:
    """Fill the query's table; without a bound, the steps have to span all of it."""
    metric.fill(search, query, columns)
    search.scan.filled, search.scan.bound, search.scan.together = 0, NOTHING, 2
    _scale(search, search.scan.span)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def sharpen(metric: Any, search: Any, extra: Any) -> None:
    """Take smaller steps: what exceeds the bound need not be told apart."""
    scan, m = search.scan, search.low.size
    if scan.bound == NOTHING:
        return
    most = metric.excess(search, extra)
    if most < 1e-30:
        return
    if m <= TILE:
        scan.together = TILE
        _scale(search, most * (255 / 253))  # all of it in one byte
    else:
        _scale(search, min(scan.span, 16 * most / m))


@_compiled  # type: ignore[untyped-decorator]  # numba ships no types
def _look_up(metric: Any, search: Any, codes: Any, extra: Any, first: Any, blocks: Any, keys: Any, filled: Any) -> Any:
    """Offer the rows that the blocks list to the shortlist `keys`, of which `filled` are there."""
    bound, m, k = search.scan.bound, search.low.size, search.k
    N = codes.size // m
    for block in range(blocks.shape[0]):
        mask, place = blocks[block, 0], first + np.int64(blocks[block, 1])
        while mask:
            row = place + bounds.row_of(trailing_zeros(mask))
            mask &= mask - np.uint64(1)
            if row < N:
                distance = metric.distance(extra, tables.sum_of(search.table, codes, m, row), row)
                filled, bound = shortlist.offer(keys, filled, bound, k, shortlist.key_of(distance, row))
    return shortlist.cut(keys, filled, bound, k)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def _visit(metric: Any, search: Any, codes: Any, panels: Any, extra: Any, group: Any, sums: Any, blocks: Any) -> None:
    """Take the rows of one chunk into account."""
    scan, m, first = search.scan, search.low.size, group * GROUP
    N = codes.size // m
    bounds.add_up(panels, m, group, search.steps, scan.together, sums)
    found, near, most = metric.find(search, extra, first, sums, blocks)
    if near == 0:
        return
    wanted = search.k + max(0, first + sums.size - N)  # that many hold k rows, whatever the padding adds up to
    if near > 4 * wanted:  # the bound is loose: k good rows of this chunk give a better one
        if wanted <= GROUP // 4:
            most = bounds.rank_of_lanes(sums, wanted, most)
            found, near = bounds.find(sums, most, blocks)
        if near > 4 * wanted:
            found, near = bounds.find(sums, bounds.rank(sums, wanted, most), blocks)
        found = 0
        while wanted > 0:
            wanted -= count_ones(blocks[found, 0])
            found += 1
        _, scan.bound = _look_up(metric, search, codes, extra, first, blocks[:found], search.keys[scan.filled :], 0)
        found, near, _ = metric.find(search, extra, first, sums, blocks)
    if 8 * near > sums.size:
        _scan_plainly(metric, search, codes, extra, first, min(sums.size, N - first))
    else:
        scan.filled, scan.bound = _look_up(
            metric, search, codes, extra, first, blocks[:found], search.keys, scan.filled
        )


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def filtered(
    metric: Any, query: Any, columns: Any, codes: Any, panels: Any, extra: Any, distances: Any, ids: Any
) -> None:
    """Find the k nearest rows of each query; needs what ``supports("lookup256")`` asks for.

    Parameters
    ----------
    metric, query, columns, codes, extra, distances, ids
        As for `plainly`.
    panels : array
        uint8, see `lar.simd.bounds.panels_of`.
    """
    (nq, k), (N, m) = distances.shape, codes.shape
    kept, flat, groups = min(k, N), codes.reshape(-1), panels.size // (m * GROUP)
    batch = min(nq, BATCH, 1 + (1 << 22) // kept) if panels.size > CACHED else 1
    longest = CHUNK if batch > 1 else 4 * CHUNK
    table = empty_aligned(batch * m * 1024).view(np.float32).reshape(batch, m * 256)
    steps = empty_aligned(batch * m * 256).reshape(batch, m * 256)
    low, keys = np.empty((batch, m), np.float32), np.empty((batch, 2 * kept + 256), np.uint64)
    scan, blocks = np.empty(batch, SCAN), np.empty((longest * 4 + 1, 2), np.uint64)
    sums = empty_aligned(longest * GROUP * 2).view(np.uint16)
    for q in range(0, nq, batch):
        here, group = min(batch, nq - q), np.int64(0)  # a literal would be a type of its own to numba
        while group < groups:
            count = min(max(CHUNK, group // 4), longest, groups - group)
            for i in range(here):
                search = Search(table[i], steps[i], low[i], keys[i], kept, scan[i])
                if group == 0:
                    begin(metric, search, query[q + i], columns)
                elif group == CHUNK:
                    sharpen(metric, search, extra)
                _visit(metric, search, flat, panels, extra, group, sums[: count * GROUP], blocks)
            group += count
        for i in range(here):
            shortlist.write(keys[i], kept, distances[q + i], ids[q + i])
