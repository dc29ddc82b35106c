"""`masked-squares` by numba: one pass over the values for each bitmap, a byte of it at a time.

Values that are not there become zeros in `prepare`, so that a bit can be multiplied in place of a branch. Eight float64
sums, one for each bit of a byte, hide the latency of an addition and do not drift.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.contracts import Array, Data, HostArray, Query, Tree


def prepare(xp: Any, data: Data) -> Tree:
    """Replace what is not finite, which no bitmap selects, by zeros, and fill up to whole bytes of a bitmap."""
    values = data["values"]
    filled = xp.zeros(-(-values.shape[0] // 8) * 8, dtype=xp.float32)
    filled[: values.shape[0]] = xp.where(xp.isfinite(values), values, xp.float32(0.0))
    return {"values": filled}


def run(xp: Any, state: Tree, query: Query, /) -> tuple[Array]:
    """Add up the squares of the values that each bitmap selects; see `portable.run`."""
    sums = xp.empty(query.shape[0], dtype=xp.float32)
    _add_up(state["values"], query, sums)
    return (sums,)


@njit(cache=True)
def _add_up(values: HostArray, bitmaps: HostArray, sums: HostArray) -> None:
    lanes = np.empty(8, np.float64)
    for q in range(bitmaps.shape[0]):
        lanes[:] = 0.0
        for octet in range(bitmaps.shape[1]):
            bits = bitmaps[q, octet]
            for bit in range(8):
                value = np.float64(values[8 * octet + bit])
                lanes[bit] += value * value * ((bits >> bit) & 1)
        sums[q] = lanes.sum()
