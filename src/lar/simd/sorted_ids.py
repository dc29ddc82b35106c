"""Common values of two sorted arrays of uint32, neither with repeats.

Of arrays about as long, vectors are held against each other, all lanes with all lanes, and whichever ends first moves
on: steps of a merge without a branch to mispredict. In an array much longer, values are searched for by bisection, a
step of many searches at a time, so that their reads from memory overlap: of arrays beyond the second cache that takes a
seventh of the time.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar.simd.lanes import bits, count_ones, trailing_zeros
from lar.simd.masks import occurs
from lar.simd.memory import load, store
from lar.simd.vector import Vector, u32x16
from lar.simd.x86 import compress, supports

SLACK = 16
"""Items that may be overwritten behind what is written."""

_WIDE = supports("compress", "vp2intersect")
_MUCH_LONGER = 32 if _WIDE else 16
_SEARCHES = 64
_ONE = np.uint64(1)
u32x8 = Vector(types.uint32, 8)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def search(few: Any, many: Any, out: Any, written: Any) -> Any:
    """Write those of `few` that are among `many` from ``out[written]`` on, and return where they end.

    `out` may be `few` itself, read from its beginning.
    """
    if many.size == 0:
        return written
    lows = np.empty(_SEARCHES, np.uint64)
    for first in range(np.uint64(0), np.uint64(few.size), np.uint64(_SEARCHES)):
        wanted = few[first : first + np.uint64(_SEARCHES)]
        low, size = lows[: wanted.size], np.uint64(many.size)
        low[:] = np.uint64(0)
        while size > _ONE:
            half = size >> _ONE
            for i in range(wanted.size):
                low[i] += half * np.uint64(many[low[i] + half - _ONE] < wanted[i])
            size -= half
        for i in range(wanted.size):
            value = wanted[i]
            out[written] = value
            written += np.uint64(many[low[i]] == value)
    return written


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _rest(a: Any, b: Any, out: Any, written: Any) -> Any:
    """Do the last step: of one of the two, less than a vector is left."""
    if a.size < b.size:
        return search(a, b, out, written)
    return search(b, a, out, written)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def merge_wide(a: Any, b: Any, out: Any) -> Any:
    """Do what `intersect` does, sixteen by sixteen, where ``supports("compress")``."""
    i, j, written = np.uint64(0), np.uint64(0), np.uint64(0)
    lanes, last = np.uint64(16), np.uint64(15)
    m, n = np.uint64(a.size), np.uint64(b.size)
    while i + lanes <= m and j + lanes <= n:
        one = load(u32x16, a, i)
        mask = occurs(one, load(u32x16, b, j))
        store(out, written, compress(mask, one))
        written += np.uint64(count_ones(bits(mask)))
        x, y = a[i + last], b[j + last]
        i += lanes * np.uint64(x <= y)
        j += lanes * np.uint64(y <= x)
    return _rest(a[i:], b[j:], out, written)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def merge_narrow(a: Any, b: Any, out: Any) -> Any:
    """Do what `intersect` does, eight by eight, on any processor."""
    i, j, written = np.uint64(0), np.uint64(0), np.uint64(0)
    lanes, last = np.uint64(8), np.uint64(7)
    m, n = np.uint64(a.size), np.uint64(b.size)
    while i + lanes <= m and j + lanes <= n:
        found = bits(occurs(load(u32x8, a, i), load(u32x8, b, j)))
        while found:
            out[written] = a[i + np.uint64(trailing_zeros(found))]
            written += _ONE
            found &= found - _ONE
        x, y = a[i + last], b[j + last]
        i += lanes * np.uint64(x <= y)
        j += lanes * np.uint64(y <= x)
    return _rest(a[i:], b[j:], out, written)


_merge = merge_wide if _WIDE else merge_narrow


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def intersect(a: Any, b: Any, out: Any) -> Any:
    """Write the common values of two arrays, in order.

    Parameters
    ----------
    a, b : array
        uint32, ascending, without repeats; `a` is the shorter one.
    out : array
        uint32, longer than `a` by `SLACK`; its memory is neither's.

    Returns
    -------
    int
        How many they are.
    """
    if b.size > _MUCH_LONGER * a.size:
        return search(a, b, out, np.uint64(0))
    return _merge(a, b, out)
