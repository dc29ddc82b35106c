"""Honest variants of `pq-l2`: other orders and other means, the same answer, so the oracle must pass each of them."""

from typing import Any

import numpy as np
from tests.mutants.pq_l2_steps import (
    Probe,
    Steps,
    Sum,
    Table,
    columns,
    differences,
    entries,
    in_order,
    look_up,
    probe_by,
    smallest,
    table_by,
)
from tests.mutants.variants import Variant, honest

from lar import ops
from lar.contracts import Array, Data, Tree

LEVELS = 2**24 - 1


def backwards(xp: Any, terms: list[Array]) -> Array:
    """Add up, the last term first."""
    return in_order(xp, terms[::-1])


def pairwise(xp: Any, terms: list[Array]) -> Array:
    """Add halves of the terms, each alike."""
    half = len(terms) // 2
    return terms[0] if half == 0 else pairwise(xp, terms[:half]) + pairwise(xp, terms[half:])


def partial_sums(count: int) -> Sum:
    """Return a sum by `count` accumulators that take turns."""
    return lambda xp, terms: in_order(xp, [in_order(xp, terms[i::count]) for i in range(min(count, len(terms)))])


def library(xp: Any, terms: list[Array]) -> Array:
    """Add up as the library likes."""
    return xp.sum(xp.stack(terms), axis=0)


def compensated(xp: Any, terms: list[Array]) -> Array:
    """Add up with Kahan's correction."""
    total, lost = terms[0], 0.0 * terms[0]
    for term in terms[1:]:
        term = term - lost  # noqa: PLW2901 - Kahan's own names would not be clearer
        new = total + term
        total, lost = new, (new - total) - term
    return total


def in_float64(xp: Any, terms: list[Array]) -> Array:
    """Add up in float64 and round once."""
    return xp.astype(in_order(xp, [xp.astype(term, xp.float64) for term in terms]), xp.float32)


def fused_table(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table by multiply-adds of one rounding, which float64 does exactly enough."""
    total = None
    for difference in differences(xp, row, codebook):
        exact = xp.astype(difference, xp.float64)
        product = exact * exact
        total = xp.astype(product if total is None else product + xp.astype(total, xp.float64), xp.float32)
    return total


def decoded(xp: Any, state: Tree, row: Array) -> Array:
    """Score rows without a table: one sum over all components, the longest there is."""
    codebook, codes = state["codebook"], state["columns"]
    m, _, width = codebook.shape
    terms = []
    for j in range(m):
        for d in range(width):
            difference = row[j * width + d] - xp.take(codebook[j, :, d], codes[j, :])
            terms.append(difference * difference)
    return in_order(xp, terms)


def _each(x: Array) -> list[Array]:
    return [x[j] for j in range(x.shape[0])]


def less_minimum(xp: Any, table: Array, columns: Array) -> Array:
    """Take each sub-space's smallest entry off and add their sum at the end."""
    least = xp.min(table, axis=1)
    return in_order(xp, entries(xp, table - least[:, None], columns)) + in_order(xp, _each(least))


def byte_planes(xp: Any, table: Array, columns: Array) -> Array:
    """Add in 24-bit fixed point: three planes of bytes, each summed in integers, put together at the end."""
    least = xp.min(table, axis=1)
    above = table - least[:, None]
    span = xp.max(above)
    span = xp.where(span > 0, span, xp.ones_like(span))
    steps = xp.astype(xp.round(above * (LEVELS / span)), xp.int32)
    steps = xp.where(steps > LEVELS, LEVELS, steps)
    planes = [entries(xp, (steps >> shift) & 255, columns) for shift in (0, 8, 16)]
    low, middle, high = (in_order(xp, plane) for plane in planes)
    total = xp.astype(low + (middle << 8) + (high << 16), xp.float32)
    return total * (span / LEVELS) + in_order(xp, _each(least))


def rows_elsewhere(step: int) -> Any:
    """Return a layout whose row i is row ``step * i`` modulo N of the data set: equal rows come in another order."""

    def layout(xp: Any, data: Data) -> Tree:
        state = columns(xp, data)
        n = state["columns"].shape[1]
        # -1 reverses; any other step has to be coprime to every N of the battery.
        order = (step % n) * ops.iota(xp, n, state["columns"]) % n if n > 1 else ops.iota(xp, n, state["columns"])
        return {**state, "columns": xp.take(state["columns"], order, axis=1), "order": order}

    return layout


def original_rows(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Select, and name the rows as the data set does."""
    scores, ids = smallest(xp, state, scores, k)
    known = ids >= 0
    return scores, xp.where(known, xp.take(state["order"], xp.where(known, ids, 0)), ids)


def _summed(add: Sum) -> Steps:
    return Steps(scores=look_up(table_by(add), probe_by(add)))


def _probed(probe: Probe, table: Table | None = None) -> Steps:
    return Steps(scores=look_up(table, probe))


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("outputs in Fortran order, read-only", spoil=lambda a: tuple(map(_frozen, a.outputs))),
    honest("sums in order", _summed(in_order)),
    honest("sums backwards", _summed(backwards)),
    honest("sums pairwise", _summed(pairwise)),
    honest("sums as the library likes", _summed(library)),
    *(honest(f"sums of {count} partial sums", _summed(partial_sums(count))) for count in (4, 8, 16)),
    honest("compensated sums", _summed(compensated)),
    honest("sums in float64, rounded once", _summed(in_float64), needs=("float64",)),
    honest("fused multiply-add", _probed(probe_by(), fused_table), needs=("float64",)),
    honest("no table, one sum over all components", Steps(scores=decoded)),
    honest("tables less their minimum", _probed(less_minimum)),
    honest("24-bit fixed point in byte planes", _probed(byte_planes)),
    honest("rows backwards", Steps(layout=rows_elsewhere(-1), select=original_rows)),
    honest("rows in another order", Steps(layout=rows_elsewhere(7_919), select=original_rows)),
]


def _frozen(array: Any) -> Any:
    array = np.asfortranarray(array)
    array.setflags(write=False)
    return array
