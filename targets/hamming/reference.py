"""The scalar truth of `hamming`, in exact integers, one operation a line.

Hamming 1950, section 5: the distance of two codes is the number of places in which they differ. numba compiles the
loops; no kernel shares a line with them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Case, Data, HostArray, Query, Ranked


def _set_bits() -> HostArray:
    """Return int64 (256,): how many bits of each byte are set."""
    table = np.zeros(256, np.int64)
    for value in range(256):
        for place in range(8):
            bit = (value >> place) & 1
            table[value] += bit
    return table


SET_BITS = _set_bits()


@njit
def distance(one: HostArray, other: HostArray) -> int:
    """Return in how many bits two codes uint8 (B,) differ."""
    total = 0
    for b in range(one.size):
        differing = one[b] ^ other[b]
        total += SET_BITS[differing]
    return total


@njit
def all_distances(query: HostArray, codes: HostArray) -> HostArray:
    """Return int64 (N,): the distance of one query to every row."""
    N = codes.shape[0]
    out = np.empty(N, np.int64)
    for i in range(N):
        out[i] = distance(query, codes[i])
    return out


@njit
def distances_of(queries: HostArray, codes: HostArray, ids: HostArray) -> HostArray:
    """Return int64 (R, k): the distance of query r to row ``ids[r, t]``."""
    R, k = ids.shape
    out = np.empty((R, k), np.int64)
    for r in range(R):
        for t in range(k):
            out[r, t] = distance(queries[r], codes[ids[r, t]])
    return out


def reference(case: Case, data: Data, query: Query) -> Ranked:
    """Return the truth of one call; distances are exact, and float64 holds them so."""
    kept = min(case.shape["k"], case.shape["N"])
    best = np.empty((len(query), kept), np.float64)
    for r, row in enumerate(query):
        best[r] = np.sort(all_distances(row, data["codes"]))[:kept]
    return _ranked(case, data, query, best)


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return _ranked(case, data, np.stack(queries), None)


def _ranked(case: Case, data: Data, queries: Any, best: HostArray | None) -> Ranked:
    rows = queries.reshape(-1, case.shape["B"])

    def score_of(ids: HostArray) -> tuple[HostArray, HostArray]:
        flat = np.ascontiguousarray(ids.reshape(len(rows), -1))
        score = distances_of(rows, data["codes"], flat).astype(np.float64).reshape(ids.shape)
        return score, score

    return Ranked(best, best, score_of, rows=case.shape["N"], terms=8 * case.shape["B"], score_bits=True)
