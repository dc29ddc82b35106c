"""Sums of bytes that bound sums of look-ups from below, 64 rows an instruction (product quantisation).

A table of `lar.simd.tables` is expressed in *steps* above each sub-space's minimum, rounded down to a byte. What a
row's bytes add up to, times the step, is at most its sum less the minima; every addition saturates, which only lowers
it.
Codes lie in panels of `TILE` sub-spaces, [group of `GROUP` rows][sub-space][row], so that a scan reads one stream and a
panel's tables stay in the innermost cache. Sums lie as they fall out: of each 64 rows the even ones first.

`add_up` needs what ``supports("lookup256")`` asks for.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.lanes import (
    bits,
    convert,
    count_ones,
    minimum,
    multiply_high,
    reinterpret,
    saturating_add,
    saturating_subtract,
    splat,
)
from lar.simd.memory import aligned, load, store
from lar.simd.tables import TILE
from lar.simd.vector import f32x16, i32x16, u8x16, u8x64, u16x32
from lar.simd.x86 import lookup256

GROUP = 256
"""Rows side by side in a panel: four vectors, which hide each other's latency."""

EVERYTHING = 2**16 - 1
"""A limit that no sum exceeds."""


def panels_of(codes: Any) -> Any:
    """Return the codes uint8 (N, m) in panels."""
    N, m = codes.shape
    panels = aligned((-(-N // GROUP) * GROUP * m,), np.uint8)
    fill_panels(codes, panels)
    return panels


def in_order_of_sums(values: Any, padding: Any) -> Any:
    """Return one value a row, (N,), as sums lie: (ceil(N / GROUP) * GROUP,), `padding` behind the last row."""
    N = len(values)
    padded = np.full(-(-N // GROUP) * GROUP, padding, values.dtype)
    padded[:N] = values
    return np.ascontiguousarray(padded.reshape(-1, 32, 2).transpose(0, 2, 1)).reshape(-1)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def fill_panels(codes: Any, panels: Any) -> None:
    """Lay codes uint8 (N, m) out in panels uint8 (ceil(N / GROUP) * GROUP * m,); padding is code 0."""
    N, m = codes.shape
    at = 0
    for first in range(0, m, TILE):
        for start in range(0, N, GROUP):
            rows = min(GROUP, N - start)
            for j in range(first, min(first + TILE, m)):
                for r in range(rows):
                    panels[at + r] = codes[start + r, j]
                panels[at + rows : at + GROUP] = 0
                at += GROUP


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def quantise(table: Any, low: Any, inverse: Any, steps: Any) -> None:
    """Write ``min((table - low) * inverse, 255)``, rounded down; NaN becomes 255.

    Parameters
    ----------
    table : array
        float32 (m * 256,).
    low : array
        float32 (m,): a lower bound of each sub-space's entries.
    inverse : float
        Steps per unit, a float32 number.
    steps : array
        uint8 (m * 256,), written to.
    """
    top, scale = splat(f32x16, 255), splat(f32x16, inverse)
    for j in range(low.size):
        least = splat(f32x16, low[j])
        for c in range(j * 256, (j + 1) * 256, 16):
            above = minimum((load(f32x16, table, c) - least) * scale, top)
            store(steps, c, convert(u8x16, convert(i32x16, above)))


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _widen(even: Any, odd: Any, sums: Any) -> Any:
    """Add the even and the odd bytes of a vector to words; a word's lower byte is the even one."""
    words, eight = reinterpret(u16x32, sums), splat(u16x32, 8)
    high = words >> eight
    return saturating_add(even, words - (high << eight)), saturating_add(odd, high)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def add_up(panels: Any, m: Any, first: Any, steps: Any, together: Any, sums: Any) -> None:
    """Write the sums of as many rows as `sums` has items, a multiple of `GROUP`, from group `first` on.

    Parameters
    ----------
    panels : array
        uint8, of `fill_panels`.
    m : int
        Number of sub-spaces.
    first : int
        Group of rows to begin with.
    steps : array
        uint8 (m * 256,), of `quantise`.
    together : int
        How many sub-spaces are added in bytes, saturating at 255, before they are widened to words; at most `TILE`.
    sums : array
        uint16, written to.
    """
    groups = panels.size // (m * GROUP)
    for j in range(0, m, TILE):
        width = min(TILE, m - j)
        at = (j * groups + first * width) * GROUP
        for s in range(0, sums.size, GROUP):
            a = b = c = d = e = f = g = h = splat(u16x32, 0)
            if j > 0:
                a, b, c, d = (
                    load(u16x32, sums, s),
                    load(u16x32, sums, s + 32),
                    load(u16x32, sums, s + 64),
                    load(u16x32, sums, s + 96),
                )
                e, f = load(u16x32, sums, s + 128), load(u16x32, sums, s + 160)
                g, h = load(u16x32, sums, s + 192), load(u16x32, sums, s + 224)
            t = j * 256
            for i in range(0, width, together):
                w = x = y = z = splat(u8x64, 0)
                for _ in range(min(together, width - i)):
                    w = saturating_add(w, lookup256(steps, t, load(u8x64, panels, at)))
                    x = saturating_add(x, lookup256(steps, t, load(u8x64, panels, at + 64)))
                    y = saturating_add(y, lookup256(steps, t, load(u8x64, panels, at + 128)))
                    z = saturating_add(z, lookup256(steps, t, load(u8x64, panels, at + 192)))
                    t += 256
                    at += GROUP
                a, b = _widen(a, b, w)
                c, d = _widen(c, d, x)
                e, f = _widen(e, f, y)
                g, h = _widen(g, h, z)
            for i, words in enumerate((a, b, c, d, e, f, g, h)):
                store(sums, s + 32 * i, words)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def find(sums: Any, limit: Any, blocks: Any) -> Any:
    """List the blocks of 64 rows that hold sums within the limit.

    Parameters
    ----------
    sums : array
        uint16, of `add_up`.
    limit : int
        The largest sum that counts, at most `EVERYTHING`.
    blocks : array
        uint64 (sums.size / 64 + 1, 2), written to: the mask of `row_of` and the block's first row, counted from that of
        `sums`.

    Returns
    -------
    found : int
        How many blocks are listed.
    near : int
        How many sums are within the limit.
    """
    top, found, near = splat(u16x32, limit), 0, 0
    for i in range(0, sums.size, 64):
        even, odd = load(u16x32, sums, i) <= top, load(u16x32, sums, i + 32) <= top
        mask = bits(even) | (bits(odd) << np.uint64(32))
        blocks[found, 0], blocks[found, 1] = mask, np.uint64(i)  # always, and counted or not: no branch to mispredict
        found += mask != np.uint64(0)
        near += count_ones(mask)
    return found, near


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def find_by_level(sums: Any, levels: Any, first: Any, line: Any, blocks: Any) -> Any:
    """List blocks as `find` does, each row with a limit of its own: a line that falls with the row's level.

    Parameters
    ----------
    sums : array
        uint16, of `add_up`.
    levels : array
        uint16: a level of each row, in the order of sums.
    first : int
        The row of the first of `sums`, a multiple of `GROUP`.
    line : (int, int, int)
        ``(most, slope, flip)``, each at most `EVERYTHING`: the limit of a row is
        ``most - floor(slope * (level ^ flip) / 2**16)``, or 0 where that is negative. With a flip of `EVERYTHING` the
        line rises with the level.
    blocks : array
        As for `find`.

    Returns
    -------
    found, near : int
        As for `find`.
    """
    most, slope, flip = splat(u16x32, line[0]), splat(u16x32, line[1]), splat(u16x32, line[2])
    found, near = 0, 0
    for i in range(0, sums.size, 64):
        below = multiply_high(load(u16x32, levels, first + i) ^ flip, slope)
        even = load(u16x32, sums, i) <= saturating_subtract(most, below)
        below = multiply_high(load(u16x32, levels, first + i + 32) ^ flip, slope)
        odd = load(u16x32, sums, i + 32) <= saturating_subtract(most, below)
        mask = bits(even) | (bits(odd) << np.uint64(32))
        blocks[found, 0], blocks[found, 1] = mask, np.uint64(i)
        found += mask != np.uint64(0)
        near += count_ones(mask)
    return found, near


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def row_of(bit: Any) -> Any:
    """Return the row within its block of 64 that a bit of a mask stands for."""
    return 2 * (bit % 32) + bit // 32


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def rank(sums: Any, wanted: Any, limit: Any) -> Any:
    """Return the smallest limit within which `wanted` sums are, or `limit` if fewer are within that."""
    low = 0
    while low < limit:
        middle, near = (low + limit) // 2, 0
        top = splat(u16x32, middle)
        for i in range(0, sums.size, 32):
            near += count_ones(bits(load(u16x32, sums, i) <= top))
        low, limit = (low, middle) if near >= wanted else (middle + 1, limit)
    return limit


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def rank_of_lanes(sums: Any, wanted: Any, limit: Any) -> Any:
    """Return a limit within which `wanted` sums are, seldom many more: the rank among the minima of `GROUP` lanes."""
    minima = np.empty(GROUP, np.uint16)
    for lane in range(0, GROUP, 32):
        least = splat(u16x32, EVERYTHING)
        for i in range(lane, sums.size, GROUP):
            least = minimum(least, load(u16x32, sums, i))
        store(minima, lane, least)
    return rank(minima, wanted, limit)
