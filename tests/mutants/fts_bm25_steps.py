"""`fts-bm25` in three steps, each of which a variant may do in another way, right or wrong.

`weigh` says what each posting adds, `add` makes the scores of all documents for a query, `select` takes the k best.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

Weigh = Callable[[Any, Data, float, float], Array]
Add = Callable[[Any, Tree, Array, int], Array]
Select = Callable[[Any, Array, int], tuple[Array, Array]]


def term_of(xp: Any, data: Data) -> Array:
    """Return int32 (P,): the term of each posting."""
    offsets = data["offsets"]
    return ops.expand(xp, offsets[1:] - offsets[:-1], data["documents"].shape[0])


def document_of(xp: Any, data: Data) -> Array:
    """Return int32 (P,): the document of each posting."""
    return ops.bitcast(xp, data["documents"], xp.int32)


def as_floats(xp: Any, data: Data) -> dict[str, Array]:
    """Return, for each posting, its frequency, the length of its document and the weight of its term in float32."""
    return {
        "frequency": xp.astype(data["frequencies"], xp.float32),
        "length": xp.take(xp.astype(data["lengths"], xp.float32), document_of(xp, data)),
        "idf": xp.take(data["idf"], term_of(xp, data)),
    }


def formula(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Return the weights as they are defined."""
    x = as_floats(xp, data)
    norm = k1 * ((1.0 - b) + b * (x["length"] / data["average"]))
    return x["idf"] * (x["frequency"] / (norm + x["frequency"]))


def postings(xp: Any, state: Tree, terms: Array, capacity: int) -> tuple[Array, Array, Array]:
    """Return (weights, documents, owners) of a query's postings; what is left of the slots is of document N."""
    begins, ends = xp.take(state["offsets"], terms), xp.take(state["offsets"], terms + 1)
    counts = ends - begins
    last = ops.cumsum32(xp, counts)
    owners, slots = ops.expand(xp, counts, capacity), ops.iota(xp, capacity, terms)
    places = slots + xp.take(begins - (last - counts), owners)
    places = xp.where(slots < last[-1], places, state["documents"].shape[0] - 1)
    return xp.take(state["weights"], places), xp.take(state["documents"], places), owners


def at_once(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
    """Add all postings up."""
    weights, documents, _ = postings(xp, state, terms, capacity)
    return ops.segment_sum(xp, weights, documents, state["lengths"].shape[0])


def largest(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest scores and their documents."""
    return ops.top_k(xp, scores, k, largest=True)


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    weigh: Weigh = formula
    add: Add = at_once
    select: Select = largest

    def prepare(self, xp: Any, data: Data, *, k: int, k1: float, b: float, capacity: int) -> Tree:
        """Weigh the postings; one of document N that adds nothing stands behind them."""
        del k, capacity
        documents, device = document_of(xp, data), ops.device_of(data["lengths"])
        nobody = xp.full((1,), data["lengths"].shape[0], dtype=xp.int32, device=device)
        nothing = xp.zeros((1,), dtype=xp.float32, device=device)
        return {
            "offsets": data["offsets"],
            "lengths": data["lengths"],
            "documents": xp.concat([documents, nobody]),
            "weights": xp.concat([xp.astype(self.weigh(xp, data, k1, b), xp.float32), nothing]),
        }

    def run(
        self, xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int
    ) -> tuple[Array, Array]:
        """Find the k best documents for each query."""
        del k1, b
        scores, found = ops.map_rows(
            xp,
            lambda terms: self.select(xp, self.add(xp, state, terms, capacity), k),
            ops.bitcast(xp, query, xp.int32),
        )
        return scores, ops.bitcast(xp, found, xp.uint32)
