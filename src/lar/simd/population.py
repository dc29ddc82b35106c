"""How many bits are set in each lane of a vector.

Generic LLVM code: one instruction on bytes with AVX-512 BITALG or NEON, on words with AVX-512 VPOPCNTDQ, two look-ups
of nibbles with SSSE3 or AVX2, and shifts and masks on any other processor. Bytes are at no disadvantage anywhere.
"""

from typing import Any

from lar.simd.vector import Type, Value, Vector, call, unary


def _integers(vector: Type) -> Type:
    return vector if isinstance(vector, Vector) and not vector.floating and vector.width > 1 else None


def _population(_context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    return call(builder, f"llvm.ctpop.{kinds[0].spelling}", kinds[0].ir, values)


population = unary(_integers, _population)
"""``population(vector)``: of integers; the number of set bits of each lane, in the lane's own type."""
