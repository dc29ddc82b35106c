"""Honest variants of a search of product-quantised rows: other orders and other means, the same answer."""

from typing import Any

import numpy as np
from tests.mutants.pq_steps import (
    Family,
    Layout,
    Probe,
    Scores,
    Steps,
    Sum,
    Table,
    entries,
    factors,
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


def fused_table(family: Family) -> Table:
    """Build the table by multiply-adds of one rounding, which float64 does exactly enough."""

    def table(xp: Any, row: Array, codebook: Array) -> Array:
        total = None
        for a, b in factors(family, xp, row, codebook):
            product = xp.astype(a, xp.float64) * xp.astype(b, xp.float64)
            total = xp.astype(product if total is None else product + xp.astype(total, xp.float64), xp.float32)
        return total

    return table


def decoded(family: Family) -> Scores:
    """Score rows without a table: one sum over all components, the longest there is."""

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        codebook, codes, query = state["codebook"], state["columns"], family.direction(xp, row)
        m, _, width = codebook.shape
        terms = []
        for j in range(m):
            for d in range(width):
                a, b = family.factors(query[j * width + d], xp.take(codebook[j, :, d], codes[j, :]))
                terms.append(a * b)
        return family.distances(xp, state, in_order(xp, terms))

    return scores


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


def rows_elsewhere(family: Family, step: int) -> Layout:
    """Return a layout whose row i is row ``step * i`` modulo N of the data set: equal rows come in another order."""

    def layout(xp: Any, data: Data) -> Tree:
        codes = data["codes"]
        n = codes.shape[0]
        # -1 reverses; any other step has to be coprime to every N of the battery.
        order = (step % n) * ops.iota(xp, n, codes) % n if n > 1 else ops.iota(xp, n, codes)
        return {**family.layout(xp, {**data, "codes": xp.take(codes, order, axis=0)}), "order": order}

    return layout


def original_rows(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Select, and name the rows as the data set does."""
    scores, ids = smallest(xp, state, scores, k)
    known = ids >= 0
    return scores, xp.where(known, xp.take(state["order"], xp.where(known, ids, 0)), ids)


def variants(family: Family) -> list[Variant]:
    """Return what is honest for every metric."""

    def summed(add: Sum) -> Steps:
        return Steps(family, scores=look_up(family, table_by(family, add), probe_by(add)))

    fused = Steps(family, scores=look_up(family, fused_table(family)))
    return [
        Variant("portable kernel"),
        Variant("outputs in Fortran order, read-only", spoil=lambda a: tuple(map(_frozen, a.outputs))),
        honest("sums in order", summed(in_order)),
        honest("sums backwards", summed(backwards)),
        honest("sums pairwise", summed(pairwise)),
        honest("sums as the library likes", summed(library)),
        *(honest(f"sums of {count} partial sums", summed(partial_sums(count))) for count in (4, 8, 16)),
        honest("compensated sums", summed(compensated)),
        honest("sums in float64, rounded once", summed(in_float64), needs=("float64",)),
        honest("fused multiply-add", fused, needs=("float64",)),
        honest("no table, one sum over all components", Steps(family, scores=decoded(family))),
        *(
            honest(name, Steps(family, layout=rows_elsewhere(family, step), select=original_rows))
            for name, step in (("rows backwards", -1), ("rows in another order", 7_919))
        ),
    ]


def shifted(family: Family) -> list[Variant]:
    """Return what is honest where no row's terms are much smaller than the table's largest."""

    def probed(probe: Probe) -> Steps:
        return Steps(family, scores=look_up(family, probe=probe))

    return [
        honest("tables less their minimum", probed(less_minimum)),
        honest("24-bit fixed point in byte planes", probed(byte_planes)),
    ]


def _frozen(array: Any) -> Any:
    array = np.asfortranarray(array)
    array.setflags(write=False)
    return array
