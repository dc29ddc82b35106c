"""From bitmaps to the places of their bits: words of 64 rows in, ascending uint32 ids out.

A bit decides where all later ids stand, so a loop over bits is bound by mispredicted branches or by a chain of single
stores. Here a word is packed in a register, the whole of it is stored, and the next one is written from where its ids
end: no branch, and no store whose length depends on data (an instruction that stores packed lanes alone takes many
times as long on some processors).

`write_by_bytes` packs 64 places at once and must only be compiled where ``supports("expand8")`` says so, and
`write_by_words`, which packs sixteen at a time, where ``supports("compress")`` does; `write_singly` runs anywhere.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from lar.simd.lanes import bits, convert, count_ones, splat, trailing_zeros
from lar.simd.masks import compress8, mask64
from lar.simd.memory import load, store
from lar.simd.vector import Value, Vector, u8x16, u8x64, u32x16, u64x8, unary
from lar.simd.x86 import compress

u32x64 = Vector(types.uint32, 64)
_I32 = ir.IntType(32)
_MASK16 = Vector(types.boolean, 16)
_PLACES = np.arange(64, dtype=np.uint8)
_PLACES16 = np.arange(16, dtype=np.uint32)
_NUMBER = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ONE, _GROUP, _LANES, _ROWS = _NUMBER(1), _NUMBER(8), _NUMBER(16), _NUMBER(64)


def _first16(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    order = ir.Constant(ir.VectorType(_I32, 16), list(range(16)))
    return builder.shuffle_vector(values[0], values[0], order)


def _mask16(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    return builder.bitcast(builder.trunc(values[0], ir.IntType(16)), _MASK16.ir)


first16 = unary(lambda vector: u8x16 if vector == u8x64 else None, _first16)
"""``first16(vector)``: the first sixteen of 64 bytes."""

mask16 = unary(lambda word: _MASK16 if word == types.uint64 else None, _mask16)
"""``mask16(word)``: the mask of 16 lanes whose lane i is bit i of a uint64; higher bits are ignored."""


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _one_by_one(word: Any, base: Any, out: Any, written: Any) -> Any:
    """Write the places of one word, and nothing else."""
    while word:
        out[written] = base + _NUMBER(trailing_zeros(word))
        word &= word - _ONE
        written += _ONE
    return written


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write_by_bytes(words: Any, out: Any) -> Any:
    """Write the places of all bits that are set.

    Parameters
    ----------
    words : array
        uint64; bit i of word w is place ``64 w + i``.
    out : array
        uint32, as many as there are places: no bit from there on is set. What is behind the ids is overwritten.

    Returns
    -------
    int
        How many they are.
    """
    places, written, whole = load(u8x64, _PLACES, 0), _NUMBER(0), _NUMBER(out.size) // _ROWS
    for group in range(_NUMBER(0), whole, _GROUP):
        end = min(group + _GROUP, whole)
        if end == group + _GROUP and bits(load(u64x8, words, group) != splat(u64x8, 0)) == _NUMBER(0):
            continue
        for w in range(group, end):
            word, base = words[w], w * _ROWS
            packed, count = compress8(mask64(word), places), _NUMBER(count_ones(word))
            if count <= _LANES:
                store(out, written, convert(u32x16, first16(packed)) | splat(u32x16, base))
            else:
                store(out, written, convert(u32x64, packed) | splat(u32x64, base))
            written += count
    for w in range(whole, _NUMBER(words.size)):
        written = _one_by_one(words[w], w * _ROWS, out, written)
    return written


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write_by_words(words: Any, out: Any) -> Any:
    """Do as `write_by_bytes` does, sixteen places at a time."""
    places, written, whole = load(u32x16, _PLACES16, 0), _NUMBER(0), _NUMBER(out.size) // _ROWS
    for w in range(whole):
        word, base = words[w], w * _ROWS
        while word:
            store(out, written, compress(mask16(word), places | splat(u32x16, base)))
            written += _NUMBER(count_ones(word & _NUMBER(0xFFFF)))
            word, base = word >> _LANES, base + _LANES
    for w in range(whole, _NUMBER(words.size)):
        written = _one_by_one(words[w], w * _ROWS, out, written)
    return written


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write_singly(words: Any, out: Any) -> Any:
    """Do as `write_by_bytes` does, a place at a time.

    Where many bits are set, every place is written and those that are not meant are overwritten: branches that cannot
    be foreseen cost more.
    """
    written, whole = _NUMBER(0), _NUMBER(out.size) // _ROWS
    for w in range(whole):
        word, base = words[w], w * _ROWS
        if count_ones(word) < 8:
            written = _one_by_one(word, base, out, written)
            continue
        for i in range(_NUMBER(0), _ROWS):
            out[written] = base + i
            written += word >> i & _ONE
    for w in range(whole, _NUMBER(words.size)):
        written = _one_by_one(words[w], w * _ROWS, out, written)
    return written
