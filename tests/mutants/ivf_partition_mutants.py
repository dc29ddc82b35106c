"""Mutants of `ivf-partition`: computations that go wrong in the ways such kernels go wrong."""

from collections.abc import Callable
from typing import Any

from tests.mutants import pq_mutants
from tests.mutants.ivf_partition_honest import Bounded
from tests.mutants.ivf_partition_steps import (
    ByMetric,
    Steps,
    adding,
    both,
    columns,
    differences,
    factors,
    finished,
    laid_out,
    selecting,
    summed,
    terms,
)
from tests.mutants.pq_mutants import bfloat16, first_rows, float16, largest, last_rows, one_winner_a_block, tf32
from tests.mutants.pq_steps import in_order
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array, Data, Query, Tree

BLOCK = 64
VECTOR = 16


# ---- precision -----------------------------------------------------------------------------------------------------


def rounded_inputs(rounding: Any) -> ByMetric:
    """Round queries and centroids."""

    def make(metric: str) -> Steps:
        def pair(xp: Any, query: Array, column: Array) -> tuple[Array, Array]:
            made = differences if metric == "l2" else factors
            return made(xp, rounding(xp, query), rounding(xp, column))

        return Steps(metric, scores=summed(metric, pair=pair))

    return both(make)


def rounded_factors(rounding: Any) -> ByMetric:
    """Round what is multiplied."""

    def make(metric: str) -> Steps:
        def pair(xp: Any, query: Array, column: Array) -> tuple[Array, Array]:
            a, b = (differences if metric == "l2" else factors)(xp, query, column)
            return rounding(xp, a), rounding(xp, b)

        return Steps(metric, scores=summed(metric, pair=pair))

    return both(make)


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def expanded(metric: str) -> Steps:
    """Compute ``q^2 + c^2 - 2 q c``, which cancels where all vectors share a large offset."""

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        rows = state["columns"]
        products = xp.sum(row[:, None] * rows, axis=0)
        if metric == "dot":
            return 1.0 - products
        return xp.sum(row * row) + xp.sum(rows * rows, axis=0) - 2.0 * products

    return Steps(metric, scores=scores)


def centred(metric: str) -> Steps:
    """Take the centroids' mean off, and off the query as well for ``l2`` alone: for ``dot`` its product is lost."""

    def layout(xp: Any, data: Data) -> Tree:
        centre = xp.mean(data["centroids"], axis=0)
        return {**columns(xp, {"centroids": data["centroids"] - centre}), "centre": centre}

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        return summed(metric)(xp, state, row - state["centre"] if metric == "l2" else row)

    return Steps(metric, layout, scores)


def absolute(metric: str) -> Steps:
    """Add absolute values of terms' factors instead of products."""

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        made = differences if metric == "l2" else factors
        found = [made(xp, row[d], state["columns"][d, :])[0] for d in range(row.shape[0])]
        return finished(metric, in_order(xp, [xp.abs(one) for one in found]))

    return Steps(metric, scores=scores)


def over_norms(metric: str) -> Steps:
    """Divide by the norms: a cosine."""

    def scores(xp: Any, state: Tree, row: Array) -> Array:
        if metric == "l2":
            return summed(metric)(xp, state, row)
        square = xp.sum(state["columns"] ** 2, axis=0) * xp.sum(row * row)
        norms = xp.sqrt(xp.where(square > 0, square, xp.ones_like(square)))
        return 1.0 - in_order(xp, terms(xp, metric, None, state, row)) / norms

    return Steps(metric, scores=scores)


def of_terms(change: Callable[[list[Array]], list[Array]]) -> ByMetric:
    """Add up other terms; none of them makes zeros."""

    def make(metric: str) -> Steps:
        def scores(xp: Any, state: Tree, row: Array) -> Array:
            found = terms(xp, metric, None, state, row)
            kept = change(found)
            return finished(metric, in_order(xp, kept) if kept else xp.zeros_like(found[0]))

        return Steps(metric, scores=scores)

    return both(make)


def of_sums(change: Callable[[str, Any, Array], Array]) -> ByMetric:
    """Make something else of the sums."""

    def make(metric: str) -> Steps:
        def scores(xp: Any, state: Tree, row: Array) -> Array:
            return change(metric, xp, in_order(xp, terms(xp, metric, None, state, row)))

        return Steps(metric, scores=scores)

    return both(make)


def of_query(change: Callable[[Any, Array], Array]) -> ByMetric:
    """Read the query in another way."""

    def make(metric: str) -> Steps:
        return Steps(metric, scores=lambda xp, state, row: summed(metric)(xp, state, change(xp, row)))

    return both(make)


# ---- bytes ---------------------------------------------------------------------------------------------------------


class FromBytes(Bounded):
    """Returns the distances of the rounded vectors."""

    def score(self, xp: Any, state: Tree, row: Array) -> Array:
        query, _ = self.round(xp, row[None, :])
        kept = state["kept"] + state["centre"]
        if self.metric == "l2":
            return xp.sum((query - kept) ** 2, axis=1)
        return 1.0 - xp.sum(query * kept, axis=1)


class SelectedByBytes(FromBytes):
    """Selects by the distances of the rounded vectors, then gives the right ones of the k selected."""

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        def nearest(row: Array) -> tuple[Array, Array]:
            _, ids = ops.top_k(xp, self.score(xp, state, row), k, largest=False)
            known = ids >= 0
            exact = xp.take(Steps.score(self, xp, state, row), xp.where(known, ids, 0))
            exact, order = ops.top_k(xp, xp.where(known, exact, xp.full_like(exact, float("inf"))), k, largest=False)
            return exact, xp.take(ids, order)

        scores, ids = ops.map_rows(xp, nearest, query)
        return scores, ops.bitcast(xp, ids, xp.uint32)


class TooTight(Bounded):
    """Leaves centroids out by a bound that is not widened by what rounding loses, against the k-th best distance."""

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        def nearest(row: Array) -> tuple[Array, Array]:
            exact, bounds = Steps.score(self, xp, state, row), self.bounds(xp, state, row)
            best, _ = ops.top_k(xp, exact, min(k, exact.shape[0]), largest=False)
            kept = xp.where(bounds > best[-1], xp.full_like(exact, float("inf")), exact)
            return self.select(xp, state, kept, k)

        scores, ids = ops.map_rows(xp, nearest, query)
        return scores, ops.bitcast(xp, ids, xp.uint32)

    def slack(self, of_query: Array, of_rows: Array) -> Array:
        return 0.0 * (of_query + of_rows)


# ---- reading rows --------------------------------------------------------------------------------------------------


def padded_rows(xp: Any, data: Data) -> Tree:
    """Lay out whole blocks of rows, and take the padding for rows."""
    centroids = data["centroids"]
    missing = BLOCK - centroids.shape[0] % BLOCK
    zeros = xp.zeros((missing, centroids.shape[1]), dtype=xp.float32, device=ops.device_of(centroids))
    return columns(xp, {"centroids": xp.concat([centroids, zeros])})


def strided(xp: Any, data: Data) -> Tree:
    """Take components for centroids."""
    return {"columns": xp.reshape(data["centroids"], data["centroids"].shape[::-1])}


class Accumulating(Steps):
    """Leaves the sums of the query before in the accumulators."""

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        def nearest(pair: Array) -> tuple[Array, Array]:
            scores = self.score(xp, state, pair[0, :]) + self.score(xp, state, pair[1, :])
            return self.select(xp, state, scores, k)

        scores, ids = ops.map_rows(xp, nearest, xp.stack([query, xp.roll(query, 1, axis=0)], axis=1))
        return scores, ops.bitcast(xp, ids, xp.uint32)


LOW_PRECISION: list[Variant] = [
    wrong("float16 inputs", rounded_inputs(float16)),
    wrong("bfloat16 inputs", rounded_inputs(bfloat16)),
    wrong("tf32 products", rounded_factors(tf32)),
    wrong("bfloat16 products", rounded_factors(bfloat16)),
    wrong("float16 sums", adding(pq_mutants.rounded_sums(float16))),
    wrong("bfloat16 sums", adding(pq_mutants.rounded_sums(bfloat16))),
]

MUTANTS: list[Variant] = [
    *LOW_PRECISION,
    wrong("selected in bfloat16, scores right", selecting(pq_mutants.selected_coarsely)),
    wrong("q^2 + c^2 - 2qc", both(expanded), "value", "order"),
    wrong("the mean taken off, and its product lost", both(centred)),
    wrong("absolute values", both(absolute)),
    wrong("cosine", both(over_norms)),
    wrong("the other metric", ByMetric(Steps("dot"), Steps("l2"))),
    wrong("l2 whatever is asked", ByMetric(Steps("l2"), Steps("l2"))),
    wrong("dot whatever is asked", ByMetric(Steps("dot"), Steps("dot"))),
    wrong("products without the 1", of_sums(lambda metric, xp, sums: sums if metric == "l2" else -sums)),
    wrong("1 and the product", of_sums(lambda metric, xp, sums: sums if metric == "l2" else 1.0 + sums)),
    wrong("roots", of_sums(lambda metric, xp, sums: xp.sqrt(sums) if metric == "l2" else 1.0 - sums)),
    wrong("last component missed", of_terms(lambda found: found[:-1])),
    wrong("first component missed", of_terms(lambda found: found[1:])),
    wrong("last component twice", of_terms(lambda found: [*found, found[-1]])),
    wrong("components behind the last vector missed", of_terms(lambda found: found[: len(found) // VECTOR * VECTOR])),
    wrong("components behind the first 128 missed", of_terms(lambda found: found[:128])),
    wrong("query read from its end", of_query(lambda xp, row: xp.flip(row))),
    wrong("query's sign turned", of_query(lambda xp, row: -row)),
    wrong("distances of bytes", both(FromBytes), "value", "order"),
    wrong("selected by bytes, scores right", both(SelectedByBytes)),
    wrong("a bound from bytes without their loss", both(TooTight), "value", "nan"),
    wrong("padding taken for rows", laid_out(padded_rows), "value", "range"),
    wrong("centroids read with wrong strides", laid_out(strided)),
    wrong("last row never read", selecting(first_rows(lambda n: n - 1)), "nan", "value"),
    wrong("rows behind the last block never read", selecting(first_rows(lambda n: n - n % BLOCK)), "nan", "value"),
    wrong("right for C up to 4096", selecting(first_rows(lambda n: 4_096))),
    wrong("right for rows that come farthest first", selecting(last_rows)),
    wrong("one winner a block", selecting(one_winner_a_block), "value", "nan"),
    wrong("the farthest rows", selecting(largest), "value", "order", "padding"),
    wrong("accumulators not cleared", both(Accumulating)),
]
