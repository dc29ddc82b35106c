"""The scalar truth of `fsst`, one operation a line.

Boncz, Neumann, Leis 2020, section 3: a code stands for its symbol; 255 says that the next byte stands for itself.
numba compiles the loops; no kernel shares a line with them.

`reference` goes string by string and byte by byte. `audit` goes through the page as one stream, which is cheap enough
for every timed call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Case, Data, Exact, HostArray, Query


@njit
def by_strings(
    symbols: HostArray, lengths: HostArray, codes: HostArray, offsets: HostArray, capacity: int
) -> tuple[HostArray, HostArray]:
    """Return the text uint8 (capacity,), zeros behind its end, and offsets int32 (n + 1,)."""
    text = np.zeros(capacity, np.uint8)
    ends = np.zeros(offsets.size, np.int32)
    written = 0
    for r in range(offsets.size - 1):
        at = offsets[r]
        while at < offsets[r + 1]:
            code = codes[at]
            if code == 255:
                if written < capacity:
                    text[written] = codes[at + 1]
                written += 1
                at += 2
            else:
                for j in range(lengths[code]):
                    if written < capacity:
                        text[written] = symbols[code, j]
                    written += 1
                at += 1
        ends[r + 1] = written
    return text, ends


@njit
def as_stream(
    symbols: HostArray, lengths: HostArray, codes: HostArray, offsets: HostArray, capacity: int
) -> tuple[HostArray, HostArray]:
    """Return the same."""
    room = np.zeros(capacity + 8, np.uint8)
    ends = np.zeros(offsets.size, np.int32)
    written = 0
    r = 1
    escaped = False
    for at in range(offsets[-1] + 1):
        while r < offsets.size and offsets[r] == at:
            ends[r] = written
            r += 1
        if at == offsets[-1]:
            break
        code = codes[at]
        place = min(written, capacity)
        if escaped:
            room[place] = code
            written += 1
            escaped = False
        elif code == 255:
            escaped = True
        else:
            for j in range(8):
                room[place + j] = symbols[code, j]
            written += lengths[code]
    room[min(written, capacity) :] = 0
    return room[:capacity], ends


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    return Exact(_decoded(by_strings, case, data, query))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked."""
    texts, ends = zip(*(_decoded(as_stream, case, data, query) for query in queries), strict=True)
    return Exact((np.stack(texts), np.stack(ends)))


def _decoded(function: Any, case: Case, data: Data, query: Query) -> tuple[HostArray, HostArray]:
    table = data["symbols"], data["lengths"]
    found: tuple[HostArray, HostArray] = function(*table, query["codes"], query["offsets"], case.shape["capacity"])
    return found
