"""Lanes moved to places that are known at run time only; ask `lar.simd.supports` before compiling one.

A `shufflevector` of LLVM wants its places as constants, one compiled function for each pattern. With the places in a
register, one function serves all patterns, as all widths of a packed integer.
"""

from typing import Any

from numba import types

from lar.simd.vector import Type, Value, Vector, binary, call, u8x64
from lar.simd.x86 import FEATURES

FEATURES["permute_bytes"] = (("avx512vbmi", "avx512bw"),)
FEATURES["permute_words"] = (("avx2",),)

u8x32, u32x8 = Vector(types.uint8, 32), Vector(types.uint32, 8)


def _both(vector: Vector, name: str) -> Any:
    """Make an intrinsic of two such vectors by the name of LLVM's."""

    def result(lanes: Type, places: Type) -> Type:
        return vector if lanes == places == vector else None

    def emit(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
        return call(builder, name, vector.ir, values)

    return binary(result, emit)


permute_bytes = _both(u8x64, "llvm.x86.avx512.permvar.qi.512")
"""``permute_bytes(vector, places)``: byte i is the vector's byte ``places[i] % 64``."""

permute_words = _both(u32x8, "llvm.x86.avx2.permd")
"""``permute_words(vector, places)``: word i is the vector's word ``places[i] % 8``; vectors of 8 words, `u32x8`."""
