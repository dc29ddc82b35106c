"""Honest variants of `ivf-partition`: other orders of summation, other orders of ties, and bounds that hold."""

from typing import Any

from tests.mutants import pq_honest
from tests.mutants.ivf_partition_steps import (
    Layout,
    Steps,
    adding,
    both,
    columns,
    laid_out,
    terms,
)
from tests.mutants.pq_steps import in_order
from tests.mutants.variants import Variant, honest

from lar import ops
from lar.contracts import Array, Data, Tree

BEYOND = 3.0e38


def rows_elsewhere(step: int) -> Layout:
    """Return a layout whose row i is row ``step * i`` modulo C: equal centroids come in another order."""

    def layout(xp: Any, data: Data) -> Tree:
        centroids = data["centroids"]
        n = centroids.shape[0]
        order = (step % n) * ops.iota(xp, n, centroids) % n if n > 1 else ops.iota(xp, n, centroids)
        return {**columns(xp, {"centroids": xp.take(centroids, order, axis=0)}), "order": order}

    return layout


def last_component_first(metric: str) -> Steps:
    """Start with 1 for ``dot``, and end with the first component."""

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        found = terms(xp, metric, None, state, row)[::-1]
        if metric == "l2":
            return in_order(xp, found)
        return in_order(xp, [xp.ones_like(found[0]), *[-term for term in found]])

    return Steps(metric, scores=scores)


class Bounded(Steps):
    """Rounds to bytes and leaves out what cannot be among the k best, by a bound as the tuned kernel has it."""

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Round the centroids, less their mean."""
        centroids = data["centroids"]
        centre = xp.mean(centroids, axis=0)
        kept, lost = self.round(xp, centroids - centre)
        return {**columns(xp, data), "centre": centre, "kept": kept, "lost": lost}

    def round(self, xp: Any, vectors: Array) -> tuple[Array, Array]:
        """Return vectors rounded to 127 steps on either side, and the norms of what that loses, a little enlarged."""
        step = xp.max(xp.abs(vectors), axis=1, keepdims=True) / 127
        kept = xp.round(vectors / xp.where(step > 0, step, xp.ones_like(step))) * step
        return kept, xp.sqrt(xp.sum((vectors - kept) ** 2, axis=1)) * 1.001 + 1e-5 * self.norm(xp, vectors)

    def norm(self, xp: Any, vectors: Array) -> Array:
        """Return the norms of vectors (n, dim)."""
        return xp.sqrt(xp.sum(vectors * vectors, axis=1))

    def bounds(self, xp: Any, state: Tree, row: Array) -> Array:
        """Return what no centroid's distance is below."""
        if self.metric == "l2":
            kept, lost = self.round(xp, (row - state["centre"])[None, :])
            reach = self.norm(xp, kept - state["kept"]) - self.slack(lost, state["lost"])
            return xp.where(reach > 0, reach * reach * (1 - 1e-4), xp.zeros_like(reach))
        kept, lost = self.round(xp, row[None, :])
        reach = self.slack(lost * self.norm(xp, state["kept"]), self.norm(xp, row[None, :]) * state["lost"])
        at_zero = 1.0 - xp.sum(row * state["centre"])
        estimates = at_zero - xp.sum(kept * state["kept"], axis=1)
        magnitude = 1.0 + self.norm(xp, row[None, :]) * (self.norm(xp, state["kept"] + state["centre"]))
        return estimates - reach - 1e-4 * magnitude - 1e-4 * xp.abs(at_zero)

    def slack(self, of_query: Array, of_rows: Array) -> Array:
        """Return by how much a bound is to be widened."""
        return of_query + of_rows

    def score(self, xp: Any, state: Tree, row: Array) -> Array:
        """Return distances, and one beyond all of them where the bound exceeds the k-th best of some rows."""
        exact, bounds = super().score(xp, state, row), self.bounds(xp, state, row)
        worst = xp.max(xp.take(exact, ops.smallest_k(xp, ops.float_key(xp, bounds + 0.0), 257)))
        return xp.where(bounds > worst, xp.full_like(exact, BEYOND), exact)


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("outputs in Fortran order, read-only", spoil=lambda a: tuple(map(pq_honest._frozen, a.outputs))),
    honest("sums in order", adding(in_order)),
    honest("sums backwards", adding(pq_honest.backwards)),
    honest("sums pairwise", adding(pq_honest.pairwise)),
    honest("sums as the library likes", adding(pq_honest.library)),
    *(honest(f"sums of {count} partial sums", adding(pq_honest.partial_sums(count))) for count in (4, 8, 16)),
    honest("compensated sums", adding(pq_honest.compensated)),
    honest("sums in float64, rounded once", adding(pq_honest.in_float64), needs=("float64",)),
    honest("the 1 first, the first component last", both(last_component_first)),
    *(
        honest(name, laid_out(rows_elsewhere(step), pq_honest.original_rows))
        for name, step in (("rows backwards", -1), ("rows in another order", 7_919))
    ),
    honest("left out by a bound from bytes", both(Bounded)),
]
