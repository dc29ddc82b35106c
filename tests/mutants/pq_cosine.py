"""The variants of `pq-cosine`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

`LOW_PRECISION` are those mutants whose error is nothing but rounding: the tolerance is calibrated between them and the
honest ones. What is exact to a part of the table's largest entry alone (`pq_honest.shifted`) is not honest here: a row
of small norm has entries that are small throughout, and its distance is not.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.mutants import pq_honest, pq_mutants, topk
from tests.mutants.pq_steps import Family, Steps, as_it_is, columns, entries, in_order
from tests.mutants.variants import Variant, wrong

from lar.contracts import Array, Data, Tree

Norms = Callable[[Any, Array, Array], Array]
"""``(xp, codebook, columns) -> squared norms float32 (N,)`` of the decoded rows."""


def product(query: Array, centroid: Array) -> tuple[Array, Array]:
    """Return both as they are."""
    return query, centroid


def squared_norms(xp: Any, codebook: Array, columns: Array) -> Array:
    """Return the squared norm of each row."""
    return in_order(xp, entries(xp, xp.sum(codebook * codebook, axis=2), columns))


def inverse_root(xp: Any, square: Array, zero: float = 0.0) -> Array:
    """Return 1 over the root; `zero` of 0."""
    some = square > 0
    return xp.where(some, 1.0 / xp.sqrt(xp.where(some, square, xp.ones_like(square))), xp.full_like(square, zero))


def with_norms(norms: Norms = squared_norms, zero: float = 0.0) -> Any:
    """Return a layout that keeps 1 / norm of each row; `zero` for rows of zeros."""

    def layout(xp: Any, data: Data) -> Tree:
        state = columns(xp, data)
        return {**state, "inverse": inverse_root(xp, norms(xp, state["codebook"], state["columns"]), zero)}

    return layout


def normalised(xp: Any, row: Array) -> Array:
    """Divide the query by its norm."""
    return row * inverse_root(xp, xp.sum(row * row))


def cosine(xp: Any, state: Tree, sums: Array) -> Array:
    """Return 1 less the sums over the norms."""
    return 1.0 - sums * state["inverse"]


FAMILY = Family(product, cosine, normalised, with_norms())


def of_first_half(xp: Any, codebook: Array, columns: Array) -> Array:
    """Forget the second half of the sub-spaces."""
    half = -(-codebook.shape[0] // 2)
    return squared_norms(xp, codebook[:half, ...], columns[:half, :])


def of_next_row(xp: Any, codebook: Array, columns: Array) -> Array:
    """Give each row the norm of the next one."""
    return xp.roll(squared_norms(xp, codebook, columns), -1)


def largest_norm(xp: Any, codebook: Array, columns: Array) -> Array:
    """Give all rows the largest norm."""
    square = squared_norms(xp, codebook, columns)
    return xp.full_like(square, 1.0) * xp.max(square)


def not_squared(xp: Any, codebook: Array, columns: Array) -> Array:
    """Divide by the root of the norm instead of the norm."""
    return xp.sqrt(squared_norms(xp, codebook, columns))


def rounded_norms(rounding: Any) -> Norms:
    """Round the squared norms."""
    return lambda xp, codebook, columns: rounding(xp, squared_norms(xp, codebook, columns))


def not_above_one(xp: Any, state: Tree, sums: Array) -> Array:
    """Cut distances off at 1, as if no product were negative."""
    distances = cosine(xp, state, sums)
    return xp.where(distances < 1, distances, xp.ones_like(distances))


def one_more(xp: Any, state: Tree, sums: Array) -> Array:
    """Return 1 and the cosine."""
    return 1.0 + sums * state["inverse"]


def angle(xp: Any, state: Tree, sums: Array) -> Array:
    """Return the angle: the same order, other distances."""
    cosines = sums * state["inverse"]
    cosines = xp.where(cosines > 1, xp.ones_like(cosines), cosines)
    return xp.acos(xp.where(cosines < -1, -xp.ones_like(cosines), cosines))


def unit_l2(xp: Any, state: Tree, sums: Array) -> Array:
    """Return the squared L2 distance of the normalised vectors: twice the distance."""
    return 2.0 - 2.0 * sums * state["inverse"]


def zero_as_nearest(xp: Any, row: Array) -> Array:
    """Give a query of zeros a direction of its own."""
    length = xp.sum(row * row)
    return xp.where(length > 0, normalised(xp, row), xp.ones_like(row))


def undefined_of_zero(xp: Any, row: Array) -> Array:
    """Divide by the norm, whatever it is."""
    return row / xp.sqrt(xp.sum(row * row))


def zero_at_zero(xp: Any, state: Tree, sums: Array) -> Array:
    """Say that rows of zeros are where the query is."""
    return xp.where(state["inverse"] > 0, cosine(xp, state, sums), xp.zeros_like(sums))


def zero_farthest(xp: Any, state: Tree, sums: Array) -> Array:
    """Say that rows of zeros are opposite to the query."""
    return xp.where(state["inverse"] > 0, cosine(xp, state, sums), xp.full_like(sums, 2.0))


def _norms(norms: Norms) -> Steps:
    return Steps(replace(FAMILY, layout=with_norms(norms)))


def _distances(distances: Any) -> Steps:
    return Steps(replace(FAMILY, distances=distances))


def _direction(direction: Any) -> Steps:
    return Steps(replace(FAMILY, direction=direction))


HONEST: list[Variant] = pq_honest.variants(FAMILY)
LOW_PRECISION: list[Variant] = pq_mutants.low_precision(FAMILY)
MUTANTS: list[Variant] = [
    *topk.mutants(Steps(FAMILY)),
    *LOW_PRECISION,
    *pq_mutants.mutants(FAMILY),
    wrong("rows not normalised", Steps(replace(FAMILY, distances=lambda xp, state, sums: 1.0 - sums))),
    wrong("query not normalised", _direction(as_it_is)),
    wrong("norms of half the sub-spaces", _norms(of_first_half)),
    wrong("norms of the next rows", _norms(of_next_row)),
    wrong("the largest norm for all", _norms(largest_norm)),
    wrong("root of the norm", _norms(not_squared)),
    wrong("bfloat16 norms", _norms(rounded_norms(pq_mutants.bfloat16))),
    wrong("tf32 norms", _norms(rounded_norms(pq_mutants.tf32))),
    wrong("no distances above 1", _distances(not_above_one)),
    wrong("1 + cosine", _distances(one_more)),
    wrong("angle", _distances(angle)),
    wrong("squared L2 distance of unit vectors", _distances(unit_l2)),
    wrong("rows of zeros at distance 0", _distances(zero_at_zero), "value", "order"),
    wrong("rows of zeros at distance 2", _distances(zero_farthest)),
    wrong("queries of zeros with a direction", _direction(zero_as_nearest)),
    wrong("queries of zeros divided by their norm", _direction(undefined_of_zero), "nan"),
]
