"""`pq-l2` by numba, step 2: half-precision tables, half the bytes to look up in."""

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
    codebook, codes = state["codebook"], state["codes"]
    m, _, width = codebook.shape
    distances = np.full((len(query), k), np.inf, np.float32)
    ids = np.full((len(query), k), 2**32 - 1, np.uint32)
    kept = min(k, len(codes))
    for i, row in enumerate(query):
        difference = row.reshape(m, 1, width) - codebook
        table = np.sum(difference * difference, axis=2).astype(np.float16).astype(np.float32)
        sums = _scan(table, codes)
        near = np.argpartition(sums, kept - 1)[:kept]
        order = near[np.lexsort((near, sums[near]))]
        distances[i, :kept], ids[i, :kept] = sums[order], order
    return distances, ids


@njit(cache=True, nogil=True)
def _scan(table: Any, codes: Any) -> Any:
    rows, m = codes.shape
    sums = np.empty(rows, np.float32)
    for n in range(rows):
        total = np.float32(0)
        for j in range(m):
            total += table[j, codes[n, j]]
        sums[n] = total
    return sums
