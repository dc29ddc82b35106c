"""The scalar truth of `bitpack`, one operation a line.

Plain: Lemire, Boytsov 2015, section 2.6 (bit packing: the values one behind the other, the least significant bit
first). Blocks: Afroozeh, Boncz 2023, section 3 (1,024 bits side by side as 32 lanes; the rows of a lane stand in the
order of the unified transposed layout). numba compiles the loops; no kernel shares a line with them.

`reference` collects a value bit by bit. `audit` takes it out of one or two words, which is cheap enough for every
timed call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Case, Data, Exact, HostArray, Query

ORDER = np.array([0, 2, 1, 3])
"""By the quarter of 128 neighbouring values in which a value stands: its row's number, divided by 8."""


@njit
def position(blocks: bool, width: int, i: int) -> tuple[int, int, int]:
    """Return where value i is: its stream's first word, the words from one word of the stream to the next, its bit."""
    if not blocks:
        return 0, 1, i * width
    block = i // 1024
    within = i % 1024
    lane = within % 32
    row = ORDER[within % 128 // 32] * 8 + within // 128
    return block * 32 * width + lane, 32, row * width


@njit
def bit_by_bit(packed: HostArray, blocks: bool, width: int, n: int) -> HostArray:
    """Return uint32 (n,)."""
    values = np.zeros(n, np.uint32)
    for i in range(n):
        start, stride, first = position(blocks, width, i)
        number = 0
        for b in range(width):
            word = packed[start + (first + b) // 32 * stride]
            bit = (word >> ((first + b) % 32)) & 1
            number += bit << b
        values[i] = number
    return values


@njit
def by_words(packed: HostArray, blocks: bool, width: int, n: int) -> HostArray:
    """Return uint32 (n,)."""
    values = np.zeros(n, np.uint32)
    for i in range(n):
        start, stride, first = position(blocks, width, i)
        at = start + first // 32 * stride
        number = np.int64(packed[at]) >> (first % 32)
        if first % 32 + width > 32:
            number += np.int64(packed[at + stride]) << (32 - first % 32)
        values[i] = number & ((1 << width) - 1)
    return values


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    del data
    return Exact((_unpacked(bit_by_bit, case, query),))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked."""
    del data
    return Exact((np.stack([_unpacked(by_words, case, query) for query in queries]),))


def _unpacked(function: Any, case: Case, query: Query) -> HostArray:
    values: HostArray = function(query, case.statics["layout"] == "fastlanes", case.shape["width"], case.shape["n"])
    return values
