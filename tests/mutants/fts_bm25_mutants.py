"""Mutants of `fts-bm25` that weigh, add up or select wrongly."""

import functools
from dataclasses import dataclass
from typing import Any

from tests.mutants.fts_bm25_steps import (
    Add,
    Steps,
    Weigh,
    as_floats,
    at_once,
    document_of,
    formula,
    largest,
    postings,
    term_of,
)
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array, Data, Query, Tree

BLOCK = 64


# ---- weighing ------------------------------------------------------------------------------------------------------


def bm25(idf: Any = None, frequency: Any = None, length: Any = None, k1: Any = None, b: Any = None) -> Weigh:
    """Return the formula with some of what goes into it replaced by a function of it."""
    changes = {"idf": idf, "frequency": frequency, "length": length}

    def weigh(xp: Any, data: Data, k1_: float, b_: float) -> Array:
        x = {name: changes[name](xp, array) if changes[name] else array for name, array in as_floats(xp, data).items()}
        k, share = k1_ if k1 is None else k1, b_ if b is None else b
        norm = k * ((1.0 - share) + share * (x["length"] / data["average"]))
        return x["idf"] * (x["frequency"] / (norm + x["frequency"]))

    return weigh


def with_k1_above(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Multiply by k1 + 1, as other variants of BM25 do."""
    return (k1 + 1.0) * formula(xp, data, k1, b)


def without_average(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Take lengths as they are."""
    return formula(xp, {**data, "average": xp.ones_like(data["average"])}, k1, b)


def of_the_next_document(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Take the length of the next document."""
    lengths = data["lengths"]
    return formula(xp, {**data, "lengths": xp.concat([lengths[1:], lengths[:1]])}, k1, b)


def of_the_next_term(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Take the idf of the next term."""
    return formula(xp, {**data, "idf": xp.concat([data["idf"][1:], data["idf"][:1]])}, k1, b)


def saturation_by_length_alone(xp: Any, data: Data, k1: float, b: float) -> Array:
    """Leave k1 out of the denominator's length."""
    x = as_floats(xp, data)
    return x["idf"] * (x["frequency"] / (k1 * (1.0 - b) + b * (x["length"] / data["average"]) + x["frequency"]))


def cut(xp: Any, x: Array, dropped: int) -> Array:
    """Round float32 to so many bits of mantissa fewer, half up."""
    bits = ops.bitcast(xp, x, xp.int32) + (1 << (dropped - 1))
    return ops.bitcast(xp, (bits >> dropped) << dropped, xp.float32)


def coarse(dropped: int) -> Weigh:
    """Return weights of lower precision."""
    return lambda xp, data, k1, b: cut(xp, formula(xp, data, k1, b), dropped)


def in_steps(steps: int) -> Weigh:
    """Return weights in so many steps of the largest one."""

    def weigh(xp: Any, data: Data, k1: float, b: float) -> Array:
        weights = formula(xp, data, k1, b)
        if weights.shape[0] == 0:
            return weights
        step = xp.max(weights) / steps
        return xp.where(step > 0, xp.round(weights / xp.where(step > 0, step, 1.0)) * step, weights)

    return weigh


# ---- adding up -----------------------------------------------------------------------------------------------------


def without(chosen: Any) -> Weigh:
    """Return weights of which those of some postings are missing; ``chosen(xp, rank, size)`` says which.

    `rank` is a posting's place in its list, `size` the length of that.
    """

    def weigh(xp: Any, data: Data, k1: float, b: float) -> Array:
        offsets, terms = data["offsets"], term_of(xp, data)
        begins, ends = xp.take(offsets, terms), xp.take(offsets, terms + 1)
        rank = ops.iota(xp, terms.shape[0], terms) - begins
        return xp.where(chosen(xp, rank, ends - begins), 0.0, formula(xp, data, k1, b))

    return weigh


def without_documents(chosen: Any) -> Weigh:
    """Return weights of which those in some documents are missing; ``chosen(document, N)`` says which."""

    def weigh(xp: Any, data: Data, k1: float, b: float) -> Array:
        lost = chosen(document_of(xp, data), data["lengths"].shape[0])
        return xp.where(lost, 0.0, formula(xp, data, k1, b))

    return weigh


def some_terms(chosen: Any) -> Add:
    """Return sums of some of a query's terms."""
    return lambda xp, state, terms, capacity: at_once(xp, state, chosen(terms), capacity)


def each_term_once(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
    """Leave out a term that was named before."""
    weights, documents, owners = postings(xp, state, terms, capacity)
    places = ops.iota(xp, terms.shape[0], terms)
    again = xp.any((terms[:, None] == terms[None, :]) & (places[None, :] < places[:, None]), axis=1)
    weights = xp.where(xp.take(again, owners), 0.0, weights)
    return ops.segment_sum(xp, weights, documents, state["lengths"].shape[0])


def all_terms_or_nothing(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
    """Score documents that hold every term, as a conjunction does."""
    _, documents, _ = postings(xp, state, terms, capacity)
    ones = xp.ones((capacity,), dtype=xp.float32, device=ops.device_of(terms))
    held = ops.segment_sum(xp, ones, documents, state["lengths"].shape[0])
    return xp.where(held >= terms.shape[0], at_once(xp, state, terms, capacity), 0.0)


def one_term_each(xp: Any, state: Tree, terms: Array, capacity: int) -> Array:
    """Write weights in place of adding them: the last one stays, here the largest."""
    each = [at_once(xp, state, terms[t : t + 1], capacity) for t in range(terms.shape[0])]
    return functools.reduce(xp.maximum, each)


def sums_cut(dropped: int) -> Add:
    """Return sums of lower precision."""
    return lambda xp, state, terms, capacity: cut(xp, at_once(xp, state, terms, capacity), dropped)


def first_slots(size: int) -> Add:
    """Return sums of no more postings than a query is thought to have."""
    return lambda xp, state, terms, capacity: at_once(xp, state, terms, min(size, capacity))


@dataclass(frozen=True)
class Accumulating(Steps):
    """Does not clear the sums between queries."""

    def run(
        self, xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int
    ) -> tuple[Array, Array]:
        rows = ops.bitcast(xp, query, xp.int32)
        before = self.add(xp, state, rows[0, :], capacity)
        scores, found = ops.map_rows(
            xp, lambda terms: self.select(xp, before + self.add(xp, state, terms, capacity), k), rows
        )
        return scores, ops.bitcast(xp, found, xp.uint32)


# ---- what is left out ----------------------------------------------------------------------------------------------


def essential(bound: Any) -> Any:
    """Return a kernel that leaves out the lists whose largest weight is below the best k-th weight of a term.

    That is right of one list, where its weights and those of other lists left out, together, are below.
    """

    @dataclass(frozen=True)
    class Essential(Steps):
        def run(
            self, xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int
        ) -> tuple[Array, Array]:
            def best(terms: Array) -> tuple[Array, Array]:
                N = state["lengths"].shape[0]
                each = [at_once(xp, state, terms[t : t + 1], capacity) for t in range(terms.shape[0])]
                kept = min(k, N)
                reached = [ops.top_k(xp, own, kept, largest=True)[0][kept - 1] for own in each]
                threshold = functools.reduce(xp.maximum, reached)
                most = [xp.max(own) for own in each]
                held = xp.zeros((N,), dtype=xp.float32, device=ops.device_of(terms))
                for own, weight in zip(each, most, strict=True):
                    held = held + xp.where(bound(weight, threshold), 0.0, own)
                total = functools.reduce(lambda x, y: x + y, each)
                return self.select(xp, xp.where(held > 0, total, 0.0), k)

            scores, found = ops.map_rows(xp, best, ops.bitcast(xp, query, xp.int32))
            return scores, ops.bitcast(xp, found, xp.uint32)

    return Essential()


# ---- selecting -----------------------------------------------------------------------------------------------------


def padded_where_nothing_matches(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Return padding in place of documents that hold none of the terms."""
    best, found = largest(xp, scores, k)
    return xp.where(best > 0, best, -float("inf")), xp.where(best > 0, found, -1)


def smallest(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Return the k worst documents."""
    return ops.top_k(xp, scores, k, largest=False)


def first_documents(limit: Any) -> Any:
    """Never look at documents from ``limit(N)`` on."""

    def select(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
        beyond = ops.iota(xp, scores.shape[0], scores) >= limit(scores.shape[0])
        return largest(xp, xp.where(beyond, 0.0, scores), k)

    return select


def one_of_a_block(xp: Any, scores: Array, k: int) -> tuple[Array, Array]:
    """Keep the best of each block of documents."""
    whole = scores.shape[0] // BLOCK * BLOCK
    rows = xp.reshape(scores[:whole], (-1, BLOCK))
    if whole == 0:
        return largest(xp, scores, k)
    kept = xp.where(rows == xp.max(rows, axis=1, keepdims=True), rows, 0.0)
    return largest(xp, xp.concat([xp.reshape(kept, (-1,)), scores[whole:]]), k)


LOW_PRECISION: list[Variant] = [
    wrong("bfloat16 weights", Steps(weigh=coarse(16)), "value", "order"),
    wrong("tf32 weights", Steps(weigh=coarse(13)), "value", "order"),
    wrong("bfloat16 sums", Steps(add=sums_cut(16)), "value", "order"),
    wrong("float16 sums", Steps(add=sums_cut(13)), "value", "order"),
]

MUTANTS: list[Variant] = [
    wrong("k1 + 1 above", Steps(weigh=with_k1_above)),
    wrong("k1 = 2", Steps(weigh=bm25(k1=2.0))),
    wrong("k1 = 0", Steps(weigh=bm25(k1=0.0))),
    wrong("b = 0", Steps(weigh=bm25(b=0.0))),
    wrong("b = 1", Steps(weigh=bm25(b=1.0))),
    wrong("lengths not divided by their mean", Steps(weigh=without_average)),
    wrong("k1 left out of the lengths", Steps(weigh=saturation_by_length_alone)),
    wrong("the length of the next document", Steps(weigh=of_the_next_document)),
    wrong("the idf of the next term", Steps(weigh=of_the_next_term)),
    wrong("no idf", Steps(weigh=bm25(idf=lambda xp, x: xp.ones_like(x)))),
    wrong("idf twice", Steps(weigh=bm25(idf=lambda xp, x: x * x))),
    wrong("idf of at least 0.01", Steps(weigh=bm25(idf=lambda xp, x: xp.maximum(x, xp.full_like(x, 0.01))))),
    wrong("frequencies taken for one", Steps(weigh=bm25(frequency=lambda xp, x: xp.ones_like(x)))),
    wrong("frequencies up to 15", Steps(weigh=bm25(frequency=lambda xp, x: xp.minimum(x, xp.full_like(x, 15.0))))),
    wrong("frequencies less one", Steps(weigh=bm25(frequency=lambda xp, x: x - 1.0)), "value", "nan"),
    wrong("lengths up to 65,535", Steps(weigh=bm25(length=lambda xp, x: xp.minimum(x, xp.full_like(x, 65_535.0))))),
    wrong("lengths of four bits of mantissa", Steps(weigh=bm25(length=lambda xp, x: cut(xp, x, 20)))),
    wrong("lengths of at least one", Steps(weigh=bm25(length=lambda xp, x: xp.maximum(x, xp.ones_like(x))))),
    wrong("weights in 255 steps", Steps(weigh=in_steps(255))),
    wrong("weights in 65,535 steps", Steps(weigh=in_steps(65_535))),
    wrong("first posting missed", Steps(weigh=without(lambda xp, rank, size: rank == 0))),
    wrong("last posting missed", Steps(weigh=without(lambda xp, rank, size: rank == size - 1))),
    wrong("tail of a list missed", Steps(weigh=without(lambda xp, rank, size: rank >= size - size % BLOCK))),
    wrong("postings behind the first 256 missed", Steps(weigh=without(lambda xp, rank, size: rank >= 256))),
    wrong("lists of one posting missed", Steps(weigh=without(lambda xp, rank, size: size == 1))),
    wrong("full lists missed", Steps(weigh=without(lambda xp, rank, size: size >= 1_000))),
    wrong("last document's postings missed", Steps(weigh=without_documents(lambda document, N: document == N - 1))),
    wrong("first document's postings missed", Steps(weigh=without_documents(lambda document, N: document == 0))),
    wrong("tail of the documents missed", Steps(weigh=without_documents(lambda d, N: d >= N - N % BLOCK))),
    wrong("last term missed", Steps(add=some_terms(lambda terms: terms[: max(1, terms.shape[0] - 1)]))),
    wrong("terms behind the first four missed", Steps(add=some_terms(lambda terms: terms[:4]))),
    wrong("a term that is asked twice counted once", Steps(add=each_term_once)),
    wrong("documents that hold every term alone", Steps(add=all_terms_or_nothing)),
    wrong("the largest weight, not the sum", Steps(add=one_term_each)),
    wrong("postings of a query cut at 1000", Steps(add=first_slots(1_000))),
    wrong("sums not cleared", Accumulating()),
    wrong("every list left out that is below", essential(lambda most, threshold: most < threshold)),
    wrong("lists left out at the bound", essential(lambda most, threshold: most <= threshold)),
    wrong("padding where nothing matches", Steps(select=padded_where_nothing_matches), "nan"),
    wrong("the worst documents", Steps(select=smallest), "order", "value", "padding"),
    wrong("last document never found", Steps(select=first_documents(lambda N: N - 1))),
    wrong("documents behind the last block never found", Steps(select=first_documents(lambda N: N - N % BLOCK))),
    wrong("right for 4096 documents", Steps(select=first_documents(lambda N: 4_096))),
    wrong("one document a block", Steps(select=one_of_a_block)),
]
