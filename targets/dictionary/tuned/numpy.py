"""`dictionary` by numba: what is small is looked up in registers, and strings are copied by vectors, whatever they are.

It must return exactly the entries that are named, read nothing outside the dictionary whatever the codes at nulls, and
nowhere take much longer than a loop that copies an entry for each code.

- Up to 32 words lie in two vectors: one permutation looks sixteen codes up.
- Of up to 256 entries that codes of one byte name, each byte has a table of 256: two permutations look 64 codes up in
  it, and the bytes found are put side by side.
- More are copied one by one: straight by the codes where all of 64 are entries, else by what they stand for, which
  is for a null an entry more, of zeros or the empty string.
- Strings lie in records of 32 bytes, the last of which is their length, so one access finds a short string. All 32 are
  copied, and what is too much is overwritten by the next string; where there is no room for it, byte by byte. The
  record of a longer string says where it is.

A code that is no entry's is told when the page is done.
"""

import functools
from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import lookups, streams, u8x64, u32x16
from lar.simd.lookups import entries_of, load_codes, mask_of, word64
from lar.simd.permute import u8x32
from lar.simd.vector import Vector

BLOCK = 1_024  # codes replaced by entries before those are copied
GROUP = 64  # codes of a word of the bitmap
FEW = 32  # words that two vectors hold
RECORD = 32  # bytes of a record, and bytes copied at once
LONG = 255  # where the length of a short string is: it is a long one
AHEAD = 48  # records between one that is fetched and one that is copied
CACHED = 1 << 18  # bytes of records that are not worth fetching ahead of time

_IN_VECTORS, _IN_BYTES = simd.supports("lookup32"), simd.supports("permute_bytes")
_WORD, _OCTET, _OFFSET = np.dtype(np.uint32), np.dtype(np.uint8), np.dtype(np.int32)
_OCTETS, _WORDS, _OFFSETS = types.uint8[::1], types.uint32[::1], types.int32[::1]
_ONE, _PAIR = Vector(types.uint32, 1), Vector(types.uint32, 2)
_CODES = {1: types.uint8[::1], 2: types.uint16[::1], 4: types.uint32[::1]}
_NUMBER = np.uint64  # indices are unsigned where they are numba's own: it wraps negative ones, at a cost
_NONE, _ALL = np.uint64(0), np.uint64(2**64 - 1)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, kind: str, capacity: int) -> Tree:
    """Lay the dictionary out; arguments are those of ``prepare`` in `portable.py`.

    Returns
    -------
    dict of arrays
        ``table`` uint32 (K + 1, W), the last row zeros, for nulls; ``few`` uint32 (32,), the first words of few
        entries; ``planes`` uint8 (4 W 256,), the bytes of up to 256 entries of one word or two. Or ``records`` uint8
        (32 (K + 1),), the last one empty, for nulls; and ``bytes`` uint8 of strings, with more behind them.
    """
    del xp, capacity
    if kind == "utf8":
        records, octets = _records(data["offsets"], data["bytes"])
        return {"records": records, "bytes": octets}
    values = np.ascontiguousarray(data["values"]).view(_WORD)
    K, width = values.shape
    table = simd.aligned((K + 1, width), _WORD)
    table[:K], table[K:] = values, 0
    few, planes = np.zeros(FEW, _WORD), simd.aligned((4 * width if width <= 2 else 0, lookups.MANY), _OCTET)
    few[:K] = values[:FEW, 0]
    planes[:, K:] = 0
    if planes.size:
        planes[:, :K] = values[: lookups.MANY].astype("<u4").view(_OCTET).T
    return {"table": table, "few": few, "planes": planes.reshape(-1)}


def run(xp: Any, state: Tree, query: Query, /, *, kind: str, capacity: int) -> tuple[Array, ...]:
    """Decode a page; arguments and results are those of ``run`` in `portable.py`.

    Raises
    ------
    IndexError
        If a code that is not null is no entry's, with its place.
    """
    del xp
    n = query["codes"].size
    if kind == "fixed":
        return (decode_into(state, query, simd.aligned((n, state["table"].shape[1]), _OFFSET)),)
    octets, offsets = simd.aligned((capacity,), _OCTET), np.empty(n + 1, _OFFSET)
    return octets, offsets, np.array(decode_strings_into(state, query, octets, offsets), _OFFSET)


def decode_into(state: Tree, query: Query, values: HostArray) -> HostArray:
    """Decode a page as `run` does, into a contiguous int32 (n, W) that is there already, and return that."""
    codes, validity = np.ascontiguousarray(query["codes"]), np.ascontiguousarray(query["validity"])
    table, target = state["table"], values.reshape(-1).view(_WORD)
    K, width = len(table) - 1, table.shape[1]
    entries = codes, validity, table.reshape(-1), K, target
    if _IN_VECTORS and width == 1 and K <= FEW:
        done = _compiled(_from_vectors, codes.itemsize)(state["few"], *entries)
    elif _IN_BYTES and width <= 2 and 0 < K <= lookups.MANY and codes.itemsize == 1:
        done = _compiled(_words_from_bytes if width == 1 else _pairs_from_bytes, 1)(state["planes"], *entries)
    else:
        one_by_one = {1: _words, 2: _pairs}.get(width, _rows)
        done = _compiled(one_by_one, codes.itemsize)(*entries)
    if not done:
        _refuse(query, K)
    return values


def decode_strings_into(state: Tree, query: Query, octets: HostArray, offsets: HostArray) -> int:
    """Decode a page as `run` does, into uint8 (capacity,) and int32 (n + 1,), and return the total."""
    codes, validity = np.ascontiguousarray(query["codes"]), np.ascontiguousarray(query["validity"])
    strings = state["records"], state["bytes"], state["records"].size // RECORD - 1
    total: int = _compiled(_strings, codes.itemsize)(codes, validity, *strings, octets, offsets)
    if total < 0:
        _refuse(query, strings[-1])
    octets[total:] = 0
    return total


def _refuse(query: Query, K: int) -> None:
    codes = query["codes"]
    valid = np.unpackbits(query["validity"], count=codes.size, bitorder="little") == 1
    place = int(np.argmax(valid & (codes >= K)))
    raise IndexError(f"codes[{place}] is {codes[place]} and not null, expected a code below K = {K}")


def _records(offsets: HostArray, octets: HostArray) -> tuple[HostArray, HostArray]:
    """Return a record of each string and an empty one, and the strings with 32 bytes behind them."""
    padded = simd.aligned((octets.size + RECORD,), _OCTET)
    padded[: octets.size], padded[octets.size :] = octets, 0
    records = simd.aligned((len(offsets), RECORD), _OCTET)
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets)
    short, along = lengths < RECORD, np.arange(RECORD)
    for first in range(0, len(starts), 1 << 14):  # their places are wider than they are
        some = slice(first, min(first + (1 << 14), len(starts)))
        records[some] = padded[np.minimum(starts[some, None] + along, padded.size - 1)]
    records[:-1, -1], records[-1] = np.where(short, lengths, LONG), 0
    where = (starts | lengths.astype(np.int64) << 32)[~short]
    records[:-1, :8][~short] = where.view(_OCTET).reshape(-1, 8)
    return records.reshape(-1), padded


@functools.cache
def _compiled(function: Any, code: int) -> Any:
    """Compile a function for codes of so many bytes."""
    page = _CODES[code], _OCTETS
    reads = {
        _from_vectors: (_WORDS, *page, _WORDS),
        _words_from_bytes: (_OCTETS, *page, _WORDS),
        _pairs_from_bytes: (_OCTETS, *page, _WORDS),
        _strings: (*page, _OCTETS, _OCTETS),
    }.get(function, (*page, _WORDS))
    compiled = njit(cache=True, nogil=True)(function)
    simd.compile_once(compiled, reads, (types.int64, *((_OCTETS, _OFFSETS) if function is _strings else (_WORDS,))))
    return compiled


# ---- values of fixed width -----------------------------------------------------------------------------------------


@_inlined
def _copy(table: HostArray, entry: int, target: HostArray, i: int, width: int) -> None:
    """Copy an entry; `width` is a number where this is called, so that one of the three is left."""
    if width == 1:
        simd.store(target, i, simd.load(_ONE, table, entry))
    elif width == 2:
        simd.store(target, 2 * i, simd.load(_PAIR, table, 2 * entry))
    else:
        for j in range(width):
            target[_NUMBER(i * width + j)] = table[_NUMBER(entry * width + j)]


@_inlined
def _copy_rest(codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray, width: int) -> bool:
    """Copy the entries behind the last whole group; say whether all are there."""
    entries, whole = np.empty(GROUP, np.uint32), codes.size - codes.size % GROUP
    good = entries_of(codes, validity, whole, codes.size, K, entries)
    for i in range(whole, codes.size):
        _copy(table, np.int64(entries[_NUMBER(i - whole)]), target, i, width)
    return bool(good)


@_inlined
def _copy_all(codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray, width: int) -> bool:
    """Copy entries one by one; say whether all are there."""
    entries, good = np.empty(GROUP, np.uint32), True
    for i in range(0, codes.size - codes.size % GROUP, GROUP):
        there = entries_of(codes, validity, i, i + GROUP, K, entries)
        if there and word64(validity, i >> 3) == _ALL:
            for j in range(i, i + GROUP):
                _copy(table, np.int64(codes[_NUMBER(j)]), target, j, width)
        else:
            good &= there
            for j in range(GROUP):
                _copy(table, np.int64(entries[_NUMBER(j)]), target, i + j, width)
    return bool(good) and bool(_copy_rest(codes, validity, table, K, target, width))


def _words(codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray) -> bool:
    return bool(_copy_all(codes, validity, table, K, target, 1))


def _pairs(codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray) -> bool:
    return bool(_copy_all(codes, validity, table, K, target, 2))


def _rows(codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray) -> bool:
    return bool(_copy_all(codes, validity, table, K, target, table.size // (K + 1)))


def _from_vectors(
    few: HostArray, codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray
) -> bool:
    low, high, none = simd.load(u32x16, few, 0), simd.load(u32x16, few, 16), simd.splat(u32x16, 0)
    limit = simd.splat(u32x16, K)
    beyond = mask_of(u32x16, _NONE)
    for i in range(0, codes.size // GROUP * GROUP, GROUP):
        word = word64(validity, i >> 3)
        for lane in range(0, GROUP, 16):
            valid, code = mask_of(u32x16, word >> _NUMBER(lane)), load_codes(codes, i + lane)
            beyond = beyond | (valid & (code >= limit))
            simd.store(target, i + lane, simd.select(valid, lookups.lookup32(low, high, code), none))
    return bool(_copy_rest(codes, validity, table, K, target, 1)) and simd.bits(beyond) == 0


def _words_from_bytes(
    planes: HostArray, codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray
) -> bool:
    last = simd.splat(u8x64, K - 1)
    beyond = mask_of(u8x64, _NONE)
    for i in range(0, codes.size // GROUP * GROUP, GROUP):
        valid, code = mask_of(u8x64, word64(validity, i >> 3)), simd.load(u8x64, codes, i)
        beyond = beyond | (valid & (code > last))
        p, q, r, s = lookups.words_of(planes, 0, code, valid)
        simd.store(target, i, p)
        simd.store(target, i + 16, q)
        simd.store(target, i + 32, r)
        simd.store(target, i + 48, s)
    return bool(_copy_rest(codes, validity, table, K, target, 1)) and simd.bits(beyond) == 0


def _pairs_from_bytes(
    planes: HostArray, codes: HostArray, validity: HostArray, table: HostArray, K: int, target: HostArray
) -> bool:
    last = simd.splat(u8x64, K - 1)
    beyond = mask_of(u8x64, _NONE)
    for i in range(0, codes.size // GROUP * GROUP, GROUP):
        valid, code = mask_of(u8x64, word64(validity, i >> 3)), simd.load(u8x64, codes, i)
        beyond = beyond | (valid & (code > last))
        a, b, c, d = lookups.words_of(planes, 0, code, valid)
        e, f, g, h = lookups.words_of(planes, 4 * lookups.MANY, code, valid)
        at = 2 * i
        for low, high in ((a, e), (b, f), (c, g), (d, h)):
            simd.store(target, at, lookups.zip_low(low, high))
            simd.store(target, at + 16, lookups.zip_high(low, high))
            at += 32
    return bool(_copy_rest(codes, validity, table, K, target, 2)) and simd.bits(beyond) == 0


# ---- strings -------------------------------------------------------------------------------------------------------


@_inlined
def _copy_what_fits(source: HostArray, start: int, length: int, target: HostArray, at: int) -> None:
    for i in range(min(length, target.size - at)):
        target[_NUMBER(at + i)] = source[_NUMBER(start + i)]


def _strings(
    codes: HostArray, validity: HostArray, records: HostArray, octets: HostArray, K: int, out: HostArray, ends: Any
) -> Any:
    """Return the total, or -1 where a code is no entry's."""
    entries, good, at, room = np.zeros(BLOCK + AHEAD, np.uint32), True, np.int64(0), out.size - RECORD
    fetched = records.size > CACHED
    for start in range(0, codes.size, BLOCK):
        good &= entries_of(codes, validity, start, min(start + BLOCK, codes.size), K, entries)
        for i in range(min(BLOCK, codes.size - start)):
            first = np.int64(entries[_NUMBER(i)]) * RECORD
            if fetched:
                streams.prefetch(records, np.int64(entries[_NUMBER(i + AHEAD)]) * RECORD)
            length = np.int64(records[_NUMBER(first + RECORD - 1)])
            ends[_NUMBER(start + i)] = at
            if length < RECORD:
                if at <= room:
                    simd.store(out, at, simd.load(u8x32, records, first))
                else:
                    _copy_what_fits(records, first, length, out, at)
            else:
                where = word64(records, first)
                first, length = np.int64(where & _NUMBER(0xFFFFFFFF)), np.int64(where >> _NUMBER(32))
                if at + length <= room:
                    for j in range(0, length, RECORD):
                        simd.store(out, at + j, simd.load(u8x32, octets, first + j))
                else:
                    _copy_what_fits(octets, first, length, out, at)
            at += length
    ends[_NUMBER(codes.size)] = at
    return at if good else -1
