"""Honest variants of `posting-intersect`: other lists first, other ways to find and to write, the same answer."""

from typing import Any

import numpy as np
from tests.mutants.posting_intersect_steps import LARGEST, Steps
from tests.mutants.variants import Variant, honest

from lar import ops
from lar.contracts import Array

SMALLEST = -(2**31)


def as_named(xp: Any, lengths: Array) -> Array:
    """Leave the lists in the order of the query."""
    return ops.iota(xp, lengths.shape[0], lengths)


def longest_first(xp: Any, lengths: Array) -> Array:
    """Put the longest list first."""
    return xp.argsort(-lengths)


def _largest_is_there(xp: Any, other: Array, length: Array) -> Array:
    """Say whether a list has the largest key, which is also what pads it."""
    last = xp.reshape(xp.where(length > 0, length - 1, 0), (1,))
    return (length > 0) & (xp.take(other, last)[0] == LARGEST)


def from_behind(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Search for the place behind each key, and look at the one before it."""
    place = xp.astype(xp.searchsorted(other, wanted, side="right"), xp.int32) - 1
    inside = (place >= 0) & (place < length)
    equal = inside & (xp.take(other, xp.where(inside, place, 0)) == wanted)
    return xp.where(wanted == LARGEST, _largest_is_there(xp, other, length), equal)


def counted(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Count the keys below each key, and those up to it: more if it is there."""
    below = xp.searchsorted(other, wanted, side="left")
    up_to = xp.searchsorted(other, wanted, side="right")
    return (up_to > below) & (xp.astype(below, xp.int32) < length)


def sorted_together(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Sort the keys of both lists together, stably: one that both have comes twice in a row."""
    n = wanted.shape[0]
    inside = ops.iota(xp, other.shape[0], other) < length
    every = xp.concat([wanted, xp.where(inside, other, SMALLEST)])
    order = xp.argsort(every, stable=True)
    merged = xp.take(every, order)
    again = xp.concat([merged[:-1] == merged[1:], xp.zeros((1,), dtype=xp.bool, device=ops.device_of(wanted))])
    twice = xp.take(again, xp.argsort(order, stable=True)[:n])
    # The two keys that also pad are looked for where they would be.
    twice = xp.where(wanted == LARGEST, _largest_is_there(xp, other, length), twice)
    return xp.where(wanted == SMALLEST, (length > 0) & (other[0] == SMALLEST), twice)


def by_rank(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Search for the place of the first id kept, of the second, and so on."""
    running = ops.cumsum32(xp, kept)
    rank = ops.iota(xp, capacity, ids) + 1
    there = rank <= running[-1]
    place = xp.astype(xp.searchsorted(running, rank, side="left"), xp.int32)
    return xp.where(there, xp.take(ids, xp.where(there, place, 0)), LARGEST), running[-1, ...]


def by_sorting(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Sort what is kept to the front."""
    size = max(capacity - ids.shape[0], 0)
    padding = xp.full((size,), LARGEST, dtype=xp.int32, device=ops.device_of(ids))
    return xp.concat([xp.sort(xp.where(kept, ids, LARGEST)), padding])[:capacity], ops.count(xp, kept)


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("outputs in Fortran order, read-only", spoil=lambda a: tuple(map(_frozen, a.outputs))),
    honest("lists in the order of the query", Steps(order=as_named, whole=True)),
    honest("the longest list first", Steps(order=longest_first, whole=True)),
    honest("searched from behind", Steps(found=from_behind)),
    honest("counted below and up to", Steps(found=counted)),
    honest("sorted together", Steps(found=sorted_together)),
    honest("written by rank", Steps(written=by_rank)),
    honest("written by sorting", Steps(written=by_sorting)),
]


def _frozen(array: Any) -> Any:
    array = np.asfortranarray(array)
    array.setflags(write=False)
    return array
