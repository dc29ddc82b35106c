"""The scalar float64 truth of `pq-dot`, one operation a line.

The distance of a query q to a row with codes c is 1 less the sum over the m sub-spaces of ``q_j . codebook[j, c_j]``:
the inner product with the row as Jegou, Douze, Schmid 2011, section III.A, decode it. Beside each distance stands its
magnitude: 1 and the absolute values of all products, added up. numba compiles the loops; no kernel shares a line with
them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked
from lar.pq import reference as truths


@njit
def product_tables(query: HostArray, codebook: HostArray) -> truths.Scores:
    """Return float64 (m, K), twice: each sub-vector's product with each centroid, and that of the absolute values."""
    m, K, width = codebook.shape
    table, absolute = np.empty((m, K), np.float64), np.empty((m, K), np.float64)
    for j in range(m):
        for c in range(K):
            total = 0.0
            magnitude = 0.0
            for d in range(width):
                product = np.float64(query[j * width + d]) * np.float64(codebook[j, c, d])
                total += product
                magnitude += abs(product)
            table[j, c] = total
            absolute[j, c] = magnitude
    return table, absolute


@njit
def all_distances(query: HostArray, codebook: HostArray, codes: HostArray) -> truths.Scores:
    """Return float64 (N,), twice: the distance of one query to every row, and its magnitude."""
    table, absolute = product_tables(query, codebook)
    N, m = codes.shape
    distances, magnitudes = np.empty(N, np.float64), np.empty(N, np.float64)
    for i in range(N):
        total = 0.0
        magnitude = 0.0
        for j in range(m):
            total += table[j, codes[i, j]]
            magnitude += absolute[j, codes[i, j]]
        distances[i] = 1.0 - total
        magnitudes[i] = 1.0 + magnitude
    return distances, magnitudes


@njit
def distances_of(queries: HostArray, codebook: HostArray, codes: HostArray, ids: HostArray) -> truths.Scores:
    """Return float64 (R, k), twice: the distance of query r to the decoded row ``ids[r, t]``, without tables."""
    _, _, width = codebook.shape
    R, k = ids.shape
    _, m = codes.shape
    distances, magnitudes = np.empty((R, k), np.float64), np.empty((R, k), np.float64)
    for r in range(R):
        for t in range(k):
            total = 0.0
            magnitude = 0.0
            for j in range(m):
                c = codes[ids[r, t], j]
                for d in range(width):
                    product = np.float64(queries[r, j * width + d]) * np.float64(codebook[j, c, d])
                    total += product
                    magnitude += abs(product)
            distances[r, t] = 1.0 - total
            magnitudes[r, t] = 1.0 + magnitude
    return distances, magnitudes


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call."""
    return truths.reference(case, query, lambda row: all_distances(row, data["codebook"], data["codes"]), _of_ids(data))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return truths.audit(case, queries, _of_ids(data))


def _of_ids(data: Data) -> truths.OfIds:
    return lambda rows, ids: distances_of(rows, data["codebook"], data["codes"], ids)
