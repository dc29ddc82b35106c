"""Sixteen items of an array, each from a place of its own; ask `lar.simd.supports` before compiling it."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from lar.simd.vector import Type, Value, Vector, binary, call, u32x16
from lar.simd.x86 import FEATURES

FEATURES["gather"] = (("avx512f",),)

_I32 = ir.IntType(32)


def _gather(context: Any, builder: Any, kinds: Any, values: Any) -> Value:
    data = builder.bitcast(make_array(kinds[0])(context, builder, values[0]).data, cgutils.voidptr_t)
    every = ir.Constant(Vector(types.boolean, 16).ir, [1] * 16)
    arguments = (ir.Constant(u32x16.ir, None), data, values[1], every, ir.Constant(_I32, 4))
    return call(builder, "llvm.x86.avx512.mask.gather.dpi.512", u32x16.ir, arguments)


def _words(array: Type, places: Type) -> Type:
    contiguous = isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.uint32
    return u32x16 if contiguous and places == u32x16 else None


gather = binary(_words, _gather)
"""``gather(array, places)``: ``array[places[i]]`` in lane i, of uint32; places are below 2**31 and not checked."""
