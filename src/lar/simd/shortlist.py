"""The k best rows so far, as 64-bit keys: a distance's bits above the row's number.

A distance's bits are turned so that they sort as distances do: one comparison decides, and equal distances go by row,
so that a result does not depend on the order in which rows are seen. A shortlist is an array with room for more than k
keys, how many it holds, and a *bound*: a key that at least k rows do not exceed, `NOTHING` while there is none.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.lanes import bits, splat, trailing_zeros
from lar.simd.memory import load
from lar.simd.vector import f32x16

NOTHING = np.uint64(2**64 - 1)
"""A key beyond that of every row."""

_HALF = np.int64(2**31)
_MAGNITUDE = np.int64(2**31 - 1)
_NAN = 0x7FC00000


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def key_of(distance: Any, row: Any) -> Any:
    """Return the key of a row: ``distance`` float32, NaN behind all others, ``row`` below 2**32."""
    word = np.int64(np.float32(np.float32(distance) + np.float32(0)).view(np.int32))  # the sum makes 0.0 of -0.0
    word = np.int64(_NAN) if np.isnan(distance) else word  # there are negative ones
    return (np.uint64(_turned(word) + _HALF) << np.uint64(32)) | np.uint64(row)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def distance_of(key: Any) -> Any:
    """Return the float32 distance of a key; NaN of `NOTHING`."""
    return np.int32(_turned(np.int64(key >> np.uint64(32)) - _HALF)).view(np.float32)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _turned(word: Any) -> Any:
    """Make a float's bits, as int64, sort as the float does, and back."""
    return word ^ ((word >> 63) & _MAGNITUDE)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def offer(keys: Any, filled: Any, bound: Any, k: Any, key: Any) -> Any:
    """Take a key in if it is within the bound; return how many keys there are, and the bound."""
    keys[filled] = key
    filled += key <= bound
    if filled == keys.size:
        return cut(keys, filled, bound, k)
    return filled, bound


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def cut(keys: Any, filled: Any, bound: Any, k: Any) -> Any:
    """Keep the k smallest of ``keys[:filled]``, in any order; return how many are left, and the bound."""
    if filled < k:
        return filled, bound
    low, high = 0, filled - 1
    while low < high:  # Hoare's selection: equal parts even where many keys are in order
        first, middle, last = keys[low], keys[(low + high) // 2], keys[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    worst = keys[0]
    for key in keys[1:k]:
        worst = max(worst, key)
    return k, min(bound, worst)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def offer_all(keys: Any, filled: Any, bound: Any, k: Any, distances: Any, first: Any, count: Any) -> Any:
    """Offer rows `first` to ``first + count``; return how many keys there are, and the bound.

    `distances` is float32, its size a multiple of 16: sixteen are held against the bound at a time.
    """
    for i in range(0, count, 16):
        top = splat(f32x16, np.inf if bound == NOTHING else distance_of(bound))
        near = ~bits(load(f32x16, distances, i) > top) & np.uint64(2**16 - 1)
        while near:
            r = i + trailing_zeros(near)
            near &= near - np.uint64(1)
            if r < count:
                filled, bound = offer(keys, filled, bound, k, key_of(distances[r], first + r))
    return cut(keys, filled, bound, k)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write(keys: Any, count: Any, distances: Any, ids: Any) -> None:
    """Write the first `count` keys in order, then padding.

    Parameters
    ----------
    keys : array
        uint64, at least `count`; sorted in place.
    count : int
        At most ``distances.size``.
    distances : array
        float32 (k,); padded with +inf.
    ids : array
        uint32 (k,); padded with 2**32 - 1.
    """
    gap = count
    while gap > 1:  # Shell's sort, gaps after Gonnet and Baeza-Yates: quick on ten keys, and small to compile
        gap = max(5 * gap // 11, 1)
        for i in range(gap, count):
            key, j = keys[i], i
            while j >= gap and keys[j - gap] > key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key
    for i in range(count):
        distances[i] = distance_of(keys[i])
        ids[i] = np.uint32(keys[i] & np.uint64(2**32 - 1))
    distances[count:] = np.inf
    ids[count:] = 2**32 - 1
