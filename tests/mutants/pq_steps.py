"""A search of product-quantised rows in three steps, each of which a variant may do in another way, right or wrong.

`layout` brings the data set into form, `scores` gives a query's distance to every row, `select` takes the k smallest.
What tells one target from another is a `Family`. Sums are passed as functions from a list of equally shaped arrays to
one array, so that their order is in plain sight.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

Sum = Callable[[Any, list[Array]], Array]
Table = Callable[[Any, Array, Array], Array]
Probe = Callable[[Any, Array, Array], Array]
Scores = Callable[[Any, Tree, Array], Array]
Select = Callable[[Any, Tree, Array, int], tuple[Array, Array]]
Layout = Callable[[Any, Data], Tree]


def columns(xp: Any, data: Data) -> Tree:
    """Return the codebook, and the codes as int32 (m, N)."""
    return {"codebook": data["codebook"], "columns": xp.astype(xp.permute_dims(data["codes"], (1, 0)), xp.int32)}


def as_it_is(xp: Any, row: Array) -> Array:
    """Return the query."""
    return row


@dataclass(frozen=True)
class Family:
    """What tells a target from the others over such rows.

    Attributes
    ----------
    factors : callable
        ``(query's component, centroid's component) -> (a, b)``: a row's sum is that of all ``a * b``.
    distances : callable
        ``(xp, state, sums) -> distances``.
    direction : callable
        ``(xp, query) -> query``: what is done to a query (dim,) beforehand.
    layout : callable
        ``(xp, data) -> state``.
    """

    factors: Callable[[Array, Array], tuple[Array, Array]]
    distances: Callable[[Any, Tree, Array], Array]
    direction: Callable[[Any, Array], Array] = as_it_is
    layout: Layout = columns


def smallest(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest scores and their rows."""
    return ops.top_k(xp, scores, k, largest=False)


def in_order(xp: Any, terms: list[Array]) -> Array:
    """Add up, the first term first."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def factors(family: Family, xp: Any, row: Array, codebook: Array) -> list[tuple[Array, Array]]:
    """Return, for each component of a sub-vector, the two factors of what it adds to the table: float32 (m, K)."""
    m, _, width = codebook.shape
    parts = xp.reshape(row, (m, width))
    return [family.factors(parts[:, d][:, None], codebook[:, :, d]) for d in range(width)]


def entries(xp: Any, table: Array, columns: Array) -> list[Array]:
    """Return, for each sub-space, what it adds to each row: float32 (N,)."""
    return [xp.take(table[j, :], columns[j, :]) for j in range(columns.shape[0])]


def table_by(family: Family, add: Sum = in_order) -> Table:
    """Return a function that builds the look-up table (m, K), its products added by `add`."""
    return lambda xp, row, codebook: add(xp, [a * b for a, b in factors(family, xp, row, codebook)])


def probe_by(add: Sum = in_order) -> Probe:
    """Return a function that looks up every row's entries, added by `add`."""
    return lambda xp, table, columns: add(xp, entries(xp, table, columns))


def look_up(family: Family, table: Table | None = None, probe: Probe | None = None) -> Scores:
    """Return the scores by a look-up table."""
    build, use = table or table_by(family), probe or probe_by()

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        sums = use(xp, build(xp, family.direction(xp, row), state["codebook"]), state["columns"])
        return family.distances(xp, state, sums)

    return scores


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the family's plain one by default."""

    family: Family
    layout: Layout | None = None
    scores: Scores | None = None
    select: Select = smallest

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Lay the data out."""
        return (self.layout or self.family.layout)(xp, data)

    def score(self, xp: Any, state: Tree, row: Array) -> Array:
        """Return the distance of a query (dim,) to every row."""
        return (self.scores or look_up(self.family))(xp, state, row)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        """Find the k nearest rows of each query."""
        scores, ids = ops.map_rows(xp, lambda row: self.select(xp, state, self.score(xp, state, row), k), query)
        return scores, ops.bitcast(xp, ids, xp.uint32)
