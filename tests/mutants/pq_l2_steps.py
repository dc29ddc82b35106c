"""`pq-l2` in three steps, each of which a variant may do in another way, right or wrong.

`layout` brings the data set into form, `scores` gives a query's distance to every row, `select` takes the k smallest.
Sums are passed as functions from a list of equally shaped arrays to one array, so that their order is in plain sight.
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


def columns(xp: Any, data: Data) -> Tree:
    """Return the codebook, and the codes as int32 (m, N)."""
    return {"codebook": data["codebook"], "columns": xp.astype(xp.permute_dims(data["codes"], (1, 0)), xp.int32)}


def smallest(xp: Any, state: Tree, scores: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest scores and their rows."""
    return ops.top_k(xp, scores, k, largest=False)


def in_order(xp: Any, terms: list[Array]) -> Array:
    """Add up, the first term first."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def differences(xp: Any, row: Array, codebook: Array) -> list[Array]:
    """Return, for each component of a sub-vector, the query's difference from the centroids: float32 (m, K)."""
    difference = xp.reshape(row, (codebook.shape[0], 1, codebook.shape[2])) - codebook
    return [difference[:, :, d] for d in range(codebook.shape[2])]


def entries(xp: Any, table: Array, columns: Array) -> list[Array]:
    """Return, for each sub-space, what it adds to each row: float32 (N,)."""
    return [xp.take(table[j, :], columns[j, :]) for j in range(columns.shape[0])]


def table_by(add: Sum = in_order) -> Table:
    """Return a function that builds the look-up table (m, K), its squares added by `add`."""
    return lambda xp, row, codebook: add(xp, [d * d for d in differences(xp, row, codebook)])


def probe_by(add: Sum = in_order) -> Probe:
    """Return a function that looks up every row's entries, added by `add`."""
    return lambda xp, table, columns: add(xp, entries(xp, table, columns))


def look_up(table: Table | None = None, probe: Probe | None = None) -> Scores:
    """Return the scores by a look-up table."""
    build, use = table or table_by(), probe or probe_by()
    return lambda xp, state, row: use(xp, build(xp, row, state["codebook"]), state["columns"])


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    layout: Callable[[Any, Data], Tree] = columns
    scores: Scores = look_up()  # noqa: RUF009 - a function, which nobody can change
    select: Select = smallest

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Lay the data out."""
        return self.layout(xp, data)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        """Find the k nearest rows of each query."""
        scores, ids = ops.map_rows(xp, lambda row: self.select(xp, state, self.scores(xp, state, row), k), query)
        return scores, ops.bitcast(xp, ids, xp.uint32)
