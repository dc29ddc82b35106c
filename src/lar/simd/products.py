"""Tables of inner products, 64 centroids at a time (product quantisation)."""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.lanes import highest, lowest, maximum, minimum, multiply_add, splat
from lar.simd.memory import load, store
from lar.simd.vector import f32x16


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]  # numba ships no types
def fill(query: Any, columns: Any, factor: Any, start: Any, table: Any, low: Any) -> Any:
    """Fill a table with ``factor`` times the inner products of a query's sub-vectors with all centroids.

    Parameters
    ----------
    query : array
        float32 (m * width,), any stride.
    columns : array
        float32 (m, width, 256), see `lar.simd.tables.columns_of`.
    factor, start : float
        float32 numbers; `start` is added to the entries of the first sub-space, and so to every row's sum.
    table : array
        float32 (m * 256,), written to.
    low : array
        float32 (m,), written to: the smallest entry of each sub-space.

    Returns
    -------
    span : float32
        The largest range of a sub-space's entries.
    magnitude : float64
        What no sum of entries exceeds, whichever their signs: the largest absolute entries, added up.
    """
    m, width, _ = columns.shape
    components = columns.reshape(-1)
    times, span, magnitude = splat(f32x16, factor), np.float32(0), 0.0
    for j in range(m):
        plus = splat(f32x16, start if j == 0 else 0)
        least, most = splat(f32x16, np.inf), splat(f32x16, -np.inf)
        for c in range(0, 256, 64):
            at = j * width * 256 + c
            w = x = y = z = splat(f32x16, 0)
            for d in range(width):
                q = splat(f32x16, query[j * width + d])
                w = multiply_add(load(f32x16, components, at), q, w)
                x = multiply_add(load(f32x16, components, at + 16), q, x)
                y = multiply_add(load(f32x16, components, at + 32), q, y)
                z = multiply_add(load(f32x16, components, at + 48), q, z)
                at += 256
            for i, products in enumerate((w, x, y, z)):
                entries = multiply_add(products, times, plus)
                store(table, j * 256 + c + 16 * i, entries)
                least, most = minimum(entries, least), maximum(entries, most)  # a NaN is passed over
        low[j] = lowest(least)
        top = highest(most)
        span = max(span, top - low[j])
        magnitude += max(-low[j], top)
    return span, magnitude
