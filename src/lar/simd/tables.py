"""Sums of look-ups: of each of m tables of 256 float32 the entry that a row's code names (product quantisation).

The order of additions is one and the same for one row and for many, so that both give the same float32 to the last bit:
`TILE` entries by pairs, then tile by tile. No entry passes through more than ``m / TILE + 9`` additions.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.memory import aligned

TILE = 16
"""Tables in use at a time: 16 kB, half of the smallest innermost cache."""

_ROW = np.uint64(256)  # indices are unsigned throughout: numba wraps negative ones, at a cost
_FOUR = np.uint64(4)


def columns_of(codebook: Any) -> Any:
    """Return the codebook float32 (m, K, width), K at most 256, with its centroids side by side.

    That is float32 (m, width, 256), padded with copies of the last centroid, so that a whole table can be filled.
    """
    m, K, width = codebook.shape
    columns = aligned((m, width, 256), np.float32)
    columns[:, :, :K] = codebook.transpose(0, 2, 1)
    columns[:, :, K:] = columns[:, :, K - 1 : K]
    return columns


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _four(table: Any, codes: Any, t: Any, at: Any) -> Any:
    u, v, w = t + _ROW, t + _ROW + _ROW, t + _ROW + _ROW + _ROW
    a, b = table[t + codes[at]], table[u + codes[at + np.uint64(1)]]
    c, d = table[v + codes[at + np.uint64(2)]], table[w + codes[at + np.uint64(3)]]
    return (a + b) + (c + d)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _tile(table: Any, codes: Any, t: Any, at: Any) -> Any:
    step = _FOUR * _ROW
    a = _four(table, codes, t, at)
    b = _four(table, codes, t + step, at + _FOUR)
    c = _four(table, codes, t + step + step, at + _FOUR + _FOUR)
    d = _four(table, codes, t + step + step + step, at + _FOUR + _FOUR + _FOUR)
    return (a + b) + (c + d)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _part(table: Any, codes: Any, t: Any, at: Any, width: Any) -> Any:
    total = np.float32(0)
    for _ in range(width // 4):
        total += _four(table, codes, t, at)
        t += _FOUR * _ROW
        at += _FOUR
    for _ in range(width % 4):
        total += table[t + codes[at]]
        t += _ROW
        at += np.uint64(1)
    return total


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def sum_of(table: Any, codes: Any, m: Any, row: Any) -> Any:
    """Return the float32 sum of one row: ``table`` float32 (m * 256,), ``codes`` uint8 (N * m,)."""
    at, t = np.uint64(row * m), np.uint64(0)
    total = np.float32(0)
    for _ in range(m // TILE):
        total += _tile(table, codes, t, at)
        t += np.uint64(TILE * 256)
        at += np.uint64(TILE)
    if m % TILE:
        total += _part(table, codes, t, at, m % TILE)
    return total


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def sums_of(table: Any, codes: Any, m: Any, first: Any, sums: Any) -> None:
    """Write the sums of as many rows as `sums` has items, from row `first` on."""
    sums[:] = np.float32(0)
    for j in range(0, m, TILE):
        width = min(TILE, m - j)
        at, t, step = np.uint64(first * m + j), np.uint64(j * 256), np.uint64(m)
        if width == TILE:
            for i in range(sums.size):
                sums[i] += _tile(table, codes, t, at)
                at += step
        else:
            for i in range(sums.size):
                sums[i] += _part(table, codes, t, at, width)
                at += step
