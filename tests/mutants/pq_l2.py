"""The variants of `pq-l2`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

`LOW_PRECISION` are those mutants whose error is nothing but rounding: the tolerance is calibrated between them and the
honest ones.
"""

from typing import Any

from tests.mutants import pq_honest, pq_mutants, topk
from tests.mutants.pq_steps import Family, Steps, Table, in_order, look_up
from tests.mutants.variants import Variant, wrong

from lar.contracts import Array, Tree


def squared(query: Array, centroid: Array) -> tuple[Array, Array]:
    """Return the difference, twice."""
    return query - centroid, query - centroid


def as_summed(xp: Any, state: Tree, sums: Array) -> Array:
    """Return the sums."""
    return sums


FAMILY = Family(squared, as_summed)


def expanded_square(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table by ``q^2 + c^2 - 2 q c``, which cancels where all vectors share a large offset."""
    q = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2]))
    return xp.sum(q * q, axis=2) + xp.sum(codebook * codebook, axis=2) - 2.0 * xp.sum(q * codebook, axis=2)


def absolute_differences(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table of the L1 distance."""
    difference = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2])) - codebook
    return in_order(xp, [xp.abs(difference[:, :, d]) for d in range(codebook.shape[2])])


def inner_products(xp: Any, row: Array, codebook: Array) -> Array:
    """Build the table of 1/m - q c."""
    q = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2]))
    return 1.0 / codebook.shape[0] - xp.sum(q * codebook, axis=2)


def _table(table: Table) -> Steps:
    return Steps(FAMILY, scores=look_up(FAMILY, table))


HONEST: list[Variant] = [*pq_honest.variants(FAMILY), *pq_honest.shifted(FAMILY)]
LOW_PRECISION: list[Variant] = pq_mutants.low_precision(FAMILY)
MUTANTS: list[Variant] = [
    *topk.mutants(Steps(FAMILY)),
    *LOW_PRECISION,
    *pq_mutants.mutants(FAMILY),
    wrong("q^2 + c^2 - 2qc", _table(expanded_square), "value", "order"),
    wrong("L1 distance", _table(absolute_differences)),
    wrong("inner product", _table(inner_products)),
]
