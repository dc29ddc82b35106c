"""A search of centroids in three steps, each of which a variant may do in another way, right or wrong.

`layout` brings the centroids into form, `scores` gives a query's distance to each of them, `select` takes the k
smallest. Sums are passed as functions from a list of equally shaped arrays to one array, so that their order is in
plain sight.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.mutants.pq_steps import in_order, smallest

from lar import ops
from lar.contracts import Array, Data, Query, Tree

METRICS = ("l2", "dot")

Sum = Callable[[Any, list[Array]], Array]
Pair = Callable[[Any, Array, Array], tuple[Array, Array]]
"""``(xp, component of the query, component of all centroids) -> (a, b)``: a distance is made of the sum of ``a b``."""
Scores = Callable[[Any, Tree, Array], Array]
Select = Callable[[Any, Tree, Array, int], tuple[Array, Array]]
Layout = Callable[[Any, Data], Tree]


def columns(xp: Any, data: Data) -> Tree:
    """Return the centroids by component, float32 (dim, C)."""
    return {"columns": xp.permute_dims(data["centroids"], (1, 0))}


def differences(xp: Any, query: Array, column: Array) -> tuple[Array, Array]:
    """Return the difference, twice."""
    return query - column, query - column


def factors(xp: Any, query: Array, column: Array) -> tuple[Array, Array]:
    """Return both as they are."""
    return xp.broadcast_to(query, column.shape), column


def terms(xp: Any, metric: str, pair: Pair | None, state: Tree, row: Array) -> list[Array]:
    """Return what each component adds, float32 (C,) each."""
    made = pair or (differences if metric == "l2" else factors)
    pairs = [made(xp, row[d], state["columns"][d, :]) for d in range(state["columns"].shape[0])]
    return [a * b for a, b in pairs]


def finished(metric: str, sums: Array) -> Array:
    """Return distances of sums."""
    return sums if metric == "l2" else 1.0 - sums


def summed(metric: str, add: Sum = in_order, pair: Pair | None = None) -> Scores:
    """Return distances made of sums by `add`."""
    return lambda xp, state, row: finished(metric, add(xp, terms(xp, metric, pair, state, row)))


@dataclass(frozen=True)
class Steps:
    """The kernel of one metric made of them; the plain one by default."""

    metric: str
    layout: Layout = columns
    scores: Scores | None = None
    select: Select = smallest

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Lay the centroids out."""
        return self.layout(xp, data)

    def score(self, xp: Any, state: Tree, row: Array) -> Array:
        """Return the distance of a query (dim,) to every centroid."""
        return (self.scores or summed(self.metric))(xp, state, row)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        """Find the k nearest centroids of each query."""
        scores, ids = ops.map_rows(xp, lambda row: self.select(xp, state, self.score(xp, state, row), k), query)
        return scores, ops.bitcast(xp, ids, xp.uint32)


@dataclass(frozen=True)
class ByMetric:
    """A kernel for each metric, which know no other static than k."""

    l2: Any
    dot: Any

    def prepare(self, xp: Any, data: Data, *, k: int, metric: str) -> Tree:
        """Prepare the metric's own kernel."""
        return self._of(metric).prepare(xp, data, k=k)

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int, metric: str) -> tuple[Array, Array]:
        """Run the metric's own kernel."""
        found: tuple[Array, Array] = self._of(metric).run(xp, state, query, k=k)
        return found

    def _of(self, metric: str) -> Any:
        return self.l2 if metric == "l2" else self.dot


def both(make: Callable[[str], Any]) -> ByMetric:
    """Return a kernel made for each metric alike."""
    return ByMetric(*(make(metric) for metric in METRICS))


def adding(add: Sum) -> ByMetric:
    """Return a kernel that adds in this way."""
    return both(lambda metric: Steps(metric, scores=summed(metric, add)))


def selecting(select: Select) -> ByMetric:
    """Return a kernel that selects in this way."""
    return both(lambda metric: Steps(metric, select=select))


def laid_out(layout: Layout, select: Select = smallest) -> ByMetric:
    """Return a kernel that lays the centroids out in this way."""
    return both(lambda metric: Steps(metric, layout, select=select))
