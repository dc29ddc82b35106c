"""The scalar float64 truth of `pq-l2`, one operation a line, to be read beside the paper.

Jegou, Douze, Schmid 2011, eq. 13: the asymmetric distance of a query q to a row with codes c is the sum over the m
sub-spaces of ``|| q_j - codebook[j, c_j] ||^2``. numba compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked
from lar.pq import reference as truths


@njit
def distance_tables(query: HostArray, codebook: HostArray) -> HostArray:
    """Return float64 (m, K): the squared distance of each sub-vector of one query to each centroid."""
    m, K, width = codebook.shape
    table = np.empty((m, K), np.float64)
    for j in range(m):
        for c in range(K):
            total = 0.0
            for d in range(width):
                difference = np.float64(query[j * width + d]) - np.float64(codebook[j, c, d])
                total += difference * difference
            table[j, c] = total
    return table


@njit
def all_distances(query: HostArray, codebook: HostArray, codes: HostArray) -> HostArray:
    """Return float64 (N,): the distance of one query to every row."""
    table = distance_tables(query, codebook)
    N, m = codes.shape
    out = np.empty(N, np.float64)
    for i in range(N):
        total = 0.0
        for j in range(m):
            total += table[j, codes[i, j]]
        out[i] = total
    return out


@njit
def distances_of(queries: HostArray, codebook: HostArray, codes: HostArray, ids: HostArray) -> HostArray:
    """Return float64 (R, k): the distance of query r to the decoded row ``ids[r, t]``, without tables."""
    _, _, width = codebook.shape
    R, k = ids.shape
    _, m = codes.shape
    out = np.empty((R, k), np.float64)
    for r in range(R):
        for t in range(k):
            total = 0.0
            for j in range(m):
                c = codes[ids[r, t], j]
                for d in range(width):
                    difference = np.float64(queries[r, j * width + d]) - np.float64(codebook[j, c, d])
                    total += difference * difference
            out[r, t] = total
    return out


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call; every term is a square, so the sum of absolute terms is the distance itself."""

    def of_all(row: HostArray) -> truths.Scores:
        distances = all_distances(row, data["codebook"], data["codes"])
        return distances, distances

    return truths.reference(case, query, of_all, _of_ids(data))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return truths.audit(case, queries, _of_ids(data))


def _of_ids(data: Data) -> truths.OfIds:
    def of_ids(rows: HostArray, ids: HostArray) -> truths.Scores:
        distances = distances_of(rows, data["codebook"], data["codes"], ids)
        return distances, distances

    return of_ids
