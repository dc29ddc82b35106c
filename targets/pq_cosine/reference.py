"""The scalar float64 truth of `pq-cosine`, one operation a line.

The distance of a query q to a row with codes c is ``1 - q.x / (|q| |x|)``, where x is the row as Jegou, Douze, Schmid
2011, section III.A, decode it: ``codebook[j, c_j]`` for j = 1..m. It is 1 where q or x is zero. Beside each distance
stands its magnitude: 1 and the absolute values of all products over the norms, added up. numba compiles the loops; no
kernel shares a line with them.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked
from lar.pq import reference as truths


@njit
def distance(product: float, absolute: float, query_norm: float, row_norm: float) -> tuple[float, float]:
    """Return a distance and its magnitude, from the product of query and row and that of their absolute values."""
    norms = query_norm * row_norm
    if norms == 0.0:
        return 1.0, 1.0
    return 1.0 - product / norms, 1.0 + absolute / norms


@njit
def norm(vector: HostArray) -> float:
    """Return the L2 norm of a vector."""
    total = 0.0
    for d in range(vector.size):
        total += np.float64(vector[d]) * np.float64(vector[d])
    return math.sqrt(total)


@njit
def norms_of(codebook: HostArray, codes: HostArray) -> HostArray:
    """Return float64 (N,): the norm of every decoded row."""
    m, K, width = codebook.shape
    squares = np.zeros((m, K), np.float64)
    for j in range(m):
        for c in range(K):
            for d in range(width):
                squares[j, c] += np.float64(codebook[j, c, d]) * np.float64(codebook[j, c, d])
    out = np.empty(len(codes), np.float64)
    for i in range(len(codes)):
        total = 0.0
        for j in range(m):
            total += squares[j, codes[i, j]]
        out[i] = np.sqrt(total)
    return out


@njit
def product_tables(query: HostArray, codebook: HostArray) -> truths.Scores:
    """Return float64 (m, K), twice: each sub-vector's product with each centroid, and that of the absolute values."""
    m, K, width = codebook.shape
    table, absolute = np.zeros((m, K), np.float64), np.zeros((m, K), np.float64)
    for j in range(m):
        for c in range(K):
            for d in range(width):
                product = np.float64(query[j * width + d]) * np.float64(codebook[j, c, d])
                table[j, c] += product
                absolute[j, c] += abs(product)
    return table, absolute


@njit
def all_distances(query: HostArray, codebook: HostArray, codes: HostArray) -> truths.Scores:
    """Return float64 (N,), twice: the distance of one query to every row, and its magnitude."""
    table, absolutes = product_tables(query, codebook)
    norms = norms_of(codebook, codes)
    query_norm = norm(query)
    N, m = codes.shape
    distances, magnitudes = np.empty(N, np.float64), np.empty(N, np.float64)
    for i in range(N):
        product = 0.0
        absolute = 0.0
        for j in range(m):
            product += table[j, codes[i, j]]
            absolute += absolutes[j, codes[i, j]]
        distances[i], magnitudes[i] = distance(product, absolute, query_norm, norms[i])
    return distances, magnitudes


@njit
def decoded(codebook: HostArray, codes: HostArray) -> HostArray:
    """Return float64 (dim,): the vector that the codes (m,) of one row stand for."""
    m, _, width = codebook.shape
    vector = np.empty(m * width, np.float64)
    for j in range(m):
        for d in range(width):
            vector[j * width + d] = np.float64(codebook[j, codes[j], d])
    return vector


@njit
def distances_of(queries: HostArray, codebook: HostArray, codes: HostArray, ids: HostArray) -> truths.Scores:
    """Return float64 (R, k), twice: the distance of query r to the decoded row ``ids[r, t]``, without tables."""
    R, k = ids.shape
    distances, magnitudes = np.empty((R, k), np.float64), np.empty((R, k), np.float64)
    for r in range(R):
        query_norm = norm(queries[r])
        for t in range(k):
            row = decoded(codebook, codes[ids[r, t]])
            product = 0.0
            absolute = 0.0
            for d in range(row.size):
                product += np.float64(queries[r, d]) * row[d]
                absolute += abs(np.float64(queries[r, d]) * row[d])
            distances[r, t], magnitudes[r, t] = distance(product, absolute, query_norm, norm(row))
    return distances, magnitudes


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call."""
    return truths.reference(case, query, lambda row: all_distances(row, data["codebook"], data["codes"]), _of_ids(data))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return truths.audit(case, queries, _of_ids(data))


def _of_ids(data: Data) -> truths.OfIds:
    return lambda rows, ids: distances_of(rows, data["codebook"], data["codes"], ids)
