"""`take` by numba: ids are checked before they are followed, runs are copied whole, long rows are fetched early.

It must return exactly the rows that are named, read nothing outside the table whatever the ids, and nowhere take much
longer than a loop that copies a row for each id.

- Ids are looked at in blocks that stay in the innermost cache: the largest of a block is found sixteen at a time, so an
  id that is no row's ends the call with an IndexError before anything was read by it.
- Of rows of 4 and 8 bytes, those of a block are fetched while the block before it is copied, and sixteen ids that
  follow one another are one or two vectors. Where the rows lie in the cache, by the table's size or by what a sample of
  the ids shows, they are copied one by one.
- Rows of 64 bytes and more are copied sixteen words at a time and fetched several rows ahead. A result that no cache
  holds is written past them.

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
COMING = 1_024  # ids between those that are looked at and those fetched
CLOSE = 64  # words from the first of sixteen rows within which they are fetched by lines
AHEAD = 8_192  # bytes of rows between one that is copied and one that is fetched
CACHED = 1 << 20  # bytes of table that are not worth fetching ahead of time
SAMPLES, AGAIN = 1_024, 12  # more than 12 of 1,024 samples met again: some 40,000 lines, or fewer
PAGE = 1 << 21  # bytes of a large page
STREAMED = 1 << 25  # bytes of result from which on it is written past the caches, which would not hold it

_FOLLOWING = np.arange(LANES, dtype=np.uint32)
_ALL = (1 << LANES) - 1
_WORD = np.dtype(np.int32)  # np.empty is quicker with this than with the scalar type
_READ = (types.int32[:, ::1], types.uint32[::1])  # values, ids
_WRITTEN = (types.int32[:, ::1],)
_ONE, _PAIR = Vector(types.int32, 1), Vector(types.int32, 2)
_SCATTER = np.uint64(0x9E3779B97F4A7C15)
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
def _largest(ids: HostArray, start: int, stop: int) -> Any:
    """Return the largest of ``ids[start:stop]``, of which there is one, and have ids further on fetched.

    Read in blocks, the list is no longer a stream that the processor foresees.
    """
    whole = stop - (stop - start) % LANES
    most = simd.splat(u32x16, 0)
    for i in range(start, whole, LANES):
        streams.prefetch(ids, i + COMING)
        most = simd.maximum(most, simd.load(u32x16, ids, i))
    largest = simd.highest(most)
    for i in range(whole, stop):
        largest = max(largest, ids[np.uint64(i)])
    return largest


# ---- rows of one word or two ---------------------------------------------------------------------------------------


@_inlined
def _copy(source: HostArray, row: Any, target: HostArray, i: int, width: int) -> None:
    if width == 1:
        simd.store(target, i, simd.load(_ONE, source, row))
    else:
        simd.store(target, 2 * i, simd.load(_PAIR, source, 2 * np.int64(row)))


@_inlined
def _few_lines(ids: HostArray, width: int) -> bool:
    """Say whether the ids name rows in so few lines that those stay in the cache, by how often samples meet again.

    Of m lines drawn from H, about ``m**2 / 2 H`` have been drawn before.
    """
    if ids.size < 4 * SAMPLES:
        return False
    seen, again = np.zeros(4 * SAMPLES, np.uint32), 0
    for i in range(SAMPLES):
        line = (np.uint64(ids[np.uint64(i * (ids.size // SAMPLES))]) * np.uint64(width)) // np.uint64(LANES)
        slot = (line * _SCATTER >> np.uint64(32)) % np.uint64(4 * SAMPLES)
        again += seen[slot] == np.uint32(line + np.uint64(1))
        seen[slot] = np.uint32(line + np.uint64(1))
    return again > AGAIN


@_inlined
def _take_near(source: HostArray, ids: HostArray, target: HostArray, rows: int, width: int) -> bool:
    """Copy row by row: what is in the cache cannot be had faster."""
    for start in range(0, ids.size, BLOCK):
        stop = min(start + BLOCK, ids.size)
        if _largest(ids, start, stop) >= rows:
            return False
        for i in range(start, stop):
            _copy(source, ids[np.uint64(i)], target, i, width)
    return True


@_inlined
def _look(ids: HostArray, start: int, stop: int, width: int) -> Any:
    """Say of each sixteen of ``ids[start:stop]`` whether they are a run, and whether they are close to the first.

    Returns two words of bits, the first sixteen in the lowest. Where fewer than half are, none is said to be: branches
    that cannot be foreseen cost as much as sixteen rows.
    """
    runs = close = np.uint64(0)
    for i in range(start, stop - LANES + 1, LANES):
        above = simd.load(u32x16, ids, i) - simd.splat(u32x16, ids[np.uint64(i)])
        place = np.uint64((i - start) // LANES)
        runs |= np.uint64(simd.bits(above == simd.load(u32x16, _FOLLOWING, 0)) == _ALL) << place
        close |= np.uint64(simd.bits(above < simd.splat(u32x16, CLOSE // width)) == _ALL) << place
    fewest = (stop - start) // (2 * LANES)
    runs = runs if simd.count_ones(runs) >= fewest else np.uint64(0)
    return runs, close if simd.count_ones(close) >= fewest else np.uint64(0)


@_inlined
def _take_far(  # noqa: C901, PLR0912 - in pieces, each would count references to the arrays for every sixteen ids
    source: HostArray, ids: HostArray, target: HostArray, rows: int, width: int
) -> bool:
    """Fetch the rows of each block while those of the block before it are copied, and copy runs whole."""
    n, coming, close = ids.size, np.uint64(0), np.uint64(0)
    for start in range(-BLOCK, n, BLOCK):
        ahead, runs = start + BLOCK, coming
        if ahead < n:
            if _largest(ids, ahead, min(ahead + BLOCK, n)) >= rows:
                return False
            coming, close = _look(ids, ahead, min(ahead + BLOCK, n), width)
        for i in range(start, min(start + BLOCK, n - LANES + 1), LANES):
            fetched = i + BLOCK
            if fetched > n - LANES:
                pass
            elif close & np.uint64(1):
                at = np.int64(ids[np.uint64(fetched)]) * width
                for words in range(0, CLOSE + 1, LANES):
                    streams.prefetch(source, at + words)
            else:
                for lane in range(LANES):
                    streams.prefetch(source, np.int64(ids[np.uint64(fetched + lane)]) * width)
            if i < 0:
                pass
            elif runs & np.uint64(1):
                at = np.int64(ids[np.uint64(i)]) * width
                for words in range(0, LANES * width, LANES):
                    simd.store(target, i * width + words, simd.load(i32x16, source, at + words))
            else:
                for lane in range(LANES):
                    _copy(source, ids[np.uint64(i + lane)], target, i + lane, width)
            runs, close = runs >> np.uint64(1), close >> np.uint64(1)
    for i in range(n - n % LANES, n):
        _copy(source, ids[np.uint64(i)], target, i, width)
    return True


@_compiled
def _take_words(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target = values.reshape(-1), rows.reshape(-1)
    if values.nbytes <= CACHED or _few_lines(ids, 1):
        return bool(_take_near(source, ids, target, len(values), 1))
    return bool(_take_far(source, ids, target, len(values), 1))


@_compiled
def _take_pairs(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target = values.reshape(-1), rows.reshape(-1)
    if values.nbytes <= CACHED or _few_lines(ids, 2):
        return bool(_take_near(source, ids, target, len(values), 2))
    return bool(_take_far(source, ids, target, len(values), 2))


# ---- longer rows ---------------------------------------------------------------------------------------------------


@_compiled
def _take_rows(values: HostArray, ids: HostArray, rows: HostArray) -> bool:
    source, target = values.reshape(-1), rows.reshape(-1)
    (N, width), n = values.shape, ids.size
    early = max(1, AHEAD // (4 * width))
    last = width - LANES  # a last vector overlaps the one before it where the row is no whole number of vectors
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        if _largest(ids, start, stop) >= N:
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
        if _largest(ids, start, stop) >= N:
            return False
        for i in range(start, stop):
            at, to = np.int64(ids[np.uint64(i)]) * width, i * width
            ahead = np.int64(ids[np.uint64(min(i + early, n - 1))]) * width
            for j in range(0, width, LANES):
                streams.prefetch(source, ahead + j)
                streams.store_past(target, to + j, simd.load(i32x16, source, at + j))
    streams.fence()
    return True
