"""Right outputs of `dictionary`, spoilt on the way back."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.mutants.variants import Spoiler, Variant, spoiled

from lar.contracts import HostArray


class Subclass(np.ndarray[Any, Any]):
    """Equal to its own type only by looks."""


def first(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil the values, or the bytes."""
    return lambda answers: (function(answers.outputs[0]), *answers.outputs[1:])


def every(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil all outputs."""
    return lambda answers: tuple(map(function, answers.outputs))


def poisoned(array: HostArray) -> HostArray:
    """Return what was never written."""
    found: HostArray = np.full(array.nbytes, 0xCD, np.uint8).view(array.dtype).reshape(array.shape)
    return found


SPOILT: list[Variant] = [
    spoiled("zeros", every(np.zeros_like), "value"),
    spoiled("memory poisoned with 0xCD", first(poisoned), "value"),
    spoiled("the page before", lambda a: a.other_query, "value"),
    spoiled("another case's page", lambda a: a.other_case or a.outputs, "value"),
    spoiled("in reverse", first(lambda x: x[::-1].copy()), "value"),
    spoiled("rotated by one", first(lambda x: np.roll(x, 1, axis=0)), "value"),
    spoiled("uint32 words, or int8 bytes", first(lambda x: x.view(np.uint32 if x.itemsize == 4 else np.int8)), "dtype"),
    spoiled("wider", every(lambda x: x.astype(np.int64)), "dtype"),
    spoiled("big-endian", every(lambda x: x.astype(x.dtype.newbyteorder(">")) if x.itemsize > 1 else x), "dtype"),
    spoiled("one value or byte too few", first(lambda x: x[:-1]), "shape"),
    spoiled("one axis more", first(lambda x: x[None]), "shape"),
    spoiled("no offsets, or a count beside the values", lambda a: (a.outputs[0], np.zeros((), np.int32)), "count"),
    spoiled("the array itself", lambda a: a.outputs[0], "type"),
    spoiled("lists", every(lambda x: x.tolist()), "type"),
    spoiled("a subclass of array", every(lambda x: x.view(Subclass)), "type"),
]
