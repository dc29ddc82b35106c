"""Sorted lists of uint32 ids as bitmaps of two levels, for intersections.

Ids are cut into *chunks* of 2**16, and a list has a *container* for each chunk that holds any. A chunk is 128 *blocks*
of 512 ids. A container has a word for each block, which says which of its 64 bytes are not empty, then where each
block's bytes begin, then those bytes. So a block of any list is and-ed with that of another by two words; and where
something is left, by spreading the bytes to 64 and and-ing them, which is one instruction each.

Lists lie end to end, list l in ``ids[offsets[l] : offsets[l + 1]]``. `survey` and `fill` keep those that are dense
enough, as rows of

- ``lists`` int32 (lists, 3): a list's first chunk, its number of chunks (0: it is not kept) and their place in
- ``chunks`` int32: the container of each chunk, in units of 64 bytes of
- ``containers`` uint8, of which the first one is empty and stands for every chunk without ids.

`common_blocks` and `unpack` need what ``supports("expand8", "compress")`` asks for.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.lanes import bits, convert, count_ones, reinterpret, splat, trailing_zeros
from lar.simd.masks import compress8, expand8, mask64
from lar.simd.memory import empty_aligned, load, store
from lar.simd.vector import f32x16, u8x16, u8x64, u32x16, u64x8

UNIT = 64
"""Bytes at whose multiples containers begin."""

LEAST = 96
"""Ids in a container, on average, for a list to be kept."""

BLOCKS = 128
"""Of a chunk."""

HEADER = BLOCKS * (8 + 2)
"""Bytes of a container before those that are not empty."""

_RANKS = BLOCKS * 8 // 2  # where they begin, in words of 16 bits
_NUMBER = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ONE, _SIXTEEN, _BYTES, _WORDS, _HALVES = _NUMBER(1), _NUMBER(16), _NUMBER(UNIT), _NUMBER(8), _NUMBER(32)
_PLACES = np.arange(64, dtype=np.uint8)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def survey(offsets: Any, ids: Any, lists: Any) -> Any:
    """Choose the lists to keep and write their rows of `lists`, which are zero before.

    A list is kept where that takes no more than some twenty bytes an id: `LEAST` ids in a container, on average, and no
    more chunks than ids.

    Returns
    -------
    chunks : int
        How many items ``chunks`` must have.
    size : int
        How many bytes ``containers`` must have.
    """
    count: Any = 1  # what stands for no chunk
    units = HEADER // UNIT + 1  # the empty container
    for number in range(lists.shape[0]):
        own = ids[offsets[number] : offsets[number + 1]]
        needed, kept, before = 0, 0, np.int64(-1)
        octets: Any = 0
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
    return count, (units + 1) * UNIT  # vectors are read past the last byte


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def fill(offsets: Any, ids: Any, lists: Any, chunks: Any, containers: Any) -> None:
    """Write the chunks and containers of the lists that `survey` chose; both arrays are zero before."""
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    unit = HEADER // UNIT + 1
    for number in range(lists.shape[0]):
        if lists[number, 1] == 0:
            continue
        place = np.int64(lists[number, 2]) - lists[number, 0]
        before, octets = np.int64(-1), 0
        for one in ids[offsets[number] : offsets[number + 1]]:
            value = np.int64(one)
            if value >> 16 != before >> 16:
                unit += HEADER // UNIT + -(-octets // UNIT) if before >= 0 else 0
                chunks[place + (value >> 16)] = unit
                octets = 0
            block = value >> 9 & 127
            if value >> 3 != before >> 3:
                if value >> 9 != before >> 9:
                    ranks[unit * 32 + _RANKS + block] = octets
                words[unit * 8 + block] |= _ONE << np.uint64(value >> 3 & 63)
                octets += 1
            containers[unit * UNIT + HEADER + octets - 1] |= np.uint8(1 << (value & 7))
            before = value
        unit += HEADER // UNIT + -(-octets // UNIT)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def look_up(few: Any, own: Any, chunks: Any, containers: Any, out: Any) -> Any:
    """Write those of some ids that a list has.

    Parameters
    ----------
    few : array
        uint32.
    own : array
        int64 (3,): the list's row of ``lists``.
    chunks, containers : array
        As the module says.
    out : array
        uint32, as long as `few`, which it may be.

    Returns
    -------
    int
        How many they are.
    """
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    first, span, place = _NUMBER(own[0]), _NUMBER(own[1]), _NUMBER(own[2])
    written = _NUMBER(0)
    for value in few:
        one = _NUMBER(value)
        chunk = (one >> _SIXTEEN) - first
        unit = _NUMBER(chunks[place + chunk if chunk < span else _NUMBER(0)])
        block, octet = one >> _NUMBER(9) & _NUMBER(127), one >> _NUMBER(3) & _NUMBER(63)
        word = words[unit * _WORDS + block]
        rank = _NUMBER(ranks[unit * _HALVES + _NUMBER(_RANKS) + block])
        rank += _NUMBER(count_ones(word & ((_ONE << octet) - _ONE)))
        byte = _NUMBER(containers[unit * _BYTES + _NUMBER(HEADER) + rank])
        out[written] = value
        written += word >> octet & byte >> (one & _NUMBER(7)) & _ONE
    return written


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def common_blocks(own: Any, first: Any, last: Any, chunks: Any, containers: Any, blocks: Any, bases: Any) -> Any:
    """And lists, block by block.

    Parameters
    ----------
    own : array
        int64 (K, 3): the lists' rows of ``lists``.
    first, last : int
        The chunks to look at, which all lists must span.
    chunks, containers : array
        As the module says.
    blocks : array
        uint8 (room * 64,), written to: the bytes of each block that is left.
    bases : array
        uint32 (room,), written to: the first id of each.

    Returns
    -------
    int
        How many blocks are left, or -1 where more than `room` had to be looked at.
    """
    words, ranks = containers.view(np.uint64), containers.view(np.uint16)
    units, K = np.empty(own.shape[0], np.uint64), own.shape[0]
    written, room = _NUMBER(0), bases.size
    for chunk in range(first, last):
        missing = False
        for j in range(K):  # a slice would be counted as a reference, at every block
            units[j] = _NUMBER(chunks[own[j, 2] + chunk - own[j, 0]])
            missing |= units[j] == _NUMBER(0)
        if missing:
            continue
        for start in range(_NUMBER(0), _NUMBER(BLOCKS), _NUMBER(64)):
            found = _NUMBER(0)
            for i in range(start, start + _NUMBER(64), _NUMBER(8)):
                some = load(u64x8, words, units[0] * _WORDS + i)
                for j in range(1, K):
                    some = some & load(u64x8, words, units[j] * _WORDS + i)
                found |= bits(some != splat(u64x8, 0)) << (i - start)
            room -= count_ones(found)
            if room < 0:
                return -1
            while found:
                block = start + _NUMBER(trailing_zeros(found))
                found &= found - _ONE
                octets = splat(u8x64, 255)
                for j in range(K):
                    rank = _NUMBER(ranks[units[j] * _HALVES + _NUMBER(_RANKS) + block])
                    packed = load(u8x64, containers, units[j] * _BYTES + _NUMBER(HEADER) + rank)
                    octets = octets & expand8(mask64(words[units[j] * _WORDS + block]), packed)
                store(blocks, written * _BYTES, octets)  # always, and counted or not: no branch to mispredict
                bases[written] = _NUMBER(chunk) << _SIXTEEN | block << _NUMBER(9)
                written += _NUMBER(bits(octets != splat(u8x64, 0)) != _NUMBER(0))
    return np.int64(written)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def unpack(blocks: Any, bases: Any, out: Any) -> Any:
    """Write the ids of blocks.

    Parameters
    ----------
    blocks : array
        uint8: 64 bytes of each block.
    bases : array
        uint32 (count,): the first id of each block.
    out : array
        uint32, with room for the ids and 16 more.

    Returns
    -------
    int
        How many they are.
    """
    scratch, places = empty_aligned(128), load(u8x64, _PLACES, 0)
    words, written = blocks.view(np.uint64), _NUMBER(0)
    for number in range(bases.size):
        octets, base = load(u8x64, blocks, number * UNIT), _NUMBER(bases[number])
        filled = bits(octets != splat(u8x64, 0))
        packed = compress8(mask64(filled), octets)
        if bits((packed & (packed - splat(u8x64, 1))) != splat(u8x64, 0)) == _NUMBER(0):
            # One id a byte: the place of its bit is the exponent of the byte as a float.
            store(scratch, 0, packed)
            store(scratch, 64, compress8(mask64(filled), places))
            count = _NUMBER(count_ones(filled))
            for i in range(_NUMBER(0), count, _SIXTEEN):
                power = convert(f32x16, convert(u32x16, load(u8x16, scratch, i)))
                bit = (reinterpret(u32x16, power) >> splat(u32x16, 23)) - splat(u32x16, 127)
                octet = convert(u32x16, load(u8x16, scratch, i + _NUMBER(64)))
                store(out, written + i, splat(u32x16, base) + bit + (octet << splat(u32x16, 3)))
            written += count
            continue
        for i in range(8):
            word = words[number * 8 + i]
            if word:
                store(scratch, 0, compress8(mask64(word), places))
                count = _NUMBER(count_ones(word))
                for k in range(_NUMBER(0), count, _SIXTEEN):
                    bit = convert(u32x16, load(u8x16, scratch, k))
                    store(out, written + k, splat(u32x16, base) + bit)
                written += count
            base += _NUMBER(64)
    return written
