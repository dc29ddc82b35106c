"""The k best rows so far by a distance that is a small integer: a tally says at any time what the k-th smallest is.

Rows are offered in ascending order; of equal distances the first ones stay, so a row counts only if it is *nearer* than
the k-th best so far. That bound is exact after every row, which `lar.simd.shortlist` cannot have for floats, and no
more than k rows are taken in for each step of the bound, whatever the order.

A list is an array of more than k keys (a distance above a row's number, as in `lar.simd.shortlist`), a tally with one
item for each distance there can be and one more, and a record of `STATE`.
"""

from typing import Any

import numpy as np
from numba import njit

STATE = np.dtype([("bound", "i8"), ("nearer", "i8"), ("filled", "i8")])
"""The k-th smallest distance, or one more than there can be while fewer than k rows are known; how many rows are nearer
than that; how many keys are held. In numba a record does not keep alive the array that it lies in: hold on to that."""

_LOW = np.uint64(2**32 - 1)
_HALF = np.uint64(32)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def begin(tally: Any, state: Any) -> None:
    """Know no row. `tally` is int64, its size two more than the largest distance there can be."""
    tally[:] = 0
    state.bound, state.nearer, state.filled = tally.size - 1, 0, 0


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def offer(keys: Any, tally: Any, state: Any, k: Any, distance: Any, row: Any) -> None:
    """Take a row in if it is nearer than the bound; `row` is above those offered before it and below 2**32, k >= 1."""
    if distance >= state.bound:
        return
    keys[state.filled] = (np.uint64(distance) << _HALF) | np.uint64(row)
    state.filled += 1
    tally[distance] += 1
    state.nearer += 1
    while state.nearer >= k:
        state.bound -= 1
        state.nearer -= tally[state.bound]
    if state.filled == keys.size:
        trim(keys, state, k)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def trim(keys: Any, state: Any, k: Any) -> None:
    """Keep the k best, in the order in which they came; all there are, where they are fewer."""
    equal, left = k - state.nearer, 0
    for i in range(state.filled):
        distance = np.int64(keys[i] >> _HALF)
        if distance < state.bound or (distance == state.bound and equal > 0):
            equal -= distance == state.bound
            keys[left] = keys[i]
            left += 1
    state.filled = left


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def write(keys: Any, tally: Any, state: Any, k: Any, distances: Any, ids: Any) -> None:
    """Write the k best by distance, equal ones by row, then padding; nothing can be offered afterwards.

    Parameters
    ----------
    keys, tally, state : array, array, record
        The list; its tally is overwritten.
    k : int
        As offered with.
    distances, ids : array
        uint32, as many as asked for; padded with 2**32 - 1.
    """
    trim(keys, state, k)
    found, at = keys[: state.filled], 0
    tally[:] = 0
    for key in found:
        tally[np.int64(key >> _HALF)] += 1
    for i in range(tally.size):  # from how many there are to where they begin
        count = tally[i]
        tally[i] = at
        at += count
    for key in found:
        distance = np.int64(key >> _HALF)
        place = tally[distance]
        distances[place], ids[place] = np.uint32(distance), np.uint32(key & _LOW)
        tally[distance] += 1
    distances[at:] = np.uint32(2**32 - 1)
    ids[at:] = np.uint32(2**32 - 1)
