"""The variants of `topk-merge`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

Outputs are compared to the bit, so whatever is wrong with their content is a wrong `value`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from tests.mutants import topk
from tests.mutants.topk_merge_steps import (
    Items,
    Select,
    Steps,
    by_id,
    by_score,
    every_item,
    first_of_each,
    in_order,
)
from tests.mutants.variants import Answers, Variant, honest, spoiled, wrong

from lar import ops
from lar.contracts import NO_ID, Array, HostArray

INT32_MAX = 2**31 - 1


# ---- what is compared ----------------------------------------------------------------------------------------------


def by_bits(xp: Any, bits: Array) -> Array:
    """Compare scores as if their bits were integers."""
    return ~bits


def by_magnitude(xp: Any, bits: Array) -> Array:
    """Compare scores without their sign."""
    return -(bits & INT32_MAX)


def smallest_first(xp: Any, bits: Array) -> Array:
    """Take the smallest scores for the best."""
    return -by_score(xp, bits)


def zeros_apart(xp: Any, bits: Array) -> Array:
    """Put 0.0 before -0.0."""
    return ~(bits ^ ((bits >> 31) & INT32_MAX))


def subnormals_flushed(xp: Any, bits: Array) -> Array:
    """Take subnormals for zero, as a compiler may that flushes them."""
    return by_score(xp, xp.where((bits & INT32_MAX) < 0x00800000, 0, bits))


def coarsely(dropped: int) -> Any:
    """Return a comparison of scores without so many of their last bits."""
    return lambda xp, bits: by_score(xp, bits) >> dropped


# ---- which items are looked at -------------------------------------------------------------------------------------


def first_runs(limit: Any) -> Items:
    """Never look at runs from ``limit(R)`` on."""

    def items(xp: Any, part: Array, k: int) -> Array:
        R = part.shape[1]
        return every_item(xp, part[:, : min(max(limit(R), 1), R), :], k)

    return items


def first_items(limit: int) -> Items:
    """Never look at what comes behind so many items of a merge."""
    return lambda xp, part, k: every_item(xp, part, k)[:, : min(limit, part.shape[1] * part.shape[2])]


# ---- which items are chosen ----------------------------------------------------------------------------------------


def as_they_come(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Take runs for one long sorted run."""
    return ops.iota(xp, k, key)


def any_of_the_last(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Choose among the items that share the last score by position, and put what is chosen in order."""
    chosen = xp.take(_positions(xp, key), ops.iota(xp, k, key))
    return xp.take(chosen, in_order(xp, xp.take(key, chosen), xp.take(names, chosen), k))


def one_of_equals(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Keep only the first of equal scores, the others behind all."""
    order = in_order(xp, key, names, key.shape[0])
    ascending = xp.take(key, order)
    again = xp.concat([ascending[:1] < ascending[:1], ascending[1:] == ascending[:-1]])
    return xp.take(order, _positions(xp, xp.astype(again, xp.int32))[:k])


def in_positions(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Let equal scores go by run, then by place in it."""
    return _positions(xp, key)[:k]


def last_of_equals(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Let equal scores go by descending id."""
    return in_order(xp, key, ~names, k)


def by_threshold(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Find the last item by bisection, on the score and then on the id; sort what is not behind it."""
    last = ops.kth_smallest(xp, key, k)
    before, tied = key < last, key == last
    last_name = ops.kth_smallest(xp, xp.where(tied, names, INT32_MAX), k - ops.count(xp, before))
    chosen, _ = ops.compact(xp, before | (tied & (names <= last_name)), k, 0)
    return xp.take(chosen, in_order(xp, xp.take(key, chosen), xp.take(names, chosen), k))


def in_halves(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Choose from each half of the items, then from what was chosen."""
    half = key.shape[0] // 2
    if half == 0:
        return in_order(xp, key, names, k)
    front = in_order(xp, key[:half], names[:half], min(k, half))
    back = half + in_order(xp, key[half:], names[half:], min(k, key.shape[0] - half))
    both = xp.concat([front, back])
    return xp.take(both, in_order(xp, xp.take(key, both), xp.take(names, both), k))


def _positions(xp: Any, key: Array) -> Array:
    return xp.argsort(key, stable=True)


def _selected(select: Select) -> Steps:
    return Steps(select=select)


# ---- what is done to right outputs ---------------------------------------------------------------------------------


def _without_sign(a: Answers) -> tuple[HostArray, HostArray]:
    return a.outputs[0] + np.float32(0), a.outputs[1]


def _lowest_as_padding(a: Answers) -> tuple[HostArray, HostArray]:
    scores, ids = a.outputs
    return scores, np.where(scores == -np.inf, np.uint32(NO_ID), ids)


def _highest_id_as_padding(a: Answers) -> tuple[HostArray, HostArray]:
    scores, ids = a.outputs
    return np.where(ids == NO_ID, np.float32(-np.inf), scores), ids


def _padding_for_the_smallest(a: Answers) -> tuple[HostArray, HostArray]:
    scores, ids = a.outputs
    return np.where((ids == NO_ID) & (scores == -np.inf), np.float32(np.inf), scores), ids


def _neighbours_swapped(a: Answers) -> tuple[HostArray, ...]:
    order = [*range(a.case.shape["k"])]
    order[:2] = order[:2][::-1]
    return tuple(np.ascontiguousarray(part[:, order]) for part in a.outputs)


def _frozen(array: Any) -> Any:
    array = np.asfortranarray(array)
    array.setflags(write=False)
    return array


_FORM = frozenset({"dtype", "shape", "count", "type"})


def _of_any_topk() -> list[Variant]:
    """Return what can be done to any top-k, where all that is wrong with the content is a value; k may be 1 here."""
    every = (one for one in topk.mutants(Steps()) if one.name != "two neighbours swapped")
    return [one if one.kinds & _FORM else replace(one, kinds=frozenset({"value"})) for one in every]


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("outputs in Fortran order, read-only", spoil=lambda a: tuple(map(_frozen, a.outputs))),
    honest("all items sorted", Steps()),
    honest("no item of a run behind its first k", Steps(items=first_of_each(lambda k, L: k))),
    honest("by threshold", _selected(by_threshold)),
    honest("in halves", _selected(in_halves)),
    honest("runs backwards", Steps(items=lambda xp, part, k: every_item(xp, xp.flip(part, axis=1), k))),
    honest(
        "an item of each run in turn",
        Steps(items=lambda xp, part, k: every_item(xp, xp.permute_dims(part, (0, 2, 1)), k)),
    ),
]

MUTANTS: list[Variant] = [
    *_of_any_topk(),
    spoiled("two neighbours swapped", _neighbours_swapped, "value"),
    spoiled("zeros without their sign", _without_sign, "value"),
    spoiled("-inf taken for padding", _lowest_as_padding, "value"),
    spoiled("the highest id taken for padding", _highest_id_as_padding, "value"),
    spoiled("padding of +inf", _padding_for_the_smallest, "value"),
    wrong("scores compared by their bits", Steps(key=by_bits)),
    wrong("scores compared by magnitude", Steps(key=by_magnitude)),
    wrong("smallest first", Steps(key=smallest_first)),
    wrong("0.0 before -0.0", Steps(key=zeros_apart)),
    wrong("subnormals taken for zero", Steps(key=subnormals_flushed)),
    wrong("scores compared as bfloat16", Steps(key=coarsely(16))),
    wrong("scores compared as tf32", Steps(key=coarsely(13))),
    wrong("scores compared without their last two bits", Steps(key=coarsely(2))),
    wrong("ids compared as signed", Steps(name=lambda xp, words: words)),
    wrong("ids compared by 24 bits", Steps(name=lambda xp, words: by_id(xp, words) >> 8)),
    wrong("ids compared by 16 bits", Steps(name=lambda xp, words: words & 0xFFFF)),
    wrong("equal scores by position", _selected(in_positions)),
    wrong("equal scores by descending id", _selected(last_of_equals)),
    wrong("equal last scores by position", _selected(any_of_the_last)),
    wrong("one of equal scores", _selected(one_of_equals)),
    wrong("right for one long sorted run", _selected(as_they_come)),
    wrong(
        "right for an item of each run in turn",
        Steps(items=lambda xp, part, k: every_item(xp, xp.permute_dims(part, (0, 2, 1)), k), select=as_they_come),
    ),
    wrong("one item of each run", Steps(items=first_of_each(lambda k, L: 1))),
    wrong("half of k of each run", Steps(items=first_of_each(lambda k, L: -(-k // 2)))),
    wrong("k - 1 of each run", Steps(items=first_of_each(lambda k, L: max(k - 1, 1)))),
    wrong("last item of each run never read", Steps(items=first_of_each(lambda k, L: max(L - 1, 1)))),
    wrong("items behind a run's last eight never read", Steps(items=first_of_each(lambda k, L: max(L - L % 8, 1)))),
    wrong("last run never read", Steps(items=first_runs(lambda R: R - 1))),
    wrong("runs behind the last eight never read", Steps(items=first_runs(lambda R: R - R % 8))),
    wrong("first 1024 runs only", Steps(items=first_runs(lambda R: 1_024))),
    wrong("right for 8192 items", Steps(items=first_items(8_192))),
]
