"""The variants of `pq-dot`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

`LOW_PRECISION` are those mutants whose error is nothing but rounding: the tolerance is calibrated between them and the
honest ones.
"""

from typing import Any

from tests.mutants import pq_honest, pq_mutants, topk
from tests.mutants.pq_steps import Family, Steps, Table, in_order, look_up
from tests.mutants.variants import Variant, wrong

from lar.contracts import Array, Tree


def product(query: Array, centroid: Array) -> tuple[Array, Array]:
    """Return both as they are."""
    return query, centroid


def one_less(xp: Any, state: Tree, sums: Array) -> Array:
    """Return 1 less the sums."""
    return 1.0 - sums


FAMILY = Family(product, one_less)


def squared_distances(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table of ``q c - (q^2 + c^2) / 2``: the right order where all norms are one, and nowhere else."""
    difference = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2])) - codebook
    return -0.5 * xp.sum(difference * difference, axis=2)


def absolute_products(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table of ``|q c|``."""
    products = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2])) * codebook
    return in_order(xp, [xp.abs(products[:, :, d]) for d in range(codebook.shape[2])])


def without_negative_entries(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table with its negative entries cut off, as a table of unsigned steps without a bias has it."""
    products = xp.sum(xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2])) * codebook, axis=2)
    return xp.where(products > 0, products, xp.zeros_like(products))


def normalised(xp: Any, row: Array) -> Array:
    """Divide the query by its norm."""
    square = xp.sum(row * row)
    return row / xp.sqrt(xp.where(square > 0, square, xp.ones_like(square)))


def not_negative(xp: Any, state: Tree, sums: Array) -> Array:
    """Cut distances off at 0, as unsigned keys would."""
    return xp.where(sums < 1, 1.0 - sums, xp.zeros_like(sums))


def at_most_one(xp: Any, state: Tree, sums: Array) -> Array:
    """Cut distances off at 1, as if no product were negative."""
    return xp.where(sums > 0, 1.0 - sums, xp.ones_like(sums))


def magnitude_of(xp: Any, state: Tree, sums: Array) -> Array:
    """Return the distance without its sign, as keys of a float's bits sort it."""
    return xp.abs(1.0 - sums)


def one_more(xp: Any, state: Tree, sums: Array) -> Array:
    """Return 1 and the sums."""
    return 1.0 + sums


def negative_sums(xp: Any, state: Tree, sums: Array) -> Array:
    """Forget the 1: the right rows with other distances."""
    return -sums


def _table(table: Table) -> Steps:
    return Steps(FAMILY, scores=look_up(FAMILY, table))


def _distances(distances: Any, direction: Any = None) -> Steps:
    family = Family(product, distances, direction or FAMILY.direction)
    return Steps(family)


HONEST: list[Variant] = [*pq_honest.variants(FAMILY), *pq_honest.shifted(FAMILY)]
LOW_PRECISION: list[Variant] = pq_mutants.low_precision(FAMILY)
MUTANTS: list[Variant] = [
    *topk.mutants(Steps(FAMILY)),
    *LOW_PRECISION,
    *pq_mutants.mutants(FAMILY),
    wrong("half the squared L2 distance", _table(squared_distances)),
    wrong("absolute products", _table(absolute_products)),
    wrong("no negative entries", _table(without_negative_entries)),
    wrong("query normalised", _distances(one_less, normalised)),
    wrong("no negative distances", _distances(not_negative)),
    wrong("no distances above 1", _distances(at_most_one)),
    wrong("distances without their sign", _distances(magnitude_of)),
    wrong("1 + q.x", _distances(one_more)),
    wrong("-q.x", _distances(negative_sums)),
]
