"""Tests of 64 lanes that give a word of 64 bits: within an interval, or among a few numbers. Generic LLVM code.

An interval is (low, span, outside): ``x - low <= span`` without a sign, which of a sorted key of 32 or 64 bits is any
comparison with a constant; where `outside` is 1 the bits are those of the lanes that are not in it. `key32` makes such
a key of a float32.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar.simd.lanes import bits, select, splat
from lar.simd.vector import Vector

u32x64, u64x64 = Vector(types.uint32, 64), Vector(types.uint64, 64)
_NONE = np.uint64(0)
_UNSIGNED = 0x7FFFFFFF


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def key32(x: Any) -> Any:
    """Return `u32x64` that sort, with a sign, as the float32 do whose bits `x` has; both zeros become 0."""
    magnitude = x & splat(u32x64, _UNSIGNED)
    return select(x > splat(u32x64, _UNSIGNED), splat(u32x64, 0) - magnitude, magnitude)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def within32(x: Any, bounds: Any) -> Any:
    """Return the bits of the lanes of `u32x64` within an interval; `bounds` is uint32 (3,)."""
    return bits(x - splat(u32x64, bounds[0]) <= splat(u32x64, bounds[1])) ^ (_NONE - np.uint64(bounds[2]))


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def within64(x: Any, bounds: Any) -> Any:
    """Return the same of `u64x64`; `bounds` is uint64 (3,)."""
    return bits(x - splat(u64x64, bounds[0]) <= splat(u64x64, bounds[1])) ^ (_NONE - bounds[2])


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def among32(x: Any, keys: Any) -> Any:
    """Return the bits of the lanes of `u32x64` that are equal to one of the keys: uint32, one or more."""
    missing = x != splat(u32x64, keys[0])
    for j in range(1, keys.size):
        missing = missing & (x != splat(u32x64, keys[j]))
    return ~bits(missing)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def among64(x: Any, keys: Any) -> Any:
    """Return the same of `u64x64`; the keys are uint64."""
    missing = x != splat(u64x64, keys[0])
    for j in range(1, keys.size):
        missing = missing & (x != splat(u64x64, keys[j]))
    return ~bits(missing)
