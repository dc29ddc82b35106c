"""The exact truth of `dictionary`, one value or byte after the other.

Apache Arrow columnar format 1.5: "Dictionary-encoded Layout" (value i is the dictionary's value ``codes[i]``),
"Validity bitmaps" (``is_valid[i] = bitmap[i / 8] & (1 << (i % 8))``) and "Variable-size Binary Layout" (entry k is the
bytes from ``offsets[k]`` up to ``offsets[k + 1]``). numba compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Case, Data, Exact, HostArray, Outputs, Query

from .checks import check_query
from .lengths import capacity_of


@njit
def is_valid(validity: HostArray, i: int) -> bool:
    """Say whether place i is not null."""
    return bool((validity[i // 8] >> (i % 8)) & 1 == 1)


@njit
def fixed(codes: HostArray, validity: HostArray, values: HostArray) -> HostArray:
    """Return int32 (n, W)."""
    n, width = codes.size, values.shape[1]
    out = np.zeros((n, width), np.int32)
    for i in range(n):
        if is_valid(validity, i):
            for j in range(width):
                out[i, j] = values[codes[i], j]
    return out


@njit
def strings(codes: HostArray, validity: HostArray, offsets: HostArray, octets: HostArray, out: HostArray) -> HostArray:
    """Write the bytes that fit to `out`; return int32 (n + 1,) offsets of all, the last of which is the total."""
    n = codes.size
    ends = np.zeros(n + 1, np.int32)
    total = 0
    for i in range(n):
        if is_valid(validity, i):
            k = codes[i]
            for place in range(offsets[k], offsets[k + 1]):
                if total < out.size:
                    out[total] = octets[place]
                total += 1
        ends[i + 1] = total
    return ends


def truth(case: Case, data: Data, query: Query) -> Outputs:
    """Return the outputs of one call; raises what `check_query` does."""
    check_query(case, data, query)
    if case.statics["kind"] == "fixed":
        return (fixed(query["codes"], query["validity"], data["values"]),)
    out = np.zeros(capacity_of(case), np.uint8)
    ends = strings(query["codes"], query["validity"], data["offsets"], data["bytes"], out)
    return out, ends, np.array(ends[-1])


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    return Exact(truth(case, data, query))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked: decoding is cheap enough for every call."""
    found = [truth(case, data, query) for query in queries]
    return Exact(tuple(np.stack(column) for column in zip(*found, strict=True)))
