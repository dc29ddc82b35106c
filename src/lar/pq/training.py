"""Codebooks and codes, the same to the bit on every machine.

Nothing here calls BLAS, whose rounding differs from one processor to the next and would move codes between centroids.
"""

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import HostArray

CLUSTERS = 32
"""Rows of one residue modulo it belong together; a recombined row takes codes from its own cluster alone."""


def train(vectors: HostArray, m: int, K: int, key: int) -> HostArray:
    """Train a codebook: a random start, moved by two Lloyd iterations.

    Parameters
    ----------
    vectors : array
        float32 (count, dim), at least K of them, dim a multiple of m.
    m, K : int
        Sub-spaces, and centroids of each, at most 256.
    key : int
        Of `lar.sampling`: which K of the vectors the centroids begin as.

    Returns
    -------
    array
        float32 (m, K, dim/m).
    """
    count, dim = vectors.shape
    start = sampling.permutation(key, count)[:K]
    parts = vectors.reshape(count, m, dim // m)
    codebook = np.ascontiguousarray(parts[start].transpose(1, 0, 2))
    for _ in range(2):
        codes = encode(vectors, codebook)
        for j in range(m):
            totals = np.zeros((K, dim // m))
            np.add.at(totals, codes[:, j], parts[:, j])
            members = np.bincount(codes[:, j], minlength=K)[:, None]
            codebook[j] = np.where(members > 0, totals / np.maximum(members, 1), codebook[j])
    return codebook


def encode(vectors: HostArray, codebook: HostArray) -> HostArray:
    """Return uint8 (count, m): the centroid nearest to each sub-vector by L2 distance, the lowest of equals."""
    out: HostArray = _nearest_centroids(vectors, np.ascontiguousarray(codebook.transpose(0, 2, 1)))
    return out


@njit  # type: ignore[untyped-decorator]  # numba ships no types
def _nearest_centroids(vectors: HostArray, columns: HostArray) -> HostArray:
    count = vectors.shape[0]
    m, width, K = columns.shape
    out = np.empty((count, m), np.uint8)
    distance = np.empty(K, np.float32)
    for i in range(count):
        for j in range(m):
            distance[:] = 0.0
            for d in range(width):
                value, column = vectors[i, j * width + d], columns[j, d]
                for c in range(K):
                    difference = column[c] - value
                    distance[c] += difference * difference
            keys = distance.view(np.int32)  # squares are not negative, so their bits sort as they do
            best = keys[0]
            for c in range(K):
                best = min(best, keys[c])
            c = 0
            while keys[c] != best:
                c += 1
            out[i, j] = c
    return out


def recombine(codes: HostArray, N: int, key: int) -> HostArray:
    """Grow encoded rows to N: a further row copies one and takes 30 % of its codes from another of its cluster.

    Parameters
    ----------
    codes : array
        uint8 (rows, m); more than `CLUSTERS` rows where N is larger.
    N : int
        How many rows are wanted.
    key : int
        Of `lar.sampling`.

    Returns
    -------
    array
        uint8 (max(rows, N), m), the given rows first.
    """
    rows, m = codes.shape
    if rows >= N:
        return codes
    extra = N - rows
    first = np.arange(extra) % rows
    hop = CLUSTERS * (1 + sampling.integers(sampling.key(key, "hop"), (extra,), rows // CLUSTERS - 1).astype(np.int64))
    second = (first + hop) % rows
    swap = (sampling.words(sampling.key(key, "swap"), extra * m).reshape(extra, m) >> np.uint64(56)) < np.uint64(77)
    return np.concatenate([codes, np.where(swap, codes[second], codes[first])])
