"""The scalar float64 truth of `ivf-partition`, one operation a line.

Jegou, Douze, Schmid 2011, section IV: a query visits the cells of the w centroids nearest to it. ``l2`` is the squared
distance ``|| q - c ||^2``, ``dot`` is ``1 - q . c``. Beside each distance stands its magnitude: the absolute values of
all terms, added up. numba compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked


@njit
def squared_distance(query: HostArray, centroid: HostArray) -> tuple[float, float]:
    """Return the squared distance of a query to a centroid, both (dim,), and its magnitude, which is the same."""
    total = 0.0
    for d in range(query.size):
        difference = np.float64(query[d]) - np.float64(centroid[d])
        total += difference * difference
    return total, total


@njit
def product_distance(query: HostArray, centroid: HostArray) -> tuple[float, float]:
    """Return 1 less the inner product of a query and a centroid, both (dim,), and its magnitude."""
    product = 0.0
    absolute = 0.0
    for d in range(query.size):
        term = np.float64(query[d]) * np.float64(centroid[d])
        product += term
        absolute += abs(term)
    return 1.0 - product, 1.0 + absolute


@njit
def distances_of(
    queries: HostArray, centroids: HostArray, ids: HostArray, squared: bool
) -> tuple[HostArray, HostArray]:
    """Return float64 (R, n), twice: the distance of query r to centroid ``ids[r, t]``, and its magnitude."""
    R, n = ids.shape
    distances, magnitudes = np.empty((R, n), np.float64), np.empty((R, n), np.float64)
    for r in range(R):
        for t in range(n):
            if squared:
                distance, magnitude = squared_distance(queries[r], centroids[ids[r, t]])
            else:
                distance, magnitude = product_distance(queries[r], centroids[ids[r, t]])
            distances[r, t] = distance
            magnitudes[r, t] = magnitude
    return distances, magnitudes


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call."""
    kept, squared = min(case.shape["k"], case.shape["C"]), case.statics["metric"] == "l2"
    best, magnitudes = np.empty((len(query), kept)), np.empty((len(query), kept))
    every = np.arange(case.shape["C"])[None]
    for r in range(len(query)):
        (distances,), (sizes,) = distances_of(query[r : r + 1], data["centroids"], every, squared)
        nearest = np.argsort(distances, kind="stable")[:kept]
        best[r], magnitudes[r] = distances[nearest], sizes[nearest]
    return _ranked(case, data, query, best, magnitudes)


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return _ranked(case, data, np.stack(queries), None, None)


def _ranked(case: Case, data: Data, queries: HostArray, best: HostArray | None, magnitudes: HostArray | None) -> Ranked:
    rows, squared = queries.reshape(-1, case.shape["dim"]), case.statics["metric"] == "l2"

    def score_of(ids: HostArray) -> tuple[HostArray, HostArray]:
        flat = np.ascontiguousarray(ids.reshape(len(rows), -1))
        distances, magnitudes = distances_of(rows, data["centroids"], flat, squared)
        return distances.reshape(ids.shape), magnitudes.reshape(ids.shape)

    return Ranked(best, magnitudes, score_of, rows=case.shape["C"], terms=case.shape["dim"])
