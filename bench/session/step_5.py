"""`pq-l2` by numba, step 5: everything compiled, and only rows that may be among the k best are kept."""

from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Keep codebook and codes as they are."""
    del xp, k
    return {"codebook": np.ascontiguousarray(data["codebook"]), "codes": np.ascontiguousarray(data["codes"])}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query."""
    del xp
    distances = np.full((len(query), k), np.inf, np.float32)
    ids = np.full((len(query), k), 2**32 - 1, np.uint32)
    _search(query, state["codebook"], state["codes"], distances, ids)
    return distances, ids


@njit(cache=True, nogil=True)
def _search(query: Any, codebook: Any, codes: Any, distances: Any, ids: Any) -> None:
    m, K, width = codebook.shape
    table = np.empty((m, K), np.float32)
    for q in range(len(query)):
        for j in range(m):
            for c in range(K):
                total = np.float32(0)
                for d in range(width):
                    difference = query[q, j * width + d] - codebook[j, c, d]
                    total += difference * difference
                table[j, c] = total
        _scan(table, codes, distances[q], ids[q])


@njit(cache=True, nogil=True)
def _scan(table: Any, codes: Any, best: Any, rows: Any) -> None:
    """Insert each row's sum into the k best, kept in order."""
    (count, m), k = codes.shape, len(best)
    for n in range(count):
        a = b = c = d = np.float32(0)
        for j in range(0, m - 3, 4):
            a += table[j, codes[n, j]]
            b += table[j + 1, codes[n, j + 1]]
            c += table[j + 2, codes[n, j + 2]]
            d += table[j + 3, codes[n, j + 3]]
        for j in range(m - m % 4, m):
            a += table[j, codes[n, j]]
        total = (a + b) + (c + d)
        if total < best[k - 1]:
            at = k - 1
            while at > 0 and total < best[at - 1]:
                best[at], rows[at] = best[at - 1], rows[at - 1]
                at -= 1
            best[at], rows[at] = total, n
