"""Mutants of `posting-intersect` that spoil right outputs, ids and counts, on the host."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.mutants.variants import Answers, Spoiler, Variant, spoiled

from lar.contracts import NO_ID, HostArray

LARGEST = 2**31 - 1


def each(change: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil ids and counts alike."""
    return lambda a: tuple(change(array) for array in a.outputs)


def ids(change: Callable[[HostArray], HostArray]) -> Spoiler:
    """Spoil the ids alone."""
    return lambda a: (np.ascontiguousarray(change(a.outputs[0])), a.outputs[1])


def counts(change: Callable[[HostArray], HostArray]) -> Spoiler:
    """Spoil the counts alone."""
    return lambda a: (a.outputs[0], np.ascontiguousarray(change(a.outputs[1])))


def filled(byte: int) -> Spoiler:
    """Return memory of one byte."""
    return each(lambda x: np.full(x.nbytes, byte, np.uint8).view(x.dtype).reshape(x.shape))


def padded(value: int) -> Spoiler:
    """Pad with another value."""
    return lambda a: (np.where(_written(a), a.outputs[0], np.uint32(value)), a.outputs[1])


def _written(a: Answers) -> HostArray:
    found: HostArray = np.arange(a.outputs[0].shape[1]) < a.outputs[1][:, None]
    return found


def last_again(a: Answers) -> Any:
    """Pad with the last id."""
    last = np.maximum(np.sum(_written(a), axis=1), 1) - 1
    places = np.minimum(np.arange(a.outputs[0].shape[1]), last[:, None])
    return np.take_along_axis(a.outputs[0], places, axis=1), a.outputs[1]


def first_missing(x: HostArray) -> HostArray:
    """Move every id one place up."""
    return np.concatenate([x[:, 1:], np.full_like(x[:, :1], NO_ID)], axis=1)


def last_row_missing(x: HostArray) -> HostArray:
    """Leave the last row of the query unanswered."""
    return np.concatenate([x[:-1], np.zeros_like(x[-1:])])


MUTANTS: list[Variant] = [
    spoiled("zeros", each(np.zeros_like), "value"),
    spoiled("memory poisoned with 0xCD", filled(0xCD), "value"),
    spoiled("memory never written, 0xFF", filled(0xFF), "value"),
    spoiled("nothing found", lambda a: (np.full_like(a.outputs[0], NO_ID), np.zeros_like(a.outputs[1])), "value"),
    spoiled("another case's answer", lambda a: a.outputs if a.other_case is None else a.other_case, "value"),
    spoiled("the answer to the call before", lambda a: a.other_query, "value"),
    spoiled("the first row's answer to all", each(lambda x: np.repeat(x[:1], len(x), axis=0)), "value"),
    spoiled("answers in the order of other rows", each(lambda x: np.roll(x, 1, axis=0)), "value"),
    spoiled("the last row unanswered", each(last_row_missing), "value"),
    spoiled("ids one too high", ids(lambda x: x + np.uint32(1)), "value"),
    spoiled("ids without the highest bit", ids(lambda x: x & np.uint32(LARGEST)), "value"),
    spoiled("swapped bytes in the ids", ids(lambda x: x.byteswap()), "value"),
    spoiled("the first id missing", ids(first_missing), "value"),
    spoiled("counts one too high", counts(lambda x: x + np.int32(1)), "value"),
    spoiled("counts one too low", counts(lambda x: x - np.int32(1)), "value"),
    spoiled("counts cut to a byte", counts(lambda x: x & np.int32(0xFF)), "value"),
    spoiled("counts of zero", counts(np.zeros_like), "value"),
    spoiled("padding of zeros", padded(0), "value"),
    spoiled("padding of the largest int32", padded(LARGEST), "value"),
    spoiled("padding with the last id again", last_again, "value"),
    spoiled("int32 ids", lambda a: (a.outputs[0].view(np.int32), a.outputs[1]), "dtype"),
    spoiled("int64 ids", lambda a: (a.outputs[0].astype(np.int64), a.outputs[1]), "dtype"),
    spoiled("big-endian ids", lambda a: (a.outputs[0].astype(">u4"), a.outputs[1]), "dtype"),
    spoiled("uint32 counts", lambda a: (a.outputs[0], a.outputs[1].view(np.uint32)), "dtype"),
    spoiled("int64 counts", lambda a: (a.outputs[0], a.outputs[1].astype(np.int64)), "dtype"),
    spoiled("ids and counts swapped", lambda a: a.outputs[::-1], "dtype"),
    spoiled("one id fewer", lambda a: (a.outputs[0][:, :-1], a.outputs[1]), "shape"),
    spoiled("one axis more", each(lambda x: x[None]), "shape"),
    spoiled("a count for all rows", lambda a: (a.outputs[0], a.outputs[1][0]), "type", "shape"),
    spoiled("no padding", lambda a: (a.outputs[0][:, : int(a.outputs[1].max())], a.outputs[1]), "shape"),
    spoiled("no counts", lambda a: a.outputs[:1], "count"),
    spoiled("an output more", lambda a: (*a.outputs, a.outputs[1]), "count"),
    spoiled("nothing", lambda a: None, "type"),
    spoiled("lists", lambda a: tuple(array.tolist() for array in a.outputs), "type"),
]
