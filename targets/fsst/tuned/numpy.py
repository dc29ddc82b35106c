"""`fsst` by numba: 64 codes at a time, without a branch for a code, and without looking where strings end.

Where bytes are permuted and compressed by instructions (AVX-512 VBMI2):

- A table of symbols is eight *planes* of bytes, their first bytes, their second ones, and so on. A plane is asked for
  64 codes at once, and what comes out is put together to symbols again (`lar.simd.planes`), without a load for a code.
- A ninth plane says, a bit a byte, how long a symbol is. For eight codes that is a mask of 64 bits, by which one
  instruction moves the bytes of eight symbols together; its population count is how far the text has come.
- Escapes are found by an addition (`_literals`). An escaped byte takes the place of its symbol's first one, and a blend
  is all it costs. Blocks of nothing but escaped bytes need no plane at all.
- Strings lie end to end, so that text is made of all codes in one stream. Where a string begins in it follows from the
  block that its first code is in, once 4,096 codes are done: no branch depends on how long strings are.

Otherwise symbols are stored code by code, eight bytes each however long they are; eight codes without an escape are one
step, and with one, an escaped byte is the symbol of a code above 255.

Stores write past the end of what they mean to: the text has 64 bytes more than are returned.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import u8x64, u64x8
from lar.simd.masks import compress8, mask64
from lar.simd.permute import permute_bytes
from lar.simd.planes import ORDER, words_of
from lar.simd.vector import Vector

SLACK = 64
"""Bytes behind a text that a store may touch."""

_FORM = "planes" if simd.supports("permute_bytes", "expand8") else "single"
_CHUNK = 4096  # codes between two looks at where strings begin; what is kept of them stays in the innermost cache
_EIGHT = Vector(types.uint8, 8)
_READ = (types.uint8[::1], types.int32[::1], types.uint8[::1], types.uint8[::1])
_WRITTEN = (types.uint8[::1], types.int32[::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)
_U = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ALL = _U(2**64 - 1)
_EVEN = _U(0x5555555555555555)
_ESCAPE, _PLANE = 255, 256
_STEPS = ORDER.size


def prepare(xp: Any, data: Data, *, capacity: int) -> Tree:
    """Lay the table out.

    Parameters
    ----------
    xp : module
        NumPy; not used.
    data : dict
        ``symbols`` uint8 (S, 8) and ``lengths`` uint8 (S,).
    capacity : int
        Not used.

    Returns
    -------
    dict of arrays
        ``table`` uint8 and ``beside`` uint8. Of planes: nine of 256 bytes; the order in which to look up codes, and
        how many escaped bytes stand before each eight codes of a block that holds nothing else.
        Otherwise: 512 symbols of eight bytes, those from 256 on for escaped bytes, and their lengths.
    """
    del xp, capacity
    count = len(data["lengths"])
    symbols, lengths = np.zeros((512, 8), np.uint8), np.zeros(512, np.uint8)
    symbols[:count], lengths[:count] = data["symbols"], data["lengths"]
    if _FORM == "planes":
        simd.compile_once(_decode_by_planes, _READ, _WRITTEN)
        table = simd.aligned((9, _PLANE), np.uint8)
        table[:8] = symbols[:_PLANE].T
        table[8] = (1 << lengths[:_PLANE].astype(np.int64)) - 1
        return {"table": table.reshape(-1), "beside": np.append(ORDER, np.arange(0, 32, 4, dtype=np.uint8))}
    simd.compile_once(_decode_singly, _READ, _WRITTEN)
    symbols[_PLANE:, 0], lengths[_PLANE:] = np.arange(256), 1
    return {"table": symbols.reshape(-1), "beside": lengths}


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int) -> tuple[Array, Array]:
    """Decode a page; arguments and results are those of ``run`` in `portable.py`."""
    del xp
    text = simd.aligned((capacity + SLACK,), np.uint8)
    ends = np.empty(query["offsets"].shape, np.int32)
    decode_into(state, query, text, ends)
    return text[:capacity], ends


def decode_into(state: Tree, query: Query, text: HostArray, ends: HostArray) -> None:
    """Decode a page as `run` does, into arrays that are there already; `text` with 64 bytes more than the capacity."""
    decode = _decode_by_planes if _FORM == "planes" else _decode_singly
    codes, offsets = np.ascontiguousarray(query["codes"]), np.ascontiguousarray(query["offsets"])
    decode(codes, offsets, state["table"], state["beside"], text, ends)


# ---- by planes -----------------------------------------------------------------------------------------------------


@_inlined
def _literals(escapes: Any, carry: Any) -> Any:
    """Tell which of 64 bytes are escaped, of a mask of those that are 255 and of whether the first one is.

    In a run of 255 the first, third, ... are escapes. A run that begins at an odd place, when 1 is added to it there,
    is carried through its whole length; so the bits that change tell even runs from odd ones (Langdale, Lemire:
    Parsing gigabytes of JSON per second, VLDB Journal 28, 2019, section 3.1.1, of backslashes).
    """
    escapes &= ~carry
    behind = (escapes << _U(1)) | carry
    total = escapes + (escapes & ~_EVEN & ~behind)
    return (_EVEN ^ (total << _U(1))) & behind, _U(total < escapes)


@_inlined
def _looked_up(table: Any, codes: Any, first: Any) -> Any:
    """Return the bytes of seven planes, behind those of the first one."""
    b, c = simd.lookup256(table, _PLANE, codes), simd.lookup256(table, 2 * _PLANE, codes)
    d, e = simd.lookup256(table, 3 * _PLANE, codes), simd.lookup256(table, 4 * _PLANE, codes)
    f, g = simd.lookup256(table, 5 * _PLANE, codes), simd.lookup256(table, 6 * _PLANE, codes)
    return first, b, c, d, e, f, g, simd.lookup256(table, 7 * _PLANE, codes)


@_inlined
def _block(codes: Any, at: Any, valid: Any, tables: Any, scratch: Any, group: Any, text: Any, done: Any) -> Any:
    """Decode 64 codes, those whose bit in `valid` is set, and return how far the text has come, and the carry.

    `scratch` takes the masks of eight groups of eight codes and where in the text each begins, from number `group` on.
    """
    (table, beside), (masks, words, starts), (written, carry) = tables, scratch, done
    last = _U(text.size - SLACK)
    found, order = simd.load(u8x64, codes, at), simd.load(u8x64, beside, 0)
    escapes, literals = simd.bits(found == simd.splat(u8x64, _ESCAPE)), _U(0)
    if (escapes | carry) != _U(0):
        literals, carry = _literals(escapes, carry)
        if (escapes | literals) & valid == _ALL:  # every other byte stands for itself, four among each eight
            kept = mask64(literals)
            simd.store(masks, group * _U(8), simd.select(kept, simd.splat(u8x64, 1), simd.splat(u8x64, 0)))
            ahead = simd.convert(u64x8, simd.load(_EIGHT, beside, _STEPS))
            simd.store(starts, group, simd.splat(u64x8, written) + ahead)
            simd.store(text, min(written, last), compress8(kept, found))
            return written + _U(32), carry
    escaped = mask64(literals)
    first, widths = simd.lookup256(table, 0, found), simd.lookup256(table, 8 * _PLANE, found)
    first, widths = simd.select(escaped, found, first), simd.select(escaped, simd.splat(u8x64, 1), widths)
    widths = simd.select(mask64(valid), widths, simd.splat(u8x64, 0))
    simd.store(masks, group * _U(8), widths)
    arranged, first = permute_bytes(found, order), permute_bytes(first, order)
    for symbols in words_of(_looked_up(table, arranged, first)):
        kept = words[group]
        packed = compress8(mask64(kept), simd.reinterpret(u8x64, symbols))
        simd.store(text, min(written, last), packed)  # what exceeds the capacity goes where it does no harm
        starts[group] = written
        written += _U(simd.count_ones(kept))
        group += _U(1)
    return written, carry


@_compiled
def _whole_blocks(codes: Any, base: Any, blocks: Any, tables: Any, scratch: Any, text: Any, done: Any) -> Any:
    """Decode whole blocks of 64 codes."""
    for block in range(_U(blocks)):
        done = _block(codes, base + block * _U(64), _ALL, tables, scratch, block * _U(8), text, done)
    return done


@_inlined
def _begin(offset: Any, base: Any, scratch: Any) -> Any:
    """Return where in the text a string begins."""
    _, words, starts = scratch
    place = _U(offset) - base
    group, before = place >> _U(3), (_U(1) << ((place & _U(7)) << _U(3))) - _U(1)
    return np.int32(starts[group] + _U(simd.count_ones(words[group] & before)))


@_compiled
def _strings(offsets: Any, number: Any, base: Any, end: Any, scratch: Any, ends: Any) -> Any:
    """Say where in the text the strings begin whose first code is in a chunk, from string `number` on."""
    count, eight = _U(offsets.size), _U(8)
    stop = number
    while stop + eight < count and _U(offsets[stop + eight]) < end:
        stop += eight
    for i in range(number, stop):  # of a known number, which is half the time of asking at each
        ends[i] = _begin(offsets[i], base, scratch)
    while stop < count and _U(offsets[stop]) < end:
        ends[stop] = _begin(offsets[stop], base, scratch)
        stop += _U(1)
    return stop


@_compiled
def _decode_by_planes(
    codes: HostArray, offsets: HostArray, table: HostArray, beside: HostArray, text: HostArray, ends: HostArray
) -> None:
    masks, rest = simd.empty_aligned(_CHUNK), np.zeros(64, np.uint8)
    tables, scratch = (table, beside), (masks, masks.view(np.uint64), np.empty(_CHUNK // 8, np.uint64))
    total, number, done = _U(offsets[-1]), _U(0), (_U(0), _U(0))
    for base in range(_U(0), total, _U(_CHUNK)):
        end = min(total, base + _U(_CHUNK))
        blocks, left = (end - base) // _U(64), (end - base) % _U(64)
        done = _whole_blocks(codes, base, blocks, tables, scratch, text, done)
        if left:
            for i in range(left):
                rest[i] = codes[end - left + i]
            valid = (_U(1) << left) - _U(1)
            done = _block(rest, _U(0), valid, tables, scratch, blocks * _U(8), text, done)
        number = _strings(offsets, number, base, end, scratch, ends)
    _finish(number, done[0], text, ends)


@_inlined
def _finish(number: Any, written: Any, text: Any, ends: Any) -> None:
    """Give the strings behind the last code their place, and clear what is left of the text."""
    for i in range(number, _U(ends.size)):
        ends[i] = np.int32(written)
    text[min(written, _U(text.size - SLACK)) :] = 0


# ---- code by code --------------------------------------------------------------------------------------------------


@_inlined
def _step(code: Any, table: Any, lengths: Any, text: Any, written: Any) -> Any:
    """Store eight bytes for a code, and return how far the text has come."""
    symbol = simd.load(_EIGHT, table, code * _U(8))
    simd.store(text, min(written, _U(text.size - SLACK)), symbol)
    return written + _U(lengths[code])


@_compiled
def _decode_singly(
    codes: HostArray, offsets: HostArray, table: HostArray, beside: HostArray, text: HostArray, ends: HostArray
) -> None:
    starts = np.empty(_CHUNK, np.uint64)
    total, number, written, literal = _U(offsets[-1]), _U(0), _U(0), _U(0)
    for base in range(_U(0), total, _U(_CHUNK)):
        end = min(total, base + _U(_CHUNK))
        at = _U(base)
        while at < end:
            ahead, plain = min(_U(8), end - at), False
            if ahead == _U(8) and literal == _U(0):
                plain = simd.bits(simd.load(_EIGHT, codes, at) == simd.splat(_EIGHT, _ESCAPE)) == _U(0)
            if plain:
                for i in range(at, at + _U(8)):
                    starts[i - base] = written
                    written = _step(_U(codes[i]), table, beside, text, written)
            else:
                for i in range(at, at + ahead):
                    code = _U(codes[i])
                    starts[i - base] = written
                    written = _step(code + literal * _U(_PLANE), table, beside, text, written)
                    literal = _U(code == _U(_ESCAPE)) & ~literal
            at += ahead
        while number < _U(offsets.size) and _U(offsets[number]) < end:
            ends[number] = np.int32(starts[_U(offsets[number]) - base])
            number += _U(1)
    _finish(number, written, text, ends)
