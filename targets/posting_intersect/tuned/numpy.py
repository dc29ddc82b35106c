"""`posting-intersect` by numba: bitmaps of blocks where lists are dense, vectors held against each other where not.

It must be right for any lists, and take no longer on unkind ones than a plain merge.

- A list that is dense enough is kept as a bitmap of two levels as well, in *chunks* of 2**16 ids. Of each *block* of
  512 ids there is a word that says which of its 64 bytes are not empty, and only those bytes are kept. All lists' words
  are and-ed, eight blocks an instruction, and where something is left, the bytes are spread out to 64 by their word and
  and-ed in turn. Of two random lists with 1 % of all ids each, two blocks of three never get that far.
- A list much shorter than another is not and-ed: each of its ids is looked up in the other's bitmap.
- Lists too sparse for that are intersected as they are, by `lar.simd.sorted_ids`, and so is everything on a processor
  that cannot spread bytes; `lar.simd` says how to force that.

A container is a chunk's words, where each block's bytes begin, and the bytes. The first container is empty, and is what
stands for every chunk without ids.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree
from lar.simd import f32x16, masks, sorted_ids, u8x16, u8x64, u32x16, u64x8

UNIT = 64  # bytes; containers begin at multiples of it
BLOCKS = 128  # of a chunk
HEADER = BLOCKS * (8 + 2)  # bytes of words and ranks
LEAST = 96  # ids in a container, on average, for a list to be kept in containers
FEW = 40  # ids in a chunk up to which looking each up is faster than and-ing words
LONGER = 4  # so many times as many ids are looked up in a bitmap, fewer held against each other

_SPREADS = simd.supports("expand8", "compress")
_ID, _COUNT = np.dtype(np.uint32), np.dtype(np.int32)  # np.empty is quicker with these than with scalar types
_PLACES = np.arange(64, dtype=np.uint8)
_READ = (types.int32[:, :], types.int32[::1], types.uint32[::1])  # query, offsets, ids
_CONTAINERS = (types.int32[:, ::1], types.int32[::1], types.uint8[::1])  # lists, chunks, containers
_WRITTEN = (types.uint32[:, ::1], types.int32[::1])  # found, counts
_ONE, _THREE, _SIX, _NINE, _SIXTEEN = np.uint64(1), np.uint64(3), np.uint64(6), np.uint64(9), np.uint64(16)
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, capacity: int, shortest: int, longest: int, bitmaps: bool = _SPREADS) -> Tree:
    """Lay out the lists that are dense enough in containers.

    Parameters
    ----------
    xp : module
        Not used, nor are the next three: every kernel is given them.
    data : dict
        ``ids`` uint32 (P,) and ``offsets`` int32 (lists + 1,).
    capacity, shortest, longest : int
        See `portable.py`.
    bitmaps : bool
        Whether to make containers; without, there is nothing to prepare.

    Returns
    -------
    dict of arrays
        ``offsets`` and ``ids`` as given. With containers also ``lists`` int32 (lists, 3), a list's first chunk, its
        number of chunks (0: none are kept) and where they begin in ``chunks`` int32, each chunk's container in units of
        64 bytes; and ``containers`` uint8.
    """
    del xp, capacity, shortest, longest
    offsets, ids = np.ascontiguousarray(data["offsets"]), np.ascontiguousarray(data["ids"])
    state = {"offsets": offsets, "ids": ids}
    if not bitmaps:
        simd.compile_once(_by_arrays, _READ, _WRITTEN)
        return state
    simd.compile_once(_by_bitmaps, (*_READ, *_CONTAINERS), _WRITTEN)
    lists = np.zeros((len(offsets) - 1, 3), np.int32)
    count, units = _survey(offsets, ids, lists)
    chunks, containers = np.zeros(count, np.int32), simd.aligned((units * UNIT,), np.uint8)
    containers[:] = 0
    _fill(offsets, ids, lists, chunks, containers)
    return state | {"lists": lists, "chunks": chunks, "containers": containers}


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int, shortest: int, longest: int) -> tuple[Array, Array]:
    """Find the common ids of each row's lists; arguments and results are those of ``run`` in `portable.py`."""
    del xp, shortest, longest
    found, counts = np.empty((query.shape[0], capacity), _ID), np.empty(query.shape[0], _COUNT)
    if "chunks" in state:
        lists, chunks, containers = state["lists"], state["chunks"], state["containers"]
        _by_bitmaps(query, state["offsets"], state["ids"], lists, chunks, containers, found, counts)
    else:
        _by_arrays(query, state["offsets"], state["ids"], found, counts)
    return found, counts


# ---- once a data set -------------------------------------------------------------------------------------------------


@_compiled
def _survey(offsets: HostArray, ids: HostArray, lists: HostArray) -> Any:
    """Choose the lists to keep in containers; return how many chunks they span, and units of memory."""
    count, units = 1, HEADER // UNIT + 1  # what stands for no chunk, and the empty container
    for number in range(lists.shape[0]):
        own = ids[offsets[number] : offsets[number + 1]]
        needed, kept, octets, before = 0, 0, 0, np.int64(-1)
        for one in own:
            value = np.int64(one)
            if value >> 16 != before >> 16:
                needed += HEADER // UNIT + -(-octets // UNIT)
                kept, octets = kept + 1, 0
            octets += value >> 3 != before >> 3
            before = value
        if own.size == 0 or kept * LEAST > own.size:
            continue
        first = np.int64(own[0]) >> 16
        span = (np.int64(own[-1]) >> 16) - first + 1
        if span <= own.size:
            lists[number, 0], lists[number, 1], lists[number, 2] = first, span, count
            count, units = count + span, units + needed + -(-octets // UNIT)
    return count, units + 1  # vectors are read past the last byte


@_compiled
def _fill(offsets: HostArray, ids: HostArray, lists: HostArray, chunks: HostArray, containers: HostArray) -> None:
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    unit = HEADER // UNIT + 1
    for number in range(lists.shape[0]):
        first, place = np.int64(lists[number, 0]), np.int64(lists[number, 2])
        if lists[number, 1] == 0:
            continue
        before, octets = np.int64(-1), 0
        for one in ids[offsets[number] : offsets[number + 1]]:
            value = np.int64(one)
            if value >> 16 != before >> 16:
                if before >= 0:
                    unit += HEADER // UNIT + -(-octets // UNIT)
                chunks[place + (value >> 16) - first] = unit
                octets = 0
            block = value >> 9 & 127
            if value >> 3 != before >> 3:
                if value >> 9 != before >> 9:
                    ranks[unit * 32 + BLOCKS * 4 + block] = octets
                words[unit * 8 + block] |= _ONE << np.uint64(value >> 3 & 63)
                octets += 1
            containers[unit * UNIT + HEADER + octets - 1] |= np.uint8(1 << (value & 7))
            before = value
        unit += HEADER // UNIT + -(-octets // UNIT)


# ---- by arrays -------------------------------------------------------------------------------------------------------


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
        kept = ids[offsets[order[0]] : offsets[order[0] + 1]]
        room = np.empty((2, kept.size + sorted_ids.SLACK), np.uint32)
        for j in range(1, used):
            out = room[j % 2]
            kept = out[: sorted_ids.intersect(kept, ids[offsets[order[j]] : offsets[order[j] + 1]], out)]
        counts[r] = kept.size
        _write(kept, found[r])


# ---- by bitmaps ------------------------------------------------------------------------------------------------------


@_compiled
def _look_up(kept: HostArray, own: HostArray, chunks: HostArray, containers: HostArray, out: HostArray) -> Any:
    """Write those ids that a list in containers has; return how many they are."""
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    first, span, place = np.uint64(own[0]), np.uint64(own[1]), np.uint64(own[2])
    written = np.uint64(0)
    for value in kept:
        id_ = np.uint64(value)
        chunk = (id_ >> _SIXTEEN) - first
        unit = np.uint64(chunks[place + chunk if chunk < span else np.uint64(0)])
        block, octet = id_ >> _NINE & np.uint64(127), id_ >> _THREE & np.uint64(63)
        word = words[unit * np.uint64(8) + block]
        rank = np.uint64(ranks[unit * np.uint64(32) + np.uint64(BLOCKS * 4) + block])
        rank += np.uint64(simd.count_ones(word & ((_ONE << octet) - _ONE)))
        bits = np.uint64(containers[unit * np.uint64(UNIT) + np.uint64(HEADER) + rank])
        out[written] = value
        written += word >> octet & bits >> (id_ & np.uint64(7)) & _ONE
    return written


@_compiled
def _and(
    own: HostArray, first: Any, last: Any, chunks: HostArray, containers: HostArray, common: HostArray, bases: HostArray
) -> Any:
    """And lists in containers from chunk `first` to `last`; write each block that is left, and its first id.

    Returns how many they are; or -1 where more blocks had to be looked at than there is room for.
    """
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    units, lists = np.empty(own.shape[0], np.uint64), own.shape[0]
    written, left = np.uint64(0), bases.size
    for chunk in range(first, last):
        missing = False
        for j in range(lists):
            units[j] = np.uint64(chunks[own[j, 2] + chunk - own[j, 0]])
            missing |= units[j] == np.uint64(0)
        if missing:
            continue
        for start in range(np.uint64(0), np.uint64(BLOCKS), np.uint64(64)):
            blocks = np.uint64(0)
            for i in range(start, start + np.uint64(64), np.uint64(8)):
                some = simd.load(u64x8, words, units[0] * np.uint64(8) + i)
                for j in range(1, lists):
                    some = some & simd.load(u64x8, words, units[j] * np.uint64(8) + i)
                blocks |= simd.bits(some != simd.splat(u64x8, 0)) << (i - start)
            left -= simd.count_ones(blocks)
            if left < 0:
                return -1
            while blocks:
                block = start + np.uint64(simd.trailing_zeros(blocks))
                blocks &= blocks - _ONE
                octets = simd.splat(u8x64, 255)
                for j in range(lists):
                    rank = np.uint64(ranks[units[j] * np.uint64(32) + np.uint64(BLOCKS * 4) + block])
                    packed = simd.load(u8x64, containers, units[j] * np.uint64(UNIT) + np.uint64(HEADER) + rank)
                    octets = octets & masks.expand8(masks.mask64(words[units[j] * np.uint64(8) + block]), packed)
                simd.store(common, written << _SIX, octets)
                bases[written] = np.uint64(chunk) << _SIXTEEN | block << _NINE
                written += np.uint64(simd.bits(octets != simd.splat(u8x64, 0)) != np.uint64(0))
    return np.int64(written)


@_compiled
def _unpack(common: HostArray, bases: HostArray, out: HostArray) -> Any:
    """Write the ids of the blocks that begin at `bases`, whose 64 bytes are `common`; return how many they are."""
    scratch, places = simd.empty_aligned(128), simd.load(u8x64, _PLACES, 0)
    words, written = common.view(np.uint64), np.uint64(0)
    for number in range(bases.size):
        octets, base = simd.load(u8x64, common, number * UNIT), np.uint64(bases[number])
        filled = simd.bits(octets != simd.splat(u8x64, 0))
        packed = masks.compress8(masks.mask64(filled), octets)
        if simd.bits((packed & (packed - simd.splat(u8x64, 1))) != simd.splat(u8x64, 0)) == np.uint64(0):
            # One id a byte: the place of its bit is the exponent of the byte as a float.
            simd.store(scratch, 0, packed)
            simd.store(scratch, 64, masks.compress8(masks.mask64(filled), places))
            count = np.uint64(simd.count_ones(filled))
            for i in range(np.uint64(0), count, _SIXTEEN):
                power = simd.convert(f32x16, simd.convert(u32x16, simd.load(u8x16, scratch, i)))
                bit = (simd.reinterpret(u32x16, power) >> simd.splat(u32x16, 23)) - simd.splat(u32x16, 127)
                octet = simd.convert(u32x16, simd.load(u8x16, scratch, i + np.uint64(64)))
                simd.store(out, written + i, simd.splat(u32x16, base) + bit + (octet << simd.splat(u32x16, 3)))
            written += count
            continue
        for i in range(8):
            word = words[number * 8 + i]
            if word:
                simd.store(scratch, 0, masks.compress8(masks.mask64(word), places))
                count = np.uint64(simd.count_ones(word))
                for k in range(np.uint64(0), count, _SIXTEEN):
                    bit = simd.convert(u32x16, simd.load(u8x16, scratch, k))
                    simd.store(out, written + k, simd.splat(u32x16, base) + bit)
                written += count
            base += np.uint64(64)
    return written


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
        kept = ids[offsets[order[0]] : offsets[order[0] + 1]]
        first, last, bitmaps = np.int64(0), np.int64(2**16), used > 1
        for j in range(used):
            for i in range(3):
                own[j, i] = lists[order[j], i]
            first, last = max(first, own[j, 0]), min(last, own[j, 0] + own[j, 1])
            bitmaps &= own[j, 1] > 0
        last = max(first, last)
        room = np.empty((2, kept.size + sorted_ids.SLACK), np.uint32)
        if bitmaps and kept.size >= FEW * (last - first):
            second = np.int64(offsets[order[1] + 1]) - np.int64(offsets[order[1]])
            most = min((kept.size + second) // 8, (last - first) * BLOCKS) + 1
            common, bases = np.empty(most * UNIT, np.uint8), np.empty(most, np.uint32)
            blocks = _and(own[:used], first, last, chunks, containers, common, bases)
            if blocks >= 0:
                kept = room[0, : _unpack(common, bases[:blocks], room[0])]
                used = 1
        for j in range(1, used):
            out, other = room[j % 2], ids[offsets[order[j]] : offsets[order[j] + 1]]
            if own[j, 1] > 0 and other.size > LONGER * kept.size:
                kept = out[: _look_up(kept, own[j], chunks, containers, out)]
            else:
                kept = out[: sorted_ids.intersect(kept, other, out)]
        counts[r] = kept.size
        _write(kept, found[r])
