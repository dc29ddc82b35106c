"""From bitmaps to the places of their bits: words of 64 rows in, ascending uint32 ids out.

A bit decides where all later ids stand, so a loop over bits is bound by mispredicted branches or by a chain of single
stores. Here a word is packed in a register, the whole of it is stored, and the next one is written from where its ids
end: no branch, and no store whose length depends on data (an instruction that stores packed lanes alone takes many
times as long on some processors).

`append_by_bytes` packs 64 places at once and must only be compiled where ``supports("expand8")`` says so, and
`append_by_words`, which packs sixteen at a time, where ``supports("compress")`` does; `append_singly` runs anywhere.
All three overwrite up to 64 items behind the ids, so the last words of an array are for `append_exactly`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from lar.simd.lanes import convert, count_ones, splat, trailing_zeros
from lar.simd.masks import compress8, mask64
from lar.simd.memory import load, store
from lar.simd.vector import Value, Vector, u8x16, u8x64, u32x16, unary
from lar.simd.x86 import compress

u32x64 = Vector(types.uint32, 64)
SLACK = 64
"""Items that may be overwritten from where ids are written on."""

_I32 = ir.IntType(32)
_MASK16 = Vector(types.boolean, 16)
_PLACES = np.arange(64, dtype=np.uint8)
_PLACES16 = np.arange(16, dtype=np.uint32)
_NUMBER = np.uint64  # indices are unsigned throughout: numba wraps negative ones, at a cost
_ONE, _FEW, _LANES, _ROWS = _NUMBER(1), 8, _NUMBER(16), _NUMBER(64)


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
def append_exactly(word: Any, base: Any, out: Any, written: Any) -> Any:
    """Do as `append_by_bytes` does, and write nothing but ids."""
    while word:
        out[written] = base + _NUMBER(trailing_zeros(word))
        word &= word - _ONE
        written += _ONE
    return written


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def append_by_bytes(word: Any, base: Any, out: Any, written: Any) -> Any:
    """Write the places of a word's bits.

    Parameters
    ----------
    word : uint64
        Bit i is place ``base + i``.
    base : uint64
        A multiple of 64, below 2**32.
    out : array
        uint32, with room for 64 items from `written` on.
    written : uint64
        Where the first of them goes.

    Returns
    -------
    uint64
        Where the next one goes.
    """
    packed, count = compress8(mask64(word), load(u8x64, _PLACES, 0)), _NUMBER(count_ones(word))
    if count <= _LANES:
        store(out, written, convert(u32x16, first16(packed)) | splat(u32x16, base))
    else:
        store(out, written, convert(u32x64, packed) | splat(u32x64, base))
    return written + count


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def append_by_words(word: Any, base: Any, out: Any, written: Any) -> Any:
    """Do as `append_by_bytes` does, sixteen places at a time."""
    places = load(u32x16, _PLACES16, 0)
    for _ in range(4):
        store(out, written, compress(mask16(word), places | splat(u32x16, base)))
        written += _NUMBER(count_ones(word & _NUMBER(0xFFFF)))
        word, base = word >> _LANES, base + _LANES
    return written


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def append_singly(word: Any, base: Any, out: Any, written: Any) -> Any:
    """Do as `append_by_bytes` does, a place at a time.

    Where more than a few bits are set, every place is written and the next one overwrites those that are not meant:
    branches that cannot be foreseen cost more.
    """
    if count_ones(word) < _FEW:
        return append_exactly(word, base, out, written)
    for i in range(_NUMBER(0), _ROWS):
        out[written] = base + i
        written += word >> i & _ONE
    return written
