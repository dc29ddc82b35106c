"""`posting-intersect` by numba: bitmaps of blocks where lists are dense, vectors held against each other where not.

It must be right for any lists, and take no longer on unkind ones than a plain merge, or half as long again at most.

- Lists that are dense enough are kept as bitmaps of two levels as well (`lar.simd.bitmaps`). Those of one query are
  and-ed, eight blocks of 512 ids an instruction. Of two random lists with 1 % of all ids each, two blocks of three need
  no second look; of three lists, 97 of a hundred.
- Where too many blocks need one (equal lists, or one id in each block), and-ing stops, and the lists are intersected
  as they are. What was spent by then is of the order of what that takes.
- The ids of a list are looked up in the bitmap of another that is much longer.
- Lists too sparse for a bitmap are intersected as they are, by `lar.simd.sorted_ids`: 16 ids of one against 16 of the
  other by an instruction that few processors have, or many searches side by side. So is everything on a processor that
  cannot spread bytes; `lar.simd` says how to force that.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree
from lar.simd import bitmaps, sorted_ids

FEW = 64  # ids in a chunk, on average, up to which lists are faster held against each other than and-ed
LONGER = 4  # so many times as many ids are looked up in, fewer held against each other
PATIENCE = 8  # and-ing stops after a look at one block for so many ids

_SPREADS = simd.supports("expand8", "compress")
_ID, _COUNT = np.dtype(np.uint32), np.dtype(np.int32)  # np.empty is quicker with these than with scalar types
_READ = (types.int32[:, :], types.int32[::1], types.uint32[::1])  # query, offsets, ids
_BITMAPS = (types.int32[:, ::1], types.int32[::1], types.uint8[::1])  # lists, chunks, containers
_WRITTEN = (types.uint32[:, ::1], types.int32[::1])  # found, counts
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, capacity: int, shortest: int, longest: int, dense: bool = True) -> Tree:
    """Make the bitmaps of lists that are dense enough.

    Parameters
    ----------
    xp : module
        Not used, nor are the next three: every kernel is given them.
    data : dict
        ``ids`` uint32 (P,) and ``offsets`` int32 (lists + 1,).
    capacity, shortest, longest : int
        See `portable.py`.
    dense : bool
        Whether to make bitmaps where the processor can and them; without, there is nothing to prepare.

    Returns
    -------
    dict of arrays
        ``offsets`` and ``ids`` as given; with bitmaps also the ``lists``, ``chunks`` and ``containers`` of
        `lar.simd.bitmaps`.
    """
    del xp, capacity, shortest, longest
    offsets, ids = np.ascontiguousarray(data["offsets"]), np.ascontiguousarray(data["ids"])
    state = {"offsets": offsets, "ids": ids}
    if not (dense and _SPREADS):
        simd.compile_once(_by_arrays, _READ, _WRITTEN)
        return state
    simd.compile_once(_by_bitmaps, (*_READ, *_BITMAPS), _WRITTEN)
    lists = np.zeros((len(offsets) - 1, 3), np.int32)
    count, size = bitmaps.survey(offsets, ids, lists)
    chunks, containers = np.zeros(count, np.int32), simd.aligned((size,), np.uint8)
    containers[:] = 0
    bitmaps.fill(offsets, ids, lists, chunks, containers)
    return state | {"lists": lists, "chunks": chunks, "containers": containers}


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int, shortest: int, longest: int) -> tuple[Array, Array]:
    """Find the common ids of each row's lists; arguments and results are those of ``run`` in `portable.py`."""
    del xp, shortest, longest
    nq = len(query)
    found, counts = np.empty((nq, capacity), _ID), np.empty(nq, _COUNT)
    if "chunks" in state:
        lists, chunks, containers = state["lists"], state["chunks"], state["containers"]
        _by_bitmaps(query, state["offsets"], state["ids"], lists, chunks, containers, found, counts)
    else:
        _by_arrays(query, state["offsets"], state["ids"], found, counts)
    return found, counts


@_inlined
def _in_order(numbers: HostArray, offsets: HostArray, order: HostArray) -> Any:
    """List the numbers of lists by length, each once; return how many they are."""
    used = 0
    for number in numbers:
        length, at = offsets[number + 1] - offsets[number], used
        known = False
        for other in order[:used]:
            known |= other == number
        if known:
            continue
        while at > 0 and offsets[order[at - 1] + 1] - offsets[order[at - 1]] > length:
            order[at] = order[at - 1]
            at -= 1
        order[at] = number
        used += 1
    return used


@_inlined
def _list(number: Any, offsets: HostArray, ids: HostArray) -> Any:
    return ids[offsets[number] : offsets[number + 1]]


@_inlined
def _write(kept: HostArray, found: HostArray) -> None:
    """Write what is kept, as much as there is room for, and padding."""
    count = min(kept.size, found.size)
    for i in range(count):
        found[i] = kept[i]
    found[count:] = NO_ID


@_compiled
def _by_arrays(query: HostArray, offsets: HostArray, ids: HostArray, found: HostArray, counts: HostArray) -> None:
    order = np.empty(query.shape[1], np.int64)
    for r in range(query.shape[0]):
        used = _in_order(query[r], offsets, order)
        kept = _list(order[0], offsets, ids)
        room = np.empty((2, kept.size + sorted_ids.SLACK), np.uint32)
        for j in range(1, used):
            out = room[j % 2]
            kept = out[: sorted_ids.intersect(kept, _list(order[j], offsets, ids), out)]
        counts[r] = kept.size
        _write(kept, found[r])


@_compiled
def _and(own: HostArray, first: Any, last: Any, chunks: HostArray, containers: HostArray, room: Any, out: Any) -> Any:
    """Write the common ids of lists that have bitmaps, of which `out` has room for; -1 if it takes too long."""
    blocks, bases = np.empty(room * bitmaps.UNIT, np.uint8), np.empty(room, np.uint32)
    left = bitmaps.common_blocks(own, first, last, chunks, containers, blocks, bases)
    return left if left < 0 else np.int64(bitmaps.unpack(blocks, bases[:left], out))


@_compiled
def _by_bitmaps(
    query: HostArray,
    offsets: HostArray,
    ids: HostArray,
    lists: HostArray,
    chunks: HostArray,
    containers: HostArray,
    found: HostArray,
    counts: HostArray,
) -> None:
    order, own = np.empty(query.shape[1], np.int64), np.empty((query.shape[1], 3), np.int64)
    for r in range(query.shape[0]):
        used = _in_order(query[r], offsets, order)
        kept = _list(order[0], offsets, ids)
        out = np.empty((2, kept.size + sorted_ids.SLACK), np.uint32)
        first: Any = np.int64(0)
        last: Any = np.int64(2**16)
        dense = used > 1
        for j in range(used):
            for i in range(3):
                own[j, i] = lists[order[j], i]
            first, last = max(first, own[j, 0]), min(last, own[j, 0] + own[j, 1])
            dense &= own[j, 1] > 0
        span = max(last - first, 0)
        if dense and kept.size >= FEW * span:
            room = (kept.size + _list(order[1], offsets, ids).size) // PATIENCE
            room = min(room, span * bitmaps.BLOCKS) + 1
            count = _and(own[:used], first, last, chunks, containers, room, out[0])
            if count >= 0:
                kept, used = out[0, :count], 1
        for j in range(1, used):
            other, to = _list(order[j], offsets, ids), out[j % 2]
            if own[j, 1] > 0 and other.size > LONGER * kept.size:
                kept = to[: bitmaps.look_up(kept, own[j], chunks, containers, to)]
            else:
                kept = to[: sorted_ids.intersect(kept, other, to)]
        counts[r] = kept.size
        _write(kept, found[r])
