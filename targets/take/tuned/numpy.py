"""`take` by numba: ids are checked before they are followed, runs are copied whole, long rows are fetched early.

It must return exactly the rows that are named, read nothing outside the table whatever the ids, and nowhere take much
longer than a loop that copies a row for each id.

- Ids are looked at in blocks that stay in the innermost cache: the largest of a block is found sixteen at a time, so an
  id that is no row's ends the call with an IndexError before anything was read by it.
- Of rows of 4 and 8 bytes, sixteen ids that follow one another are one or two vectors to copy. Seeing that takes a
  subtraction and a comparison for sixteen ids.
- Rows of 64 bytes and more are read from memory sixteen words at a time, several rows ahead.

All of it is generic LLVM code, so no processor needs another path.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import i32x16, streams, u32x16
from lar.simd.vector import Vector

BLOCK = 1_024  # ids looked at before they are followed
LANES = 16
AHEAD = 6  # rows between one that is copied and one that is fetched from memory
STREAMED = 1 << 25  # bytes of result from which on it is written past the caches, which would not hold it

_FOLLOWING = np.arange(LANES, dtype=np.uint32)
_RUN = (1 << LANES) - 1
_WORD = np.dtype(np.int32)  # np.empty is quicker with this than with the scalar type
_READ = (types.int32[:, ::1], types.uint32[::1])  # values, ids
_WRITTEN = (types.int32[:, ::1],)
_PAIR = Vector(types.int32, 2)
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data) -> Tree:
    """Bring rows of whole cache lines to where lines begin, and compile.

    Parameters
    ----------
    xp : module
        Not used; every kernel is given it.
    data : dict
        ``values`` int32 (N, W).

    Returns
    -------
    dict of arrays
        ``values``: the same rows.
    """
    del xp
    values = np.ascontiguousarray(data["values"])
    width = values.shape[1]
    if width >= LANES:
        rows = simd.aligned(values.shape, _WORD)
        rows[:] = values
        values = rows
    simd.compile_once(_kernel_of(width), _READ, _WRITTEN)
    return {"values": values}


def run(xp: Any, state: Tree, query: Query, /) -> tuple[Array]:
    """Return the row of each id; arguments and results are those of ``run`` in `portable.py`.

    Raises
    ------
    IndexError
        If an id is no row's, with its place.
    """
    del xp
    values = state["values"]
    (N, width), n = values.shape, query.shape[0]
    streamed = 4 * width * n >= STREAMED and width % LANES == 0
    rows = simd.aligned((n, width), _WORD) if streamed else np.empty((n, width), _WORD)
    if not _kernel_of(width)(values, np.ascontiguousarray(query), rows):
        place = int(np.argmax(query >= N))
        raise IndexError(f"ids[{place}] is {query[place]}, expected a row below N = {N}")
    return (rows,)


def _kernel_of(width: int) -> Any:
    return {1: _take_words, 2: _take_pairs}.get(width, _take_rows)


@_inlined
def _within(ids: HostArray, start: int, stop: int, rows: int) -> bool:
    """Say whether ``ids[start:stop]`` are all below `rows`."""
    whole = stop - (stop - start) % LANES
    most = simd.splat(u32x16, 0)
    for i in range(start, whole, LANES):
        most = simd.maximum(most, simd.load(u32x16, ids, i))
    largest = simd.highest(most)
    for i in range(whole, stop):
        largest = max(largest, ids[i])
    return largest < rows


@_inlined
def _follow_one_another(ids: HostArray, i: int) -> bool:
    """Say whether sixteen ids are those of rows that lie one behind the other."""
    above = simd.load(u32x16, ids, i) - simd.splat(u32x16, ids[i])
    return simd.bits(above == simd.load(u32x16, _FOLLOWING, 0)) == _RUN


@_compiled
def _take_words(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target, n = values.reshape(-1), rows.reshape(-1), ids.size
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, source.size):
            return False
        whole = stop - (stop - start) % LANES
        for i in range(start, whole, LANES):
            if _follow_one_another(ids, i):
                simd.store(target, i, simd.load(i32x16, source, ids[i]))
            else:
                for lane in range(LANES):
                    target[i + lane] = source[ids[i + lane]]
        for i in range(whole, stop):
            target[i] = source[ids[i]]
    return True


@_compiled
def _take_pairs(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target, n = values.reshape(-1), rows.reshape(-1), ids.size
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, values.shape[0]):
            return False
        whole = stop - (stop - start) % LANES
        for i in range(start, whole, LANES):
            if _follow_one_another(ids, i):
                at = 2 * np.int64(ids[i])
                simd.store(target, 2 * i, simd.load(i32x16, source, at))
                simd.store(target, 2 * i + LANES, simd.load(i32x16, source, at + LANES))
            else:
                for lane in range(LANES):
                    pair = simd.load(_PAIR, source, 2 * np.int64(ids[i + lane]))
                    simd.store(target, 2 * (i + lane), pair)
        for i in range(whole, stop):
            simd.store(target, 2 * i, simd.load(_PAIR, source, 2 * np.int64(ids[i])))
    return True


@_compiled
def _take_rows(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target = values.reshape(-1), rows.reshape(-1)
    (N, width), n = values.shape, ids.size
    streamed = 4 * target.size >= STREAMED and width % LANES == 0
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, N):
            return False
        for i in range(start, stop):
            row = np.int64(ids[i]) * width
            if streamed:
                ahead = np.int64(ids[min(i + AHEAD, n - 1)]) * width
                for j in range(0, width, LANES):
                    streams.prefetch(source, ahead + j)
                    streams.store_past(target, i * width + j, simd.load(i32x16, source, row + j))
            elif width >= LANES:
                ahead = np.int64(ids[min(i + AHEAD, n - 1)]) * width
                for j in range(0, width - LANES, LANES):
                    streams.prefetch(source, ahead + j)
                    simd.store(target, i * width + j, simd.load(i32x16, source, row + j))
                last = width - LANES  # overlaps the vector before it where the row is no whole number of vectors
                streams.prefetch(source, ahead + last)
                simd.store(target, i * width + last, simd.load(i32x16, source, row + last))
            else:
                for j in range(width):
                    target[i * width + j] = source[row + j]
    if streamed:
        streams.fence()
    return True
