"""Sorted runs of 64-bit words become one, eight words at a time: Batcher's bitonic merge.

Of two sorted vectors, one reversed, the lane-wise minima are the eight smallest words and the maxima the eight largest,
either in an order that rises and falls; three steps more put a vector of that kind in order. The smaller half is
written, the larger one meets the next vector of the run whose next word is smaller.

A *run* takes up `room` words: its own, in ascending order, and then `END` up to a whole vector and for one vector more.
Words are below `END` and need not be distinct. All of it is generic code, and quick where minima of eight words are one
instruction: ``supports("compress")`` says so.

Source: Batcher: Sorting networks and their applications, AFIPS 1968.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit

from lar.simd.lanes import maximum, minimum, splat
from lar.simd.memory import load, store
from lar.simd.vector import Type, Value, u64x8, unary

LANES = 8

END = np.uint64(2**64 - 1)
"""Beyond every word."""


def _order(lanes: list[int]) -> Value:
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes)


def _emit_reversed(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    return builder.shuffle_vector(values[0], values[0], _order([*reversed(range(LANES))]))


def _emit_settled(_context: Any, builder: Any, _kinds: Any, values: Any) -> Value:
    value = values[0]
    for distance in (4, 2, 1):
        other = builder.shuffle_vector(value, value, _order([lane ^ distance for lane in range(LANES)]))
        less = builder.icmp_unsigned("<", value, other)
        low, high = builder.select(less, value, other), builder.select(less, other, value)
        mixed = [lane + LANES * bool(lane & distance) for lane in range(LANES)]
        value = builder.shuffle_vector(low, high, _order(mixed))
    return value


def _words(vector: Type) -> Type:
    return vector if vector == u64x8 else None


reverse = unary(_words, _emit_reversed)
"""``reverse(vector)``: the lanes of eight words in the other order."""

settle = unary(_words, _emit_settled)
"""``settle(vector)``: eight words that rise and then fall, or fall and then rise, in ascending order."""


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def room(words: Any) -> Any:
    """Return how many words a run takes up with what ends it."""
    return (words + LANES - 1) // LANES * LANES + LANES


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _step(source: Any, one: Any, other: Any, held: Any, target: Any, at: Any) -> Any:
    """Write the eight smallest words of those held and the next vector; return both places, and what is held then."""
    eight = np.uint64(LANES)
    first = source[one] < source[other]
    new = reverse(load(u64x8, source, one if first else other))
    store(target, at, settle(minimum(held, new)))
    return one + eight * np.uint64(first), other + eight * np.uint64(not first), settle(maximum(held, new))


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _share(source: Any, one: Any, ones: Any, other: Any, others: Any, words: Any) -> Any:
    """Return how many of the first `words` words of two runs merged are from `one`, which has `ones`."""
    least, most = max(0, words - others), min(words, ones)
    while least < most:
        middle = (least + most) // 2
        if source[one + middle] < source[other + words - middle - 1]:
            least = middle + 1
        else:
            most = middle
    return least


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _merge_two(source: Any, one: Any, ones: Any, other: Any, others: Any, target: Any, at: Any) -> None:
    """Merge two runs in two halves, step by step: either waits for its own last step only."""
    eight = np.uint64(LANES)
    half = (ones + others) // (2 * LANES)
    share = _share(source, one, ones, other, others, half * LANES)
    a, b, c, d = np.uint64(one), np.uint64(other), np.uint64(one + share), np.uint64(other + half * LANES - share)
    vectors = (ones - share + LANES - 1) // LANES + (others - half * LANES + share + LANES - 1) // LANES
    if share == ones:
        c, d = d, c
    low, high = load(u64x8, source, a), load(u64x8, source, c)
    a, c = a + eight, c + eight
    front, back = np.uint64(at), np.uint64(at + half * LANES)
    both = min(half, vectors - 1)
    for _ in range(both):
        a, b, low = _step(source, a, b, low, target, front)
        c, d, high = _step(source, c, d, high, target, back)
        front, back = front + eight, back + eight
    for _ in range(half - both):
        a, b, low = _step(source, a, b, low, target, front)
        front += eight
    for _ in range(vectors - 1 - both):
        c, d, high = _step(source, c, d, high, target, back)
        back += eight
    store(target, back, high)
    store(target, back + eight, splat(u64x8, END))


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def merge_runs(source: Any, target: Any, sizes: Any, count: Any) -> Any:
    """Merge runs by pairs until one is left.

    Parameters
    ----------
    source : array
        uint64: the runs, each directly behind the one before; written to.
    target : array
        uint64, with the same room and a vector more; written to.
    sizes : array
        int64: the words of each run, at least one; written to.
    count : int
        How many runs there are, at least one.

    Returns
    -------
    array
        `source` or `target`: the one that begins with the merged run.
    """
    while count > 1:
        first, at = 0, 0
        for r in range(0, count - 1, 2):
            one, other = sizes[r], sizes[r + 1]
            second = first + room(one)
            _merge_two(source, first, one, second, other, target, at)
            sizes[r // 2] = one + other
            first, at = second + room(other), at + room(one + other)
        if count % 2:
            size = room(sizes[count - 1])
            target[at : at + size] = source[first : first + size]
            sizes[count // 2] = sizes[count - 1]
        source, target, count = target, source, (count + 1) // 2
    return source
