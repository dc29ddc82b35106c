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

BLOCK = 256  # ids looked at before they are followed; rows are fetched so many ids before they are copied
LANES = 16
AHEAD = 8_192  # bytes of rows between one that is copied and one that is fetched
CACHED = 1 << 20  # bytes of table that are not worth fetching ahead of time
PAGE = 1 << 21  # bytes of a large page
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
    for streamed in (False, width % LANES == 0):
        simd.compile_once(_kernel_of(width, streamed=streamed), _READ, _WRITTEN)
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
    rows = _in_large_pages(n, width) if streamed else np.empty((n, width), _WORD)
    if not _kernel_of(width, streamed=streamed)(values, np.ascontiguousarray(query), rows):
        place = int(np.argmax(query >= N))
        raise IndexError(f"ids[{place}] is {query[place]}, expected a row below N = {N}")
    return (rows,)


def _in_large_pages(n: int, width: int) -> HostArray:
    """Return an uninitialised int32 (n, W) that starts at a large page and reaches into no small one.

    A result this large is new memory in every call, which the system clears when it is touched: by small pages at both
    ends that takes a tenth longer.
    """
    size = 4 * n * width
    spare = np.empty(-(-size // PAGE) * PAGE + PAGE, np.uint8)
    past = -spare.ctypes.data % PAGE
    rows: HostArray = spare[past : past + size].view(_WORD).reshape(n, width)
    return rows


def _kernel_of(width: int, *, streamed: bool) -> Any:
    if width <= 2:
        return _take_words if width == 1 else _take_pairs
    return _stream_rows if streamed else _take_rows


@_inlined
def _within(ids: HostArray, start: int, stop: int, rows: int) -> bool:
    """Say whether ``ids[start:stop]`` are all below `rows`."""
    whole = stop - (stop - start) % LANES
    most = simd.splat(u32x16, 0)
    for i in range(start, whole, LANES):
        most = simd.maximum(most, simd.load(u32x16, ids, i))
    largest = simd.highest(most)
    for i in range(whole, stop):
        largest = max(largest, ids[np.uint64(i)])
    return largest < rows


@_inlined
def _follow_one_another(ids: HostArray, i: int) -> bool:
    """Say whether sixteen ids are those of rows that lie one behind the other."""
    above = simd.load(u32x16, ids, i) - simd.splat(u32x16, ids[np.uint64(i)])
    return simd.bits(above == simd.load(u32x16, _FOLLOWING, 0)) == _RUN


@_inlined
def _ask_for(source: HostArray, ids: HostArray, i: int, width: int) -> None:
    """Have the rows of sixteen ids fetched, of one word or two; those of a run share their lines."""
    if _follow_one_another(ids, i):
        at = np.int64(ids[np.uint64(i)]) * width
        for words in range(0, LANES * width, LANES):
            streams.prefetch(source, at + words)
        streams.prefetch(source, at + LANES * width - 1)
    else:
        for lane in range(LANES):
            streams.prefetch(source, np.int64(ids[np.uint64(i + lane)]) * width)


@_compiled
def _take_words(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target, n = values.reshape(-1), rows.reshape(-1), ids.size
    far = 4 * source.size > CACHED
    for i in range(0, min(n, BLOCK) - LANES + 1 if far else 0, LANES):
        _ask_for(source, ids, i, 1)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, source.size):
            return False
        whole = stop - (stop - start) % LANES
        for i in range(start, whole, LANES):
            if far and i + BLOCK + LANES <= n:
                _ask_for(source, ids, i + BLOCK, 1)
            if _follow_one_another(ids, i):
                simd.store(target, i, simd.load(i32x16, source, ids[np.uint64(i)]))
            else:
                for lane in range(LANES):
                    place = np.uint64(i + lane)
                    target[place] = source[ids[place]]
        for i in range(whole, stop):
            target[np.uint64(i)] = source[ids[np.uint64(i)]]
    return True


@_compiled
def _take_pairs(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target, n = values.reshape(-1), rows.reshape(-1), ids.size
    far = 4 * source.size > CACHED
    for i in range(0, min(n, BLOCK) - LANES + 1 if far else 0, LANES):
        _ask_for(source, ids, i, 2)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, values.shape[0]):
            return False
        whole = stop - (stop - start) % LANES
        for i in range(start, whole, LANES):
            if far and i + BLOCK + LANES <= n:
                _ask_for(source, ids, i + BLOCK, 2)
            if _follow_one_another(ids, i):
                at = 2 * np.int64(ids[np.uint64(i)])
                simd.store(target, 2 * i, simd.load(i32x16, source, at))
                simd.store(target, 2 * i + LANES, simd.load(i32x16, source, at + LANES))
            else:
                for lane in range(LANES):
                    pair = simd.load(_PAIR, source, 2 * np.int64(ids[np.uint64(i + lane)]))
                    simd.store(target, 2 * (i + lane), pair)
        for i in range(whole, stop):
            simd.store(target, 2 * i, simd.load(_PAIR, source, 2 * np.int64(ids[np.uint64(i)])))
    return True


@_compiled
def _take_rows(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target = values.reshape(-1), rows.reshape(-1)
    (N, width), n = values.shape, ids.size
    early = max(1, AHEAD // (4 * width))
    last = width - LANES  # a last vector overlaps the one before it where the row is no whole number of vectors
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, N):
            return False
        for i in range(start, stop):
            at, to = np.int64(ids[np.uint64(i)]) * width, i * width
            if last < 0:
                for j in range(width):
                    target[to + j] = source[at + j]
                continue
            ahead = np.int64(ids[np.uint64(min(i + early, n - 1))]) * width
            for j in range(0, last, LANES):
                streams.prefetch(source, ahead + j)
                simd.store(target, to + j, simd.load(i32x16, source, at + j))
            streams.prefetch(source, ahead + last)
            simd.store(target, to + last, simd.load(i32x16, source, at + last))
    return True


@_compiled
def _stream_rows(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    """Write past the caches, rows of whole cache lines to where lines begin."""
    source, target = values.reshape(-1), rows.reshape(-1)
    (N, width), n = values.shape, ids.size
    early = max(1, AHEAD // (4 * width))
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if not _within(ids, start, stop, N):
            return False
        for i in range(start, stop):
            at, to = np.int64(ids[np.uint64(i)]) * width, i * width
            ahead = np.int64(ids[np.uint64(min(i + early, n - 1))]) * width
            for j in range(0, width, LANES):
                streams.prefetch(source, ahead + j)
                streams.store_past(target, to + j, simd.load(i32x16, source, at + j))
    streams.fence()
    return True
