"""Honest variants of `fts-bm25`: other orders of operations, the same answer but for rounding and the order of ties."""

from typing import Any

from tests.mutants.fts_bm25_steps import Add, Steps, as_floats, formula, postings
from tests.mutants.variants import Variant, honest

from lar import ops
from lar.contracts import Array, Data, Tree


def one_fraction(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Multiply before dividing."""
    x = as_floats(xp, data)
    norm = k1 * (1.0 - b) + (k1 * b) * x["length"] / data["average"]
    return (x["idf"] * x["frequency"]) / (norm + x["frequency"])


def without_frequency_above(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Divide the norm by the frequency."""
    x = as_floats(xp, data)
    norm = k1 * ((1.0 - b) + b * (x["length"] / data["average"]))
    return x["idf"] / (1.0 + norm / x["frequency"])


def in_float64(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Weigh in float64."""
    x = {name: xp.astype(array, xp.float64) for name, array in as_floats(xp, data).items()}
    norm = k1 * ((1.0 - b) + b * (x["length"] / xp.astype(data["average"], xp.float64)))
    return x["idf"] * (x["frequency"] / (norm + x["frequency"]))


def by_term(order: Any) -> Add:
    """Return sums made term at a time, in another order of the terms."""

    def add(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
        weights, documents, owners = postings(xp, state, terms, capacity)
        N = state["lengths"].shape[0]
        total = xp.zeros((N,), dtype=xp.float32, device=ops.device_of(terms))
        for t in order(range(terms.shape[0])):
            total = total + ops.segment_sum(xp, weights, xp.where(owners == t, documents, N), N)
        return total

    return add


def halves(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
    """Add up the first half of the slots, then the rest."""
    weights, documents, _ = postings(xp, state, terms, capacity)
    N, half = state["lengths"].shape[0], capacity // 2
    front = ops.segment_sum(xp, weights[:half], documents[:half], N)
    return ops.segment_sum(xp, weights[half:], documents[half:], N) + front


def from_behind(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Select among documents in reverse: ties come out the other way."""
    best, found = ops.top_k(xp, xp.flip(scores), k, largest=True)
    return best, xp.where(found < 0, found, scores.shape[0] - 1 - found)


def sorted_whole(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Sort all documents."""
    order = xp.astype(xp.argsort(-scores, stable=True), xp.int32)[:k]
    missing, device = k - order.shape[0], ops.device_of(scores)
    worst = xp.full((missing,), -float("inf"), dtype=xp.float32, device=device)
    nobody = xp.full((missing,), -1, dtype=xp.int32, device=device)
    return xp.concat([xp.take(scores, order), worst]), xp.concat([order, nobody])


HONEST: list[Variant] = [
    honest("all postings at once", Steps()),
    honest("term at a time", Steps(add=by_term(iter))),
    honest("term at a time, the last one first", Steps(add=by_term(reversed))),
    honest("first half of the postings, then the rest", Steps(add=halves)),
    honest("one fraction", Steps(weigh=one_fraction)),
    honest("the norm divided by the frequency", Steps(weigh=without_frequency_above)),
    honest("weights in float64, rounded once", Steps(weigh=in_float64), needs=("float64",)),
    honest("selected from behind", Steps(select=from_behind)),
    honest("all documents sorted", Steps(formula, halves, sorted_whole)),
]
