"""The variants of `predicate`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from typing import Any

import numpy as np
from lar.targets.predicate.form import Term
from tests.mutants import predicate_steps as right
from tests.mutants.predicate_mutants import MUTANTS
from tests.mutants.predicate_steps import Steps
from tests.mutants.variants import Answers, Variant, honest

from lar import ops
from lar.contracts import Array, HostArray

__all__ = ["HONEST", "MUTANTS"]


def by_sorting(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
    """Sort the selected rows to the front."""
    n = mask.shape[0]
    order = xp.astype(xp.argsort(1 - xp.astype(mask, xp.int32), stable=True), xp.int32)
    count = ops.count(xp, mask)
    found = xp.where(ops.iota(xp, n, mask) < count, order, -1)
    return ops.pack_bits(xp, mask), ops.bitcast(xp, found, xp.uint32), count


def by_search(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
    """Search the running count for 1, 2, ..."""
    n = mask.shape[0]
    running = ops.cumsum32(xp, mask)
    wanted = ops.iota(xp, n, mask) + 1
    place = xp.astype(xp.searchsorted(running, wanted), xp.int32)
    found = xp.where(wanted <= running[-1], place, -1)
    return ops.pack_bits(xp, mask), ops.bitcast(xp, found, xp.uint32), xp.asarray(running[-1])


def not_greater_or_equal(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Say ``x < y`` of numbers where they are neither equal nor the other way round."""
    found = xp.logical_not(right.less(xp, y, x, kind) | right.equal(xp, x, y, kind))
    return found & right.is_number(xp, x) & right.is_number(xp, y) if kind == "f32" else found


def by_difference_bits(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Say that what differs in no bit is equal; of floats, what neither sorts before the other."""
    if kind == "f32":
        unordered = right.less(xp, x, y, kind) | right.less(xp, y, x, kind)
        return xp.logical_not(unordered) & right.is_number(xp, x) & right.is_number(xp, y)
    if kind == "i64":
        return ((x[:, 0] ^ y[:, 0]) | (x[:, 1] ^ y[:, 1])) == 0
    return (x ^ y) == 0


def backwards(xp: Any, x: Array, c: Array, term: Term, steps: Steps) -> Array:
    """Look at the last constant first."""
    return right.in_list(xp, x, xp.flip(c, axis=0), term, steps)


def by_words(xp: Any, codes: Array, bitmap: Array, term: Term, steps: Steps) -> Array:
    """Find a code's byte, and in it its bit."""
    codes = xp.astype(codes, xp.int32)
    codes = xp.minimum(codes, xp.full_like(codes, 8 * bitmap.shape[0] - 1))
    octet = xp.astype(xp.take(bitmap, codes >> 3, axis=0), xp.int32)
    return ((octet >> (codes & 7)) & 1) == 1


def de_morgan(xp: Any, one: Array, other: Array) -> Array:
    """Say that neither is false."""
    return xp.logical_not(xp.logical_not(one) | xp.logical_not(other))


def _frozen(answers: Answers) -> tuple[HostArray, ...]:
    copies = tuple(np.array(array) for array in answers.outputs)
    for array in copies:
        array.setflags(write=False)
    return copies


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("read-only copies", spoil=_frozen),
    honest("step by step", Steps()),
    honest("ids by sorting", Steps(finish=by_sorting)),
    honest("ids by searching the running count", Steps(finish=by_search)),
    honest("< as neither > nor =", Steps(less=not_greater_or_equal)),
    honest("= by differing bits", Steps(equal=by_difference_bits)),
    honest("lists backwards", Steps(in_list=backwards)),
    honest("codes by their bytes", Steps(in_set=by_words)),
    honest("neither term false", Steps(join=de_morgan)),
    honest("the second term first", Steps(join=lambda xp, one, other: other & one)),
]
