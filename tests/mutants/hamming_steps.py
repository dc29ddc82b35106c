"""`hamming` in three steps, each of which a variant may do in another way, right or wrong.

`layout` brings the codes into form, `distances` says in how many bits each row differs from a query, `select` takes the
k smallest. Codes and queries are bytes in int32, one column a byte, so that every step is in plain sight.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

Term = Callable[[Any, Array, Array], Array]
Sum = Callable[[Any, list[Array]], Array]
Distances = Callable[[Any, Tree, Array], Array]
Select = Callable[[Any, Tree, Array, int], tuple[Array, Array]]


def columns(xp: Any, data: Data) -> Tree:
    """Return the codes as int32 (B, N)."""
    return {"columns": xp.astype(xp.permute_dims(data["codes"], (1, 0)), xp.int32)}


def differing_bits(xp: Any, column: Array, byte: Array) -> Array:
    """Return in how many bits a column of bytes differs from one byte."""
    return ops.popcount(xp, column ^ byte)


def in_order(xp: Any, terms: list[Array]) -> Array:
    """Add up, the first term first."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def terms_of(xp: Any, state: Tree, row: Array, term: Term = differing_bits) -> list[Array]:
    """Return what each byte adds to each row."""
    return [term(xp, state["columns"][j, :], row[j]) for j in range(state["columns"].shape[0])]


def by(term: Term = differing_bits, add: Sum = in_order) -> Distances:
    """Return the distances made of a term for each byte, added by `add`."""
    return lambda xp, state, row: add(xp, terms_of(xp, state, row, term))


def smallest(xp: Any, state: Tree, distances: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest distances and their rows, padded with -1."""
    ids = ops.smallest_k(xp, distances, k)
    return padded(xp, xp.take(distances, ids), k), padded(xp, ids, k)


def padded(xp: Any, found: Array, k: int) -> Array:
    """Return int32 (k,), what is missing filled with -1."""
    missing = k - found.shape[0]
    return xp.concat([found, xp.full((missing,), -1, dtype=xp.int32, device=ops.device_of(found))])


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    layout: Callable[[Any, Data], Tree] = columns
    distances: Distances = by()  # noqa: RUF009 - a function, which nobody can change
    select: Select = smallest

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Lay the codes out."""
        return self.layout(xp, data)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        """Find the k nearest rows of each query."""

        def nearest(row: Array) -> tuple[Array, Array]:
            return self.select(xp, state, self.distances(xp, state, row), k)

        distances, ids = ops.map_rows(xp, nearest, xp.astype(query, xp.int32))
        return ops.bitcast(xp, distances, xp.uint32), ops.bitcast(xp, ids, xp.uint32)
