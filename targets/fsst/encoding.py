"""The encoder of FSST: a symbol table from a sample of text, and text to codes by the longest symbol that fits.

Boncz, Neumann, Leis 2020, section 4: a table is found in five rounds. Each encodes the sample with the table at hand,
counts the symbols used and the pairs of symbols next to each other, and keeps those of all symbols and joined pairs
that would save most: how often they occur times their length. Text is encoded greedily.
"""

import functools
from collections import Counter

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import HostArray

from . import texts

ESCAPE = 255
LONGEST = 8
MOST = 255
"""Symbols of a table: one code fewer than there are, for the escape."""
_ROUNDS = 5
_SAMPLE = 1 << 13
_LINE = 128  # bytes of the sample between which no symbol is looked for

Table = tuple[HostArray, HostArray]
"""Symbols uint8 (S, 8), anything behind their ends, and their lengths uint8 (S,)."""


@functools.cache
def trained(kind: str, key: int) -> tuple[bytes, ...]:
    """Return the symbols for a kind of text, those that save most first."""
    sample = texts.text(kind, key, _SAMPLE).tobytes()
    lines = [sample[at : at + _LINE] for at in range(0, len(sample), _LINE)]
    symbols: frozenset[bytes] = frozenset()
    best: list[bytes] = []
    for _ in range(_ROUNDS):
        used: Counter[bytes] = Counter()
        for line in lines:
            _count(line, symbols, used)
        # Equal gains go by the symbol itself, so that every machine finds the same table.
        best = sorted(used, key=lambda one: (-used[one] * len(one), one))[:MOST]
        symbols = frozenset(best)
    return tuple(best)


def _count(line: bytes, symbols: frozenset[bytes], used: Counter[bytes]) -> None:
    """Count what a line is encoded by: its symbols, its bytes without one, and neighbours joined."""
    at, before = 0, b""
    while at < len(line):
        here = line[at : at + 1]
        for length in range(LONGEST, 1, -1):
            if line[at : at + length] in symbols and at + length <= len(line):
                here = line[at : at + length]
                break
        used[here] += 1
        if len(here) > 1:
            used[here[:1]] += 1  # the paper keeps single bytes in the race, too: a long symbol may lose its place
        if before and len(before) + len(here) <= LONGEST:
            used[before + here] += 1
        before, at = here, at + len(here)


def table_of(symbols: tuple[bytes, ...], key: int) -> Table:
    """Lay symbols out, random bytes behind their ends."""
    rows = texts.drawn_bytes(key, LONGEST * len(symbols)).reshape(-1, LONGEST)
    for row, symbol in zip(rows, symbols, strict=True):
        row[: len(symbol)] = np.frombuffer(symbol, np.uint8)
    return rows, np.array([len(one) for one in symbols], np.uint8)


def encode(text: HostArray, bounds: HostArray, table: Table) -> tuple[HostArray, HostArray]:
    """Encode strings.

    Parameters
    ----------
    text : array
        uint8 (size,), the strings end to end.
    bounds : array
        int64 (n + 1,), where each begins, and the end.
    table : Table

    Returns
    -------
    codes : array
        uint8, the encoded strings end to end.
    offsets : array
        int64 (n + 1,).
    """
    symbols, lengths = table
    order = np.lexsort((-lengths.astype(np.int64), symbols[:, 0])).astype(np.int64)
    firsts = np.searchsorted(symbols[order, 0], np.arange(257))
    kept = np.where(np.arange(LONGEST) < lengths[:, None], symbols, 0)
    words = np.ascontiguousarray(kept).view("<u8").reshape(-1).astype(np.uint64)
    codes, offsets = np.empty(2 * text.size, np.uint8), np.zeros(len(bounds), np.int64)
    _encode(text, bounds, order, firsts, words[order], lengths[order].astype(np.int64), codes, offsets)
    return codes[: offsets[-1]], offsets


@njit
def _encode(
    text: HostArray, bounds: HostArray, order: HostArray, firsts: HostArray,
    words: HostArray, lengths: HostArray, codes: HostArray, offsets: HostArray,
) -> None:  # fmt: skip
    put = 0
    for r in range(bounds.size - 1):
        at, end = bounds[r], bounds[r + 1]
        while at < end:
            room = min(end - at, 8)
            word = np.uint64(0)
            for j in range(room):
                word |= np.uint64(text[at + j]) << np.uint64(8 * j)
            found = -1
            for i in range(firsts[text[at]], firsts[text[at] + 1]):  # the longest first
                rest = np.uint64(64 - 8 * lengths[i])
                if lengths[i] <= room and (word << rest) == (words[i] << rest):
                    found = i
                    break
            if found < 0:
                codes[put] = 255
                codes[put + 1] = text[at]
                put, at = put + 2, at + 1
            else:
                codes[put] = order[found]
                put, at = put + 1, at + lengths[found]
        offsets[r + 1] = put


def rearranged(codes: HostArray, offsets: HostArray, order: HostArray) -> tuple[HostArray, HostArray]:
    """Return the same encoded strings in another order: ``codes`` and ``offsets`` as `encode` does."""
    moved = np.zeros_like(offsets)
    moved[1:] = np.cumsum(np.diff(offsets)[order])
    out = np.empty_like(codes)
    _move(codes, offsets, order, moved, out)
    return out, moved


@njit
def _move(codes: HostArray, offsets: HostArray, order: HostArray, moved: HostArray, out: HostArray) -> None:
    for r in range(order.size):
        first = offsets[order[r]]
        for j in range(moved[r + 1] - moved[r]):
            out[moved[r] + j] = codes[first + j]


def renumbered(table: Table, key: int) -> Table:
    """Return the same symbols under other codes."""
    symbols, lengths = table
    order = sampling.permutation(key, len(lengths))
    return np.ascontiguousarray(symbols[order]), lengths[order]
