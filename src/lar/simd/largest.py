"""The k largest scores, none of them negative: `shortlist` turned round, and 64 scores at a time held against the k-th.

Keys, how many there are, and the bound are those of `shortlist`; beside them stands *least*: a float32 that no score
must exceed to be left out. It is the k-th best score so far, or what is known of it from elsewhere.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.lanes import bits, maximum, splat, trailing_zeros
from lar.simd.memory import load
from lar.simd.shortlist import NOTHING, distance_of, key_of
from lar.simd.shortlist import offer as offer_key
from lar.simd.shortlist import write as write_keys
from lar.simd.vector import f32x16


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def offer(keys: Any, filled: Any, bound: Any, least: Any, k: Any, score: Any, row: Any) -> Any:
    """Take a row in if it is within the bound; return how many keys there are, the bound, and `least`."""
    filled, bound = offer_key(keys, filled, bound, k, key_of(-score, row))
    if bound != NOTHING:
        least = max(least, -distance_of(bound))
    return filled, bound, least


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def offer_above(keys: Any, filled: Any, bound: Any, least: Any, k: Any, scores: Any, first: Any) -> Any:
    """Offer the rows from `first` on whose scores exceed `least`; return as `offer` does.

    `scores` is float32, its size a multiple of 64, padded with -1; `least` is above -1. Rows come in ascending order:
    one with the k-th score is no better than those that have it already.
    """
    for at in range(0, scores.size, 64):
        top = splat(f32x16, least)
        a, b = load(f32x16, scores, at), load(f32x16, scores, at + 16)
        c, d = load(f32x16, scores, at + 32), load(f32x16, scores, at + 48)
        if bits(maximum(maximum(a, b), maximum(c, d)) > top):
            near = bits(a > top) | (bits(b > top) << np.uint64(16))
            near |= (bits(c > top) << np.uint64(32)) | (bits(d > top) << np.uint64(48))
            while near:
                i = at + trailing_zeros(near)
                near &= near - np.uint64(1)
                if scores[i] > least:
                    filled, bound, least = offer(keys, filled, bound, least, k, scores[i], first + i)
    return filled, bound, least


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write(keys: Any, count: Any, k: Any, scores: Any, ids: Any) -> None:
    """Write the k best rows in order, then padding.

    Parameters
    ----------
    keys : array
        uint64, room for k at least; sorted in place.
    count : int
        How many there are. Where that is below k, the lowest rows that are not among them fill up with scores of 0.
    k : int
        At most ``scores.size``, and at most as many as there are rows.
    scores : array
        float32; padded with -inf.
    ids : array
        uint32 of the same size; padded with 2**32 - 1.
    """
    if count < k:
        taken = np.zeros(k, np.bool_)  # of the first k rows: as many are free as are missing, or more
        for key in keys[:count]:
            row = key & np.uint64(2**32 - 1)
            if row < k:
                taken[row] = True
        for row in range(k):
            if not taken[row] and count < k:
                keys[count] = key_of(np.float32(0), row)
                count += 1
    write_keys(keys, k, scores, ids)
    for i in range(scores.size):
        scores[i] = np.float32(0) - scores[i]  # not -scores[i]: a score of 0 keeps its sign
