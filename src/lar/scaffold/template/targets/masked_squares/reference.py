"""The scalar float64 truth of `masked-squares`, one operation a line.

ISO/IEC 9075-2:2003, 10.9: ``SUM(x * x) FILTER (WHERE mask)`` over the values that are there. numba compiles the
loop; no kernel shares a line with it.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import Bounded, Case, Data, HostArray, Query


@njit
def sums_of_squares(bitmaps: HostArray, values: HostArray) -> HostArray:
    """Return float64 (R,): for each bitmap (R, ceil(n/8)) the sum of squares of the values it selects."""
    out = np.zeros(bitmaps.shape[0], np.float64)
    for r in range(bitmaps.shape[0]):
        for i in range(values.shape[0]):
            selected = (bitmaps[r, i // 8] >> (i % 8)) & 1
            if selected:
                value = np.float64(values[i])
                out[r] += value * value
    return out


def reference(case: Case, data: Data, query: Query) -> Bounded:
    """Return the truth of one call; every term is a square, so the sum of absolute terms is the sum itself."""
    del case
    sums = sums_of_squares(query, data["values"])
    return Bounded((sums,), (sums,), terms=len(data["values"]))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Bounded:
    """Return the truth of many calls, stacked: a pass over the values for each bitmap is cheap enough."""
    del case
    bitmaps = np.concatenate(queries)
    sums = sums_of_squares(bitmaps, data["values"]).reshape(len(queries), -1)
    return Bounded((sums,), (sums,), terms=len(data["values"]))
