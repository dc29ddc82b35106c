"""Right outputs of `hamming`, spoilt: the mutants of any top-k that fit integers, and those of integer distances."""

import dataclasses
from typing import Any

import numpy as np
from tests.mutants import topk
from tests.mutants.hamming_steps import Steps
from tests.mutants.variants import Answers, Spoiler, Variant, spoiled

from lar.contracts import NO_ID, HostArray

MAX_INT32 = 2**31 - 1
OF_FLOATS = frozenset(
    {
        "zero scores",
        "constant scores",
        "NaN scores",
        "one NaN, the last score",
        "infinite scores",
        "square roots of the scores",
        "half the scores",
        "negative scores",
        "scores off by one part in 100,000",
        "swapped bytes in the scores",
        "last result missing",
        "padding of zeros",
        "padding scores of the largest float32",
        "padding ids of zero",
        "padding ids of N",
        "padding of NaN",
        "ids and scores swapped",
        "float16 scores",
    }
)
"""Mutants of `topk` that compute with floats; what they stand for is below, in integers."""


def _of_integers(variant: Variant) -> Variant:
    """Return a mutant of `topk` with the kinds it may be refused for here: a padding in a row's place has no row."""
    kinds = variant.kinds - {"nan"} | ({"range"} if "nan" in variant.kinds else set())
    return dataclasses.replace(variant, kinds=kinds)


def _distances(function: Any) -> Spoiler:
    return lambda a: (function(a.outputs[0]).astype(np.uint32), a.outputs[1])


def _put(array: HostArray, value: int, place: Any = ...) -> HostArray:
    out = array.copy()
    out[place] = value
    return out


def _last_missing(answers: Answers) -> Any:
    last = (slice(None), int(np.sum(answers.outputs[1][0] != NO_ID)) - 1)
    return tuple(_put(array, NO_ID, last) for array in answers.outputs)


def _padded(distance: int, row: int | None) -> Spoiler:
    """Return a spoiler of the padding; without a row, with the number of rows."""

    def spoil(answers: Answers) -> Any:
        distances, ids = answers.outputs
        padding = ids == NO_ID
        pad = int(np.sum(~padding[0])) if row is None else row
        return np.where(padding, np.uint32(distance), distances), np.where(padding, np.uint32(pad), ids)

    return spoil


MUTANTS: list[Variant] = [
    *(_of_integers(variant) for variant in topk.mutants(Steps()) if variant.name not in OF_FLOATS),
    spoiled("zero distances", _distances(np.zeros_like), "value", "padding"),
    spoiled("constant distances", _distances(lambda d: _put(d, 1)), "value", "padding"),
    spoiled("distances one too high", _distances(lambda d: d + 1), "value", "padding"),
    spoiled("distances one too low", _distances(lambda d: d - 1), "value", "padding", "order"),
    spoiled(
        "the last distance off by one",
        _distances(lambda d: _put(d, d[-1, -1] ^ 1, (-1, -1))),
        "value",
        "order",
        "padding",
    ),
    spoiled("half the distances", _distances(lambda d: d // 2), "value", "padding"),
    spoiled("distances cut to seven bits", _distances(lambda d: d & 0x7F), "value", "padding", "order"),
    spoiled("negative distances", _distances(lambda d: 0 - d), "value", "padding", "order"),
    spoiled("swapped bytes in the distances", _distances(lambda d: d.byteswap()), "value", "order"),
    spoiled("last result missing", _last_missing, "range"),
    spoiled("padding of zeros", _padded(0, 0), "padding"),
    spoiled("padding distances of zero", _padded(0, NO_ID), "padding"),
    spoiled("padding distances of the largest int32", _padded(MAX_INT32, NO_ID), "padding"),
    spoiled("padding ids of zero", _padded(NO_ID, 0), "padding"),
    spoiled("padding ids of N", _padded(NO_ID, None), "padding"),
    spoiled("ids and distances swapped", lambda a: a.outputs[::-1], "duplicate", "range"),
    spoiled("float32 distances", lambda a: (a.outputs[0].astype(np.float32), a.outputs[1]), "dtype"),
    spoiled("int32 distances", lambda a: (a.outputs[0].view(np.int32), a.outputs[1]), "dtype"),
]
