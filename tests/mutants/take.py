"""The variants of `take`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from typing import Any

import numpy as np
from tests.mutants.take_mutants import MUTANTS, Steps, at, fetched
from tests.mutants.variants import Answers, Variant, honest

from lar import ops
from lar.contracts import Array, HostArray

__all__ = ["HONEST", "MUTANTS"]


def in_order(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch rows in the order of the table, then put them in the order of the ids."""
    order = xp.astype(xp.argsort(ids, stable=True), xp.int32)
    back = xp.astype(xp.argsort(order, stable=True), xp.int32)
    return xp.take(fetched(xp, values, xp.take(ids, order)), back, axis=0)


def backwards(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch the last row first."""
    return xp.flip(fetched(xp, values, xp.flip(ids, axis=0)), axis=0)


def column_by_column(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch one column after the other."""
    return xp.stack([xp.take(values[:, j], ids) for j in range(values.shape[1])], axis=1)


def in_blocks(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch 64 rows at a time."""
    n = ids.shape[0]
    return xp.concat([fetched(xp, values, ids[start : min(start + 64, n)]) for start in range(0, n, 64)])


def through_distinct_rows(xp: Any, values: Array, ids: Array) -> Array:
    """Fetch each row that is named once, then copy it to every place that names it."""
    order = xp.astype(xp.argsort(ids, stable=True), xp.int32)
    ordered = xp.take(ids, order)
    fresh = xp.concat([xp.ones_like(ordered[:1]), xp.astype(ordered[1:] != ordered[:-1], xp.int32)])
    number = ops.cumsum32(xp, fresh) - 1
    first, _ = ops.compact(xp, fresh == 1, ids.shape[0], 0)
    distinct = fetched(xp, values, xp.take(ordered, first))
    back = xp.astype(xp.argsort(order, stable=True), xp.int32)
    return xp.take(distinct, xp.take(number, back), axis=0)


def _frozen(answers: Answers) -> tuple[HostArray]:
    rows = np.asfortranarray(answers.outputs[0])
    rows.setflags(write=False)
    return (rows,)


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("rows in Fortran order, read-only", spoil=_frozen),
    honest("take along the rows", Steps()),
    honest("in the order of the table, then put back", Steps(words=in_order)),
    honest("backwards", Steps(words=backwards)),
    honest("column by column", Steps(words=column_by_column)),
    honest("word by word from the flattened table", Steps(words=at(lambda i, j, rows, width: i * width + j))),
    honest("in blocks of 64", Steps(words=in_blocks)),
    honest("each distinct row once, then copied", Steps(words=through_distinct_rows)),
]
