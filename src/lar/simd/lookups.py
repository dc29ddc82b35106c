"""Values looked up by codes: tables that stay in registers, codes of any width, and bitmaps that say which are null.

`lookup32` and `words_of` (by ``lookup256``) must only be compiled where ``supports`` says so; the others are generic.
Codes come in arrays of 8, 16 or 32 bits, bitmaps with the least significant bit first.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.np.arrayobj import make_array

from lar.simd.lanes import bits, minimum, reinterpret, select, splat
from lar.simd.memory import store
from lar.simd.vector import Type, Value, Vector, binary, call, ternary, u8x64, u16x32, u32x16
from lar.simd.x86 import FEATURES, lookup256

MANY = 256
"""Bytes of a table that `lookup256` looks up in."""

FEATURES["lookup32"] = (("avx512f",),)

_I1, _I32, _I64 = (ir.IntType(width) for width in (1, 32, 64))
_CODES = frozenset({types.uint8, types.uint16, types.uint32})
_NUMBER = np.uint64
_inlined = njit(cache=True, nogil=True, forceinline=True)


def _address(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    data = make_array(kinds[0])(context, builder, values[0]).data
    return builder.gep(data, [context.cast(builder, values[1], kinds[1], types.intp)])


def _load_codes(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    width = kinds[0].dtype.bitwidth
    lanes = ir.VectorType(ir.IntType(width), 16)
    loaded = builder.load(builder.bitcast(_address(context, builder, kinds, values), lanes.as_pointer()))
    loaded.align = width // 8
    return loaded if width == 32 else builder.zext(loaded, u32x16.ir)


def _codes(array: Type, _index: Type) -> Type:
    fits = isinstance(array, types.Array) and array.layout == "C" and array.dtype in _CODES
    return u32x16 if fits else None


def _word64(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    loaded = builder.load(builder.bitcast(_address(context, builder, kinds, values), _I64.as_pointer()))
    loaded.align = 1
    return loaded


def _octets(array: Type, _index: Type) -> Type:
    fits = isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.uint8
    return types.uint64 if fits else None


def _mask_of(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    lanes = kinds[0].instance_type.lanes
    low = values[1] if lanes == 64 else builder.trunc(values[1], ir.IntType(lanes))
    return builder.bitcast(low, ir.VectorType(_I1, lanes))


def _mask(kind: Type, word: Type) -> Type:
    vector = kind.instance_type
    fits = isinstance(vector, Vector) and vector.lanes <= 64 and word == types.uint64
    return Vector(types.boolean, vector.lanes) if fits else None


def _lookup32(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    low, high, codes = values
    return call(builder, "llvm.x86.avx512.vpermi2var.d.512", u32x16.ir, (low, codes, high))


def _zipped(half: int) -> Any:
    def emit(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
        lanes = kinds[0].lanes
        first = half * lanes // 2
        order = [first + i // 2 + (lanes if i % 2 else 0) for i in range(lanes)]
        return builder.shuffle_vector(*values, ir.Constant(ir.VectorType(_I32, lanes), order))

    return emit


def _pair(a: Type, b: Type) -> Type:
    return a if isinstance(a, Vector) and a == b and a.width > 1 else None


load_codes = binary(_codes, _load_codes)
"""``load_codes(array, index)``: 16 items of a contiguous array of uint8, uint16 or uint32, as a `u32x16`."""

word64 = binary(_octets, _word64)
"""``word64(octets, index)``: eight bytes of a contiguous uint8 array as a uint64, in the machine's order."""

mask_of = binary(_mask, _mask_of)
"""``mask_of(u32x16, word)``: the mask whose lane i is bit i of a uint64, for as many lanes as the vector has."""

lookup32 = ternary(lambda *kinds: u32x16 if set(kinds) == {u32x16} else None, _lookup32)
"""``lookup32(low, high, codes)``: word i is word ``codes[i] % 32`` of a table of two vectors."""

zip_low = binary(_pair, _zipped(0))
"""``zip_low(a, b)``: ``a[0], b[0], a[1], b[1], ...`` of the first halves of two vectors."""

zip_high = binary(_pair, _zipped(1))
"""``zip_high(a, b)``: the same of their second halves."""


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def is_set(bitmap: Any, i: int) -> bool:
    """Return bit i of a uint8 bitmap."""
    return bool(bitmap[_NUMBER(i >> 3)] >> _NUMBER(i & 7) & _NUMBER(1))


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def entries_of(codes: Any, validity: Any, start: int, stop: int, K: int, entries: Any) -> bool:
    """Replace codes by the entries they stand for: by K where they are null, or no entry's.

    Parameters
    ----------
    codes : array
        uint8, uint16 or uint32 (n,).
    validity : array
        uint8, a bitmap of n places.
    start, stop : int
        Which codes; `start` is a multiple of 8.
    K : int
        Number of entries.
    entries : array
        uint32, written to: ``stop - start`` of them.

    Returns
    -------
    bool
        Whether all codes that are not null are below K.
    """
    whole = stop - (stop - start) % 64
    limit, beyond = splat(u32x16, K), mask_of(u32x16, _NUMBER(0))
    for i in range(start, whole, 64):
        word = word64(validity, i >> 3)
        for lane in range(0, 64, 16):
            valid, code = mask_of(u32x16, word >> _NUMBER(lane)), load_codes(codes, i + lane)
            beyond = beyond | (valid & (code >= limit))
            store(entries, i - start + lane, select(valid, minimum(code, limit), limit))
    good = bits(beyond) == 0
    for i in range(whole, stop):
        code = np.int64(codes[_NUMBER(i)])
        if not is_set(validity, i):
            code = K
        elif code >= K:
            code, good = K, False
        entries[_NUMBER(i - start)] = code
    return bool(good)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def words_of(planes: Any, first: int, codes: Any, kept: Any) -> Any:
    """Look words of four bytes up for 64 codes of one byte each.

    Parameters
    ----------
    planes : array
        uint8, from `first` on four tables of 256 bytes: the words' lowest bytes, and so on up to the highest ones.
    first : int
        Where they begin.
    codes : u8x64
        The codes.
    kept : mask of 64 lanes
        The words of other codes are 0.

    Returns
    -------
    four u32x16
        The words in order.
    """
    none = splat(u8x64, 0)
    a = select(kept, lookup256(planes, first, codes), none)
    b = select(kept, lookup256(planes, first + MANY, codes), none)
    c = select(kept, lookup256(planes, first + 2 * MANY, codes), none)
    d = select(kept, lookup256(planes, first + 3 * MANY, codes), none)
    e, f = reinterpret(u16x32, zip_low(a, b)), reinterpret(u16x32, zip_low(c, d))
    g, h = reinterpret(u16x32, zip_high(a, b)), reinterpret(u16x32, zip_high(c, d))
    p, q = reinterpret(u32x16, zip_low(e, f)), reinterpret(u32x16, zip_high(e, f))
    return p, q, reinterpret(u32x16, zip_low(g, h)), reinterpret(u32x16, zip_high(g, h))
