"""Masks as words, bytes packed and spread by a mask, and which lanes of one vector occur in another.

`occurs` runs on every processor, and is one instruction where ``supports("vp2intersect")`` says so. `compress8` and
`expand8` must only be compiled where ``supports("expand8")`` does.
"""

from typing import Any

from llvmlite import ir
from numba import types

from lar.simd.vector import Type, Value, Vector, alike, binary, call, u8x64, unary
from lar.simd.x86 import FEATURES, supports

FEATURES.update(expand8=(("avx512vbmi2", "avx512bw"),), vp2intersect=(("avx512vp2intersect", "avx512f"),))

_I32 = ir.IntType(32)
_MASK64 = Vector(types.boolean, 64)


def _mask64(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    return builder.bitcast(values[0], _MASK64.ir)


def _by_mask(name: str) -> Any:
    """Emit the AVX-512 operation of that name on bytes; lanes without a source become zero."""

    def emit(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
        mask, vector = values
        none = ir.Constant(u8x64.ir, None)
        return call(builder, f"llvm.x86.avx512.mask.{name}.{u8x64.spelling}", u8x64.ir, (vector, none, mask))

    return emit


def _bytes_by_mask(mask: Type, vector: Type) -> Type:
    return u8x64 if mask == _MASK64 and vector == u8x64 else None


def _occurs(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    (a, b), kind = values, kinds[0]
    if kind.width * kind.lanes == 512 and kind.width == 32 and supports("vp2intersect"):
        mask = ir.VectorType(ir.IntType(1), kind.lanes)
        pair = ir.LiteralStructType([mask, mask])
        return builder.extract_value(call(builder, "llvm.x86.avx512.vp2intersect.d.512", pair, (a, b)), 0)
    found = None
    for turn in range(kind.lanes):
        order = ir.Constant(ir.VectorType(_I32, kind.lanes), [(i + turn) % kind.lanes for i in range(kind.lanes)])
        equal = builder.icmp_unsigned("==", a, builder.shuffle_vector(b, b, order))
        found = equal if found is None else builder.or_(found, equal)
    return found


def _alike_integers(a: Type, b: Type) -> Type:
    kind = alike(a, b)
    return Vector(types.boolean, kind.lanes) if kind is not None and not kind.floating else None


mask64 = unary(lambda word: _MASK64 if word == types.uint64 else None, _mask64)
"""``mask64(word)``: the mask of 64 lanes whose lane i is bit i of a uint64; `lar.simd.bits` is its inverse."""

compress8 = binary(_bytes_by_mask, _by_mask("compress"))
"""``compress8(mask, vector)``: the bytes that the mask keeps, moved to the front in order, and zeros behind them."""

expand8 = binary(_bytes_by_mask, _by_mask("expand"))
"""``expand8(mask, vector)``: the first bytes, one after the other into the lanes that the mask keeps; elsewhere 0."""

occurs = binary(_alike_integers, _occurs)
"""``occurs(a, b)``: the lanes of a that are equal to some lane of b."""
