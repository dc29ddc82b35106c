"""The scalar float64 truth of `pq-l2`, one operation a line, to be read beside the paper.

Jegou, Douze, Schmid 2011, eq. 13: the asymmetric distance of a query q to a row with codes c is the sum over the m
sub-spaces of ``|| q_j - codebook[j, c_j] ||^2``. numba compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked


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
    codebook, codes = data["codebook"], data["codes"]
    kept = min(case.shape["k"], case.shape["N"])
    best = np.empty((len(query), kept), np.float64)
    for r, row in enumerate(query):
        best[r] = np.sort(np.partition(all_distances(row, codebook, codes), kept - 1)[:kept])
    return _ranked(case, data, query, best)


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return _ranked(case, data, np.stack(queries), None)


def _ranked(case: Case, data: Data, queries: Any, best: HostArray | None) -> Ranked:
    rows = queries.reshape(-1, case.shape["dim"])

    def score_of(ids: HostArray) -> tuple[HostArray, HostArray]:
        flat = np.ascontiguousarray(ids.reshape(len(rows), -1))
        score = distances_of(rows, data["codebook"], data["codes"], flat).reshape(ids.shape)
        return score, score

    return Ranked(best, best, score_of, rows=case.shape["N"], terms=case.shape["dim"])
