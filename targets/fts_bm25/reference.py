"""The scalar float64 truth of `fts-bm25`, one operation a line.

Robertson and Zaragoza 2009, section 3.4: the weight of a term in a document, and the score of a document as the sum of
the weights of the query's terms, a term that is asked twice counted twice. numba compiles the loops; no kernel shares a
line with them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked

ROUNDINGS = 7
"""Of a weight in float32 (three products, two quotients, two sums): a chain as long as that of so many terms more."""


@njit
def norms_of(lengths: HostArray, average: float, k1: float, b: float) -> HostArray:
    """Return float64 (N,): the frequency at which a term has half its weight in each document."""
    out = np.empty(lengths.size, np.float64)
    for i in range(lengths.size):
        relative = np.float64(lengths[i]) / average
        out[i] = k1 * ((1.0 - b) + b * relative)
    return out


@njit
def weight(idf: Any, frequency: Any, norm: float) -> float:
    """Return what a term adds to the score of a document that holds it ``frequency`` times."""
    saturation = np.float64(frequency) / (norm + np.float64(frequency))
    return float(np.float64(idf) * saturation)


@njit
def place_of(documents: HostArray, begin: int, end: int, document: int) -> int:
    """Return where a document stands in an ascending list, -1 if it does not."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if documents[middle] < document:
            low = middle + 1
        else:
            high = middle
    if low < end and documents[low] == document:
        return low
    return -1


@njit
def all_scores(
    terms: HostArray, offsets: HostArray, documents: HostArray, frequencies: HostArray, norms: HostArray, idf: HostArray
) -> HostArray:
    """Return float64 (N,): the score of every document for one query."""
    out = np.zeros(norms.size, np.float64)
    for term in terms:
        for place in range(offsets[term], offsets[term + 1]):
            document = documents[place]
            out[document] += weight(idf[term], frequencies[place], norms[document])
    return out


@njit
def scores_of(
    queries: HostArray,
    ids: HostArray,
    offsets: HostArray,
    documents: HostArray,
    frequencies: HostArray,
    norms: HostArray,
    idf: HostArray,
) -> HostArray:
    """Return float64 (R, k): the score of document ``ids[r, i]`` for query r."""
    R, k = ids.shape
    out = np.zeros((R, k), np.float64)
    for r in range(R):
        for i in range(k):
            document = ids[r, i]
            for term in queries[r]:
                place = place_of(documents, offsets[term], offsets[term + 1], document)
                if place >= 0:
                    out[r, i] += weight(idf[term], frequencies[place], norms[document])
    return out


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call."""
    kept = min(case.shape["k"], case.shape["N"])
    best = np.empty((len(query), kept), np.float64)
    index = _index(case, data)
    for r, row in enumerate(query):
        scores = all_scores(row.astype(np.int64), *index)
        best[r] = np.sort(scores)[::-1][:kept]
    return _ranked(case, index, query, best)


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned document gives it."""
    return _ranked(case, _index(case, data), np.stack(queries), None)


def _index(case: Case, data: Data) -> tuple[HostArray, ...]:
    norms = norms_of(data["lengths"], float(data["average"][0]), case.statics["k1"], case.statics["b"])
    return data["offsets"], data["documents"], data["frequencies"], norms, data["idf"]


def _ranked(case: Case, index: tuple[HostArray, ...], queries: Any, best: HostArray | None) -> Ranked:
    rows = queries.reshape(-1, case.shape["T"]).astype(np.int64)

    def score_of(ids: HostArray) -> tuple[HostArray, HostArray]:
        flat = np.ascontiguousarray(ids.reshape(len(rows), -1)).astype(np.int64)
        score = scores_of(rows, flat, *index).reshape(ids.shape)
        return score, score  # no term is negative

    return Ranked(best, best, score_of, rows=case.shape["N"], terms=case.shape["T"] + ROUNDINGS, largest=True)
