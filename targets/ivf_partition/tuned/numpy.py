"""`ivf-partition` by numba: lower bounds from bytes for 64 centroids at a time, exact distances for the few left.

It returns exactly what a plain scan in float32 returns, to the last bit and equal distances by number, whatever the
data, and never takes much longer than one.

- Centroids are kept twice: as they are, for exact distances, and as signed bytes with a scale each, less their mean
  (`lar.simd.byte_rows`): a quarter of what a scan has to read, and products four to a lane.
- With centroid y + m as ``yhat + r`` and query x + m as ``xhat + t``, hats standing for rounded vectors, the bound is
  ``|x - y| >= |xhat - yhat| - |t| - |r|`` for ``l2``, and ``x.y <= xhat.yhat + |t| |yhat| + |x| |r|`` for ``dot``
  (Cauchy, Schwarz). `_limit` brings either into the form ``estimate - slack lost <= limit``, with margins for each
  rounding, so that one comparison tells whether a centroid is looked at.
- The first bound: the centroids with the k smallest estimates of the first rows are looked up exactly.
- Where the bytes tell nothing apart, chunks are scanned plainly, and after each such chunk more of them are before the
  bytes are tried again.
- Batches share a chunk's bytes while they are in the cache, four queries for each load.

A processor without the products of bytes scans plainly throughout; `lar.simd` says how to force that.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import byte_rows, flat, shortlist
from lar.simd.byte_rows import GROUP, QUERY, TOGETHER, WIDEST
from lar.simd.dots import total
from lar.simd.flat import Search, rounding_of
from lar.simd.lanes import multiply_add, splat, trailing_zeros
from lar.simd.memory import empty_aligned, load
from lar.simd.shortlist import NOTHING
from lar.simd.vector import f32x16

_FILTERS = simd.supports("add_products")
FIRST = 256  # centroids of a chunk, at least
CHUNK = 1_024  # and at most
BYTES = 1 << 17  # of a chunk in a batch, at most, so that they stay in the cache; four times as many for one query
PATIENCE = 16  # chunks that are scanned plainly at most before the bytes are tried again
ROUNDING = 2.0**-20
"""Sixteen times the unit roundoff: more than the roundings of an estimate and of its comparison add up to."""

SCAN = np.dtype([*((name, QUERY[name]) for name in QUERY.names or ()), ("product", "f8"), ("slack", "f4"),
                 ("limit", "f4"), ("bound", "u8"), ("filled", "i8"), ("vain", "i8"), ("resting", "i8")])  # fmt: skip
"""Where the search of one query stands: the rounded query; its product with the mean, as an upper bound; what is held
against an estimate; bound and length of its shortlist; how often the bytes were of no use, and how many chunks they
are left alone for."""

_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :], types.float32[:, ::1], types.float64[::1])  # query, rows, facts
_BYTES = (types.uint8[::1], types.float32[:, ::1], types.float32[::1])  # panels, by_row, centre
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


def prepare(xp: Any, data: Data, *, k: int, metric: str) -> Tree:
    """Lay the centroids out in rows of whole vectors and, where the filter runs, round them to bytes.

    Parameters
    ----------
    xp : module
        Not used, nor is `k`: every kernel is given both.
    data : dict
        ``centroids`` float32 (C, dim).
    k : int
        How many centroids will be wanted.
    metric : str
        ``l2`` or ``dot``.

    Returns
    -------
    dict of arrays
        ``rows`` float32 (C, dim rounded up to 16); ``facts`` float64 (3,): dim, whether distances are squares, the
        norm of ``centre``. Where the filter runs, too: ``panels`` uint8 of `lar.simd.byte_rows`; ``by_row`` float32
        (3, C rounded up to 64): scales, and the two numbers by centroid that `_limit` speaks of; ``centre`` float32.
    """
    del xp, k
    centroids = data["centroids"]
    C, dim = centroids.shape
    width, squared = -(-dim // flat.LANES) * flat.LANES, metric == "l2"
    facts = np.array([dim, squared, 0.0])
    state = {"rows": flat.wide(centroids), "facts": facts}
    if not _FILTERS or dim > WIDEST:
        simd.compile_once(_search_plainly, _READ, _WRITTEN)
        return state
    centre = np.zeros(width, _FLOAT)
    centre[:dim] = np.mean(centroids, axis=0, dtype=np.float64)
    panels, scales, norms, lost = byte_rows.panels_of(centroids, centre[:dim])
    by_row = np.zeros((3, -(-C // GROUP) * GROUP), _FLOAT)
    by_row[0, :C] = scales
    if squared:
        by_row[1, :C] = norms**2 * (1 - ROUNDING) - lost**2 * (1 + ROUNDING) - 1e-37
    else:
        longest = np.sqrt(np.sum(centroids.astype(np.float64) ** 2, axis=1))
        by_row[1, :C] = norms * (1 + ROUNDING)
        lost = lost + ROUNDING * norms + rounding_of(width) * longest
    by_row[2, :C] = lost * (1 + ROUNDING)
    facts[2] = np.sqrt(np.sum(centre.astype(np.float64) ** 2))
    simd.compile_once(_search, (*_READ, *_BYTES), _WRITTEN)
    return {**state, "panels": panels, "by_row": by_row, "centre": centre}


def run(xp: Any, state: Tree, query: Query, /, *, k: int, metric: str) -> tuple[Array, Array]:
    """Find the k nearest centroids of each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp, metric
    shape = (query.shape[0], k)
    distances, ids = np.empty(shape, _FLOAT), np.empty(shape, _WORD)
    if "panels" in state:
        _search(query, state["rows"], state["facts"], state["panels"], state["by_row"], state["centre"], distances, ids)
    else:
        _search_plainly(query, state["rows"], state["facts"], distances, ids)
    return distances, ids


@_compiled
def _search_plainly(
    query: HostArray, centroids: HostArray, facts: HostArray, distances: HostArray, ids: HostArray
) -> None:
    flat.plainly(query, flat.rows_of(centroids, facts), distances, ids)


# ---- the filter ----------------------------------------------------------------------------------------------------


@_inlined
def _begin(rows: Any, search: Any, centre: HostArray, zeros: HostArray, bytes_: HostArray, norm: Any) -> None:
    """Round a query; for ``dot`` the mean is not taken off it, and what it adds to every product is noted."""
    scan = search.scan
    if rows.squared:
        byte_rows.round_query(search.query, centre, bytes_, scan)
        scan.product = 0.0
    else:
        byte_rows.round_query(search.query, zeros, bytes_, scan)
        products = splat(f32x16, 0)
        for d in range(0, search.query.size, 16):
            products = multiply_add(load(f32x16, search.query, d), load(f32x16, centre, d), products)
        within = (rows.width / 16 + 16) * 2.0**-24
        scan.product = np.float64(total(products)) + within * scan.norm * norm + 1e-37 * rows.width
    scan.filled, scan.bound, scan.vain, scan.resting = 0, NOTHING, 0, 0
    _limit(rows, scan)


@_inlined
def _limit(rows: Any, scan: Any) -> None:
    """Say what is held against estimates: a row whose float32 distance is within the bound passes.

    ``l2``: the distance d obeys d**2 <= bound (1 + rounding), and a row passes if |xhat - yhat| <= d + |t| + |r|. That
    squared, with T = d + |t|: ``(|yhat|^2 - |r|^2) - 2 xhat.yhat - 2 T |r| <= T^2 - |xhat|^2``, of which the first
    difference is kept by row.

    ``dot``, with q for the query: ``-|t| |yhat| - xhat.yhat - |q| |r| <= bound - 1 + q.m``.
    """
    if scan.bound == NOTHING:
        scan.slack, scan.limit = 0.0, np.inf
        return
    worst = np.float64(shortlist.distance_of(scan.bound))
    if rows.squared:
        reach = np.sqrt(worst * (1 + 4 * rounding_of(rows.width)) + 1e-36 * rows.width) + scan.lost
        scan.slack = 2 * reach * (1 + ROUNDING)
        scan.limit = reach**2 * (1 + ROUNDING) - scan.kept * (1 - 2 * ROUNDING) + 1e-36
    else:
        scan.slack = scan.norm * (1 + ROUNDING)
        size = 2 + abs(worst) + abs(scan.product)
        scan.limit = worst - 1 + scan.product + size * ROUNDING


@_compiled
def _look_up(rows: Any, search: Any, listed: Any, estimates: HostArray, keys: HostArray, filled: int) -> int:
    """Offer the listed rows to the shortlist `keys`, of which `filled` are there; note the bound, return how many.

    `listed` is ``(blocks, first)``; the estimates, from row `first` on, of what is looked up become infinite.
    """
    (blocks, first), bound, k = listed, search.scan.bound, search.k
    for block in range(blocks.shape[0]):
        mask, place = blocks[block, 0], np.int64(blocks[block, 1])
        while mask:
            row = place + trailing_zeros(mask)
            mask &= mask - np.uint64(1)
            if row < rows.count:
                estimates[row - first] = np.inf
                key = shortlist.key_of(flat.distance(rows, search.query, row), row)
                filled, bound = shortlist.offer(keys, filled, bound, k, key)
    filled, bound = shortlist.cut(keys, filled, bound, k)
    search.scan.bound = bound
    return filled


@_compiled
def _visit(rows: Any, search: Any, lost: HostArray, first: int, estimates: HostArray, blocks: HostArray) -> None:
    """Take the rows of one chunk into account."""
    scan, k, size, ahead = search.scan, search.k, estimates.size, 0
    found, near = byte_rows.find(estimates, lost, first, scan.slack, scan.limit, blocks)
    if near == 0:
        return
    if near > 4 * k + 16:  # the bound is loose: k good rows of this chunk give a better one
        limit = byte_rows.rank(estimates, k, min(size, rows.count - first))
        found, near = byte_rows.find(estimates, lost, first, np.float32(0), limit, blocks)
        if 4 * near <= size:
            ahead = _look_up(rows, search, (blocks[:found], first), estimates, search.keys[scan.filled :], 0)
            _limit(rows, scan)
            found, near = byte_rows.find(estimates, lost, first, scan.slack, scan.limit, blocks)
    if 4 * near > size:  # and what was looked up ahead is not taken in, since it comes again
        flat.scan_plainly(rows, search, first, min(size, rows.count - first), estimates)
        scan.vain = min(2 * scan.vain + 1, PATIENCE)
        scan.resting = scan.vain
    else:
        scan.filled = _look_up(rows, search, (blocks[:found], first), estimates, search.keys, scan.filled + ahead)
        scan.vain = 0
    _limit(rows, scan)


@_inlined
def _terms(rows: Any, scan: Any) -> Any:
    """Return what makes an estimate of a sum of products of bytes."""
    if rows.squared:
        return scan.shift, np.float32(2 * scan.scale), np.float32(1)
    return scan.shift, np.float32(scan.scale), np.float32(-scan.lost)


@_compiled
def _search(
    query: HostArray,
    centroids: HostArray,
    facts: HostArray,
    panels: HostArray,
    by_row: HostArray,
    centre: HostArray,
    distances: HostArray,
    ids: HostArray,
) -> None:
    (nq, k), (C, width) = distances.shape, centroids.shape
    rows = flat.rows_of(centroids, facts)
    kept, dim = min(k, C), rows.dim
    batch, steps = min(nq, flat.BATCH), (dim + 3) // 4
    padded = empty_aligned(4 * width * (batch + 1)).view(np.float32).reshape(batch + 1, width)
    padded[:] = 0  # and the last one stays so
    small = empty_aligned(batch * width).reshape(batch, width)
    words = small.view(np.int32)
    keys, scans = np.empty((batch, 2 * kept + 256), np.uint64), np.empty(batch, SCAN)
    together = BYTES if batch > 1 else 4 * BYTES
    longest = min(CHUNK, max(FIRST, together // width // GROUP * GROUP))
    longest = min(max(longest, (8 * kept + GROUP - 1) // GROUP * GROUP), by_row.shape[1])
    room = empty_aligned(4 * longest * TOGETHER).view(np.float32)
    blocks = np.empty((longest // GROUP + 1, 2), np.uint64)
    scales, base, lost = by_row[0], by_row[1], by_row[2]
    for q in range(0, nq, batch):
        here = min(batch, nq - q)
        for i in range(here):
            padded[i, :dim] = query[q + i]
            search = Search(padded[i], keys[i], kept, scans[i])
            _begin(rows, search, centre, padded[batch], small[i], facts[2])
        first = np.int64(0)
        while first < C:
            size = min(longest, by_row.shape[1] - first)
            places = base, scales, first
            for i in range(0, here, TOGETHER):
                many = min(TOGETHER, here - i)
                out = room[: TOGETHER * size].reshape(TOGETHER, size)
                tired = 0
                for j in range(i, i + many):
                    tired += scans[j].resting > 0
                if many == TOGETHER and tired == 0:
                    terms = (
                        _terms(rows, scans[i]),
                        _terms(rows, scans[i + 1]),
                        _terms(rows, scans[i + 2]),
                        _terms(rows, scans[i + 3]),
                    )
                    byte_rows.estimate_four(panels, steps, places, words[i : i + TOGETHER], terms, out)
                for j in range(i, i + many):
                    search = Search(padded[j], keys[j], kept, scans[j])
                    mine = out[j - i]
                    if scans[j].resting > 0:
                        scans[j].resting -= 1
                        flat.scan_plainly(rows, search, first, min(size, C - first), mine)
                        _limit(rows, scans[j])
                        continue
                    if many < TOGETHER or tired:
                        byte_rows.estimate(panels, steps, places, words[j], _terms(rows, scans[j]), mine)
                    if first + size > C:
                        mine[C - first :] = np.inf
                    _visit(rows, search, lost, first, mine, blocks)
            first += size
        for i in range(here):
            shortlist.write(keys[i], kept, distances[q + i], ids[q + i])
    scans[0].filled = 0  # numba's records do not keep their array alive: it must be used after them
