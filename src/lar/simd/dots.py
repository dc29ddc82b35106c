"""Sums of products: of bytes, four to a lane, and the sum of a vector's lanes.

`add_products` must only be compiled where ``supports("add_products")`` says so; `total` runs on every processor.
"""

from typing import Any

from llvmlite import ir

from lar.simd.vector import Type, Value, Vector, call, i32x16, ternary, u8x64, unary
from lar.simd.x86 import FEATURES, supports

FEATURES.update(
    add_products=(("avx512vnni", "avx512bw"), ("avx2",)),
    add_products_at_once=(("avx512vnni", "avx512bw"),),
)

_I32 = ir.IntType(32)
_WORDS = ir.VectorType(ir.IntType(16), 32)
_HALF = ir.VectorType(ir.IntType(16), 16)
_SUMS = ir.VectorType(_I32, 8)


def _add_products(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    return (_at_once if supports("add_products_at_once") else _by_pairs)(builder, *values)


def _at_once(builder: Any, sums: Value, unsigned: Value, signed: Value) -> Value:
    left, right = (builder.bitcast(part, i32x16.ir) for part in (unsigned, signed))
    return call(builder, "llvm.x86.avx512.vpdpbusd.512", i32x16.ir, (sums, left, right))


def _by_pairs(builder: Any, sums: Value, unsigned: Value, signed: Value) -> Value:
    """Widen even and odd bytes to words where they lie; two words to a lane are multiplied and added by AVX2."""
    eight = ir.Constant(_WORDS, [8] * 32)
    left, right = (builder.bitcast(part, _WORDS) for part in (unsigned, signed))
    even = builder.and_(left, ir.Constant(_WORDS, [255] * 32)), builder.ashr(builder.shl(right, eight), eight)
    odd = builder.lshr(left, eight), builder.ashr(right, eight)
    halves = []
    for first in (0, 16):
        parts = []
        for pair in (even, odd):
            cut = [builder.shuffle_vector(one, one, _lanes(range(first, first + 16))) for one in pair]
            parts.append(call(builder, "llvm.x86.avx2.pmadd.wd", _SUMS, cut))
        halves.append(builder.add(*parts))
    return builder.add(sums, builder.shuffle_vector(*halves, _lanes(range(16))))


def _total(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    """Emit a tree that adds the upper half of the lanes to the lower one."""
    (value,), half = values, kinds[0].lanes // 2
    while half:
        low, high = (builder.shuffle_vector(value, value, _lanes(range(at, at + half))) for at in (0, half))
        value = (builder.fadd if kinds[0].floating else builder.add)(low, high)
        half //= 2
    return builder.extract_element(value, ir.Constant(_I32, 0))


def _lanes(order: Any) -> Any:
    places = list(order)
    return ir.Constant(ir.VectorType(_I32, len(places)), places)


def _bytes(sums: Type, unsigned: Type, signed: Type) -> Type:
    return i32x16 if (sums, unsigned, signed) == (i32x16, u8x64, u8x64) else None


add_products = ternary(_bytes, _add_products)
"""``add_products(sums, unsigned, signed)``: to each int32 lane, the products of four bytes of either vector, those of
the second one read as int8; exact as long as the lane holds the sum."""

total = unary(lambda vector: vector.scalar if isinstance(vector, Vector) and vector.width > 1 else None, _total)
"""``total(vector)``: the sum of the lanes, as a scalar; of floats in log2(lanes) roundings, of integers wrapping."""
