"""Exact float32 distances of vectors to a query, one row at a time, and the plain scan of all rows.

A row's distance is computed in one and the same order of additions wherever it is asked for, so that a search which
leaves rows out can return what the plain scan returns, to the last bit. Every processor can do all of this.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lar.simd import shortlist
from lar.simd.dots import total
from lar.simd.lanes import multiply_add, splat
from lar.simd.memory import empty_aligned, load
from lar.simd.shortlist import NOTHING
from lar.simd.vector import f32x16

CHUNK = 256  # rows that the queries of a batch share while they are in the cache
BATCH = 32  # queries that do so
LANES = 16
"""Rows and queries are as wide as a multiple of it; what exceeds their components is 0."""

_PROGRESS = np.dtype([("bound", "u8"), ("filled", "i8")])
_FOUR = np.uint64(4 * LANES)
_ONE, _TWO, _THREE = np.uint64(LANES), np.uint64(2 * LANES), np.uint64(3 * LANES)
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


class Rows(NamedTuple):
    """Vectors: float32, one behind the other; how many, how wide, of how many components, and the metric.

    Squared or not: a distance is ``|q - c|^2``, or ``1 - q . c``.
    """

    flat: Any
    count: Any
    width: Any
    dim: Any
    squared: Any


class Search(NamedTuple):
    """What belongs to one query: its components, its shortlist, k, and a record with at least `bound` and `filled`."""

    query: Any
    keys: Any
    k: Any
    scan: Any


def wide(vectors: Any) -> Any:
    """Return vectors float32 (N, dim) contiguous and in whole lanes, zeros behind; themselves, if they are that."""
    N, dim = vectors.shape
    if dim % LANES == 0:
        return np.ascontiguousarray(vectors)
    out = np.zeros((N, -(-dim // LANES) * LANES), np.float32)
    out[:, :dim] = vectors
    return out


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def rows_of(vectors: Any, facts: Any) -> Any:
    """Return `Rows` of vectors float32 (N, width); `facts` begins with the components and whether to square."""
    count, width = vectors.shape
    return Rows(vectors.reshape(-1), count, width, np.int64(facts[0]), facts[1] != 0)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def rounding_of(width: Any) -> Any:
    """Return the part of its terms' magnitude by which a distance may be off, apart from the last subtraction from 1.

    No term passes through more than ``width / 64 + 12`` additions, and a term itself is rounded three times at most.
    """
    return (width / 64 + 16) * 2.0**-24


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def distance(rows: Any, query: Any, row: Any) -> Any:
    """Return the float32 distance of one row to a query, float32 (width,)."""
    width = np.uint64(rows.width)
    at, whole = np.uint64(row) * width, width - width % _FOUR
    a = b = c = d = splat(f32x16, 0)
    if rows.squared:
        for j in range(np.uint64(0), whole, _FOUR):
            w = load(f32x16, rows.flat, at + j) - load(f32x16, query, j)
            x = load(f32x16, rows.flat, at + j + _ONE) - load(f32x16, query, j + _ONE)
            y = load(f32x16, rows.flat, at + j + _TWO) - load(f32x16, query, j + _TWO)
            z = load(f32x16, rows.flat, at + j + _THREE) - load(f32x16, query, j + _THREE)
            a, b, c, d = multiply_add(w, w, a), multiply_add(x, x, b), multiply_add(y, y, c), multiply_add(z, z, d)
        for j in range(whole, width, _ONE):
            w = load(f32x16, rows.flat, at + j) - load(f32x16, query, j)
            a = multiply_add(w, w, a)
        return total((a + b) + (c + d))
    for j in range(np.uint64(0), whole, _FOUR):
        a = multiply_add(load(f32x16, rows.flat, at + j), load(f32x16, query, j), a)
        b = multiply_add(load(f32x16, rows.flat, at + j + _ONE), load(f32x16, query, j + _ONE), b)
        c = multiply_add(load(f32x16, rows.flat, at + j + _TWO), load(f32x16, query, j + _TWO), c)
        d = multiply_add(load(f32x16, rows.flat, at + j + _THREE), load(f32x16, query, j + _THREE), d)
    for j in range(whole, width, _ONE):
        a = multiply_add(load(f32x16, rows.flat, at + j), load(f32x16, query, j), a)
    return np.float32(1) - total((a + b) + (c + d))


@_compiled  # type: ignore[untyped-decorator]  # numba ships no types
def scan_plainly(rows: Any, search: Any, first: Any, count: Any, sums: Any) -> None:
    """Offer all of `count` rows from `first` on; `sums` is float32, with room for them rounded up to 16."""
    for i in range(count):
        sums[i] = distance(rows, search.query, first + i)
    scan = search.scan
    scan.filled, scan.bound = shortlist.offer_all(search.keys, scan.filled, scan.bound, search.k, sums, first, count)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def plainly(query: Any, rows: Any, distances: Any, ids: Any) -> None:
    """Find the k nearest rows of each query by looking at every one.

    Parameters
    ----------
    query : array
        float32 (nq, dim), any strides.
    rows : Rows
        The vectors.
    distances, ids : array
        float32 and uint32 (nq, k), written to: ascending, padded with +inf and 2**32 - 1.
    """
    nq, k = distances.shape
    kept, batch = min(k, rows.count), min(nq, BATCH)
    padded = empty_aligned(4 * rows.width * batch).view(np.float32).reshape(batch, rows.width)
    padded[:] = 0
    keys, sums, scans = np.empty((batch, 2 * kept + 256), np.uint64), np.empty(CHUNK, np.float32), _scans(batch)
    for q in range(0, nq, batch):
        here = min(batch, nq - q)
        for i in range(here):
            padded[i, : rows.dim] = query[q + i]
            scans[i].filled, scans[i].bound = 0, NOTHING
        for first in range(0, rows.count, CHUNK):
            for i in range(here):
                search = Search(padded[i], keys[i], kept, scans[i])
                scan_plainly(rows, search, first, min(CHUNK, rows.count - first), sums)
        for i in range(here):
            shortlist.write(keys[i], kept, distances[q + i], ids[q + i])
    scans[0].filled = 0  # numba's records do not keep their array alive: it must be used after them


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def _scans(count: Any) -> Any:
    return np.empty(count, _PROGRESS)
