"""Vectors as signed bytes with a scale each, and estimates of inner products for 64 of them at a time.

A row y is ``scale a + r``: a has a signed byte for each component, and |r|, what the bytes lose, is kept with the row.
A query x is ``s b + t`` likewise. What products of bytes add up to is exact, so the product of the rounded vectors is
known up to a few roundings, and by Cauchy and Schwarz nothing about x and y is further from it than |r| and |t| allow.
What a search makes of that is its own affair: here is how to round, and how to multiply.

Rows lie in panels of `GROUP`: [group][step of four components][row][component], a stream of whole vectors. Bytes of
rows are shifted by 128, as ``add_products`` wants one side unsigned; `Query.shift` takes that off again.

`estimate` needs what ``supports("add_products")`` asks for.
"""

from typing import Any

import numpy as np
from numba import njit

from lar.simd.dots import add_products, total
from lar.simd.lanes import (
    bits,
    convert,
    count_ones,
    highest,
    lowest,
    maximum,
    minimum,
    multiply_add,
    reinterpret,
    select,
    splat,
)
from lar.simd.memory import aligned, load, store
from lar.simd.vector import f32x16, i32x16, u8x16, u8x64

GROUP = 64
"""Rows side by side in a panel: four vectors, each with sums of its own."""

WIDEST = 2**14
"""Components of a row whose products int32 is sure to hold, and whose bytes, squared, a float32 lane adds exactly."""

STEP = 4  # components of a lane
TOGETHER = 4  # queries that share what is loaded of a panel
_SMALLEST, _LARGEST = 1e-30, 1e30  # scales outside of this are taken for 0: then all of a vector is lost
_ROUNDING = 1.5 * 2.0**23  # a float32 of small size, added to this, is rounded to an integer in the lowest bits

QUERY = np.dtype([("scale", "f8"), ("shift", "i8"), ("kept", "f8"), ("lost", "f8"), ("norm", "f8")])
"""What `round_query` notes: the scale; 128 times the sum of the bytes; the squared norm of the rounded query; no less
than the norm of what rounding lost; and no less than the query's own norm."""

_inlined = njit(cache=True, nogil=True, forceinline=True)


def panels_of(vectors: Any, centre: Any) -> tuple[Any, Any, Any, Any]:
    """Round rows, less a centre that they share, to bytes.

    Parameters
    ----------
    vectors : array
        float32 (N, dim), dim at most `WIDEST`, finite.
    centre : array
        float32 (dim,).

    Returns
    -------
    panels : array
        uint8, ceil(N / GROUP) * GROUP * ceil(dim / 4) * 4 of them.
    scales : array
        float32 (N,).
    norms : array
        float64 (N,): the norm of ``scale a``.
    lost : array
        float64 (N,): the norm of what the bytes lose.
    """
    N, dim = vectors.shape
    panels = aligned((-(-N // GROUP) * GROUP * steps_of(dim) * STEP,), np.uint8)
    scales, norms, lost = np.empty(N, np.float32), np.empty(N), np.empty(N)
    _round_rows(vectors, centre, panels, scales, norms, lost)
    return panels, scales, norms, lost


def steps_of(dim: int) -> int:
    """Return how many steps of four components a row has."""
    return -(-dim // STEP)


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def _round_rows(vectors: Any, centre: Any, panels: Any, scales: Any, norms: Any, lost: Any) -> None:
    N, dim = vectors.shape
    steps = (dim + STEP - 1) // STEP
    panels[:] = 128
    for row in range(N):
        most = 0.0
        for d in range(dim):
            most = max(most, abs(np.float64(vectors[row, d]) - np.float64(centre[d])))
        scale = np.float64(np.float32(most / 127)) if _SMALLEST < most / 127 < _LARGEST else 0.0
        at = row // GROUP * GROUP * steps * STEP + row % GROUP * STEP
        kept = left = 0.0
        for d in range(dim):
            value = np.float64(vectors[row, d]) - np.float64(centre[d])
            byte = min(max(np.rint(value / scale), -127.0), 127.0) if scale > 0 else 0.0
            panels[at + d // STEP * GROUP * STEP + d % STEP] = np.uint8(byte + 128)
            kept += (scale * byte) ** 2
            left += (value - scale * byte) ** 2
        scales[row], norms[row], lost[row] = np.float32(scale), np.sqrt(kept), np.sqrt(left)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def round_query(query: Any, centre: Any, bytes_: Any, rounded: Any) -> None:
    """Round a query, less the centre, to bytes.

    Parameters
    ----------
    query, centre : array
        float32, as many as a multiple of 16, what exceeds dim being 0.
    bytes_ : array
        uint8 of that size, written to: int8, in fact.
    rounded : record
        `QUERY`, written to.
    """
    least = splat(f32x16, 0)
    most = least
    for d in range(0, query.size, 16):
        x = load(f32x16, query, d) - load(f32x16, centre, d)
        most = maximum(maximum(x, least - x), most)
    top = np.float64(highest(most))
    scale = np.float32(top / 127) if _SMALLEST < top / 127 < _LARGEST else np.float32(0)
    inverse = np.float32(1 / np.float64(scale)) if scale > 0 else np.float32(0)
    times, back, up = splat(f32x16, inverse), splat(f32x16, scale), splat(f32x16, _ROUNDING)
    shift, kept, left = splat(f32x16, 0), splat(f32x16, 0), splat(f32x16, 0)
    for d in range(0, query.size, 16):
        x = load(f32x16, query, d) - load(f32x16, centre, d)
        raised = x * times + up
        byte = raised - up
        store(bytes_, d, convert(u8x16, reinterpret(i32x16, raised)))
        off = x - byte * back
        shift, kept, left = shift + byte, multiply_add(byte, byte, kept), multiply_add(off, off, left)
    # float32 sums of at most 16 + size / 16 positive terms, and components that were rounded before: see the margins.
    wider = 1 + (query.size / 16 + 40) * 2.0**-23
    norm = np.sqrt(np.float64(total(kept)) * wider) * scale
    lost = np.sqrt(np.float64(total(left)) * wider + 1e-37 * query.size)
    rounded.scale, rounded.shift = scale, 128 * np.int64(total(shift))
    rounded.kept = np.float64(total(kept)) * np.float64(scale) ** 2
    rounded.norm = (norm + lost) * (1 + 2.0**-20)
    rounded.lost = lost + rounded.norm * 2.0**-20


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def _finish(out: Any, at: Any, sums: Any, rows: Any, terms: Any) -> None:
    """Write ``of_base base - of_product scale (sums - shift)`` for 16 rows."""
    base, scales, row = rows
    shift, of_product, of_base = terms
    products = convert(f32x16, sums - splat(i32x16, shift)) * splat(f32x16, -of_product)
    fixed = load(f32x16, base, row) * splat(f32x16, of_base)
    store(out, at, multiply_add(products, load(f32x16, scales, row), fixed))


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def estimate(panels: Any, steps: Any, rows: Any, query: Any, terms: Any, out: Any) -> None:
    """Write estimates of as many rows as `out` has items, a multiple of `GROUP`.

    Parameters
    ----------
    panels : array
        uint8, of `panels_of`.
    steps : int
        Steps of four components.
    rows : (array, array, int)
        ``(base, scales, first)``, float32 by row, padded to whole groups; the first row, a multiple of `GROUP`.
    query : array
        int32: the bytes of `round_query`, four at a time.
    terms : (int, float32, float32)
        ``(shift, of_product, of_base)``: an estimate is ``of_base base - of_product scale (a . b)`` in float32, where
        ``of_product scale (a . b)`` is rounded twice, ``of_base base`` once, and their difference once.
    out : array
        float32, written to.
    """
    base, scales, first = rows
    at = np.uint64(first) * np.uint64(steps) * np.uint64(STEP)
    for row in range(0, out.size, GROUP):
        a = b = c = d = splat(i32x16, 0)
        for j in range(np.uint64(steps)):
            q = reinterpret(u8x64, splat(i32x16, query[j]))
            a = add_products(a, load(u8x64, panels, at), q)
            b = add_products(b, load(u8x64, panels, at + np.uint64(64)), q)
            c = add_products(c, load(u8x64, panels, at + np.uint64(128)), q)
            d = add_products(d, load(u8x64, panels, at + np.uint64(192)), q)
            at += np.uint64(256)
        for i, sums in enumerate((a, b, c, d)):
            _finish(out, row + 16 * i, sums, (base, scales, first + row + 16 * i), terms)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def estimate_four(panels: Any, steps: Any, rows: Any, queries: Any, terms: Any, out: Any) -> None:
    """Do so for `TOGETHER` queries: int32 (4, steps), four tuples of terms, and float32 (4, n)."""
    base, scales, first = rows
    one, two, three, four = queries[0], queries[1], queries[2], queries[3]
    at = np.uint64(first) * np.uint64(steps) * np.uint64(STEP)
    for row in range(0, out.shape[1], GROUP):
        a = b = c = d = e = f = g = h = i = j = k = m = n = o = p = q = splat(i32x16, 0)
        for t in range(np.uint64(steps)):
            w, x = load(u8x64, panels, at), load(u8x64, panels, at + np.uint64(64))
            y, z = load(u8x64, panels, at + np.uint64(128)), load(u8x64, panels, at + np.uint64(192))
            s = reinterpret(u8x64, splat(i32x16, one[t]))
            a, b, c, d = add_products(a, w, s), add_products(b, x, s), add_products(c, y, s), add_products(d, z, s)
            s = reinterpret(u8x64, splat(i32x16, two[t]))
            e, f, g, h = add_products(e, w, s), add_products(f, x, s), add_products(g, y, s), add_products(h, z, s)
            s = reinterpret(u8x64, splat(i32x16, three[t]))
            i, j, k, m = add_products(i, w, s), add_products(j, x, s), add_products(k, y, s), add_products(m, z, s)
            s = reinterpret(u8x64, splat(i32x16, four[t]))
            n, o, p, q = add_products(n, w, s), add_products(o, x, s), add_products(p, y, s), add_products(q, z, s)
            at += np.uint64(256)
        places = (base, scales, first + row)
        _finish_group(out[0], row, (a, b, c, d), places, terms[0])
        _finish_group(out[1], row, (e, f, g, h), places, terms[1])
        _finish_group(out[2], row, (i, j, k, m), places, terms[2])
        _finish_group(out[3], row, (n, o, p, q), places, terms[3])


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def _finish_group(out: Any, at: Any, group: Any, rows: Any, terms: Any) -> None:
    base, scales, row = rows
    for i, sums in enumerate(group):
        _finish(out, at + 16 * i, sums, (base, scales, row + 16 * i), terms)


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def find(estimates: Any, lost: Any, first: Any, slack: Any, limit: Any, blocks: Any) -> Any:
    """List the blocks of 64 rows that hold a row with ``estimate - slack lost <= limit``.

    Parameters
    ----------
    estimates : array
        float32, its size a multiple of 64.
    lost : array
        float32 by row.
    first : int
        The row of the first estimate.
    slack, limit : float32
        See above.
    blocks : array
        uint64 (estimates.size / 64 + 1, 2), written to: a bit for each row, and the block's first row.

    Returns
    -------
    found : int
        How many blocks are listed.
    near : int
        How many rows.
    """
    less, most = splat(f32x16, -slack), splat(f32x16, limit)
    found, near = 0, 0
    for i in range(0, estimates.size, 64):
        mask = np.uint64(0)
        for j in range(0, 64, 16):
            bound = multiply_add(load(f32x16, lost, first + i + j), less, load(f32x16, estimates, i + j))
            mask |= bits(bound <= most) << np.uint64(j)
        blocks[found, 0], blocks[found, 1] = mask, np.uint64(first + i)  # counted or not: no branch to mispredict
        found += mask != np.uint64(0)
        near += count_ones(mask)
    return found, near


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]  # numba ships no types
def rank(estimates: Any, wanted: Any, count: Any) -> Any:
    """Return a limit within which at least `wanted` estimates are, seldom half as many more.

    Of `count` rows; what is behind them is +inf. Where `wanted` is not below `count`, all finite ones are within.
    """
    infinite = splat(f32x16, np.inf)
    least, most = infinite, splat(f32x16, -np.inf)
    for i in range(0, estimates.size, 16):
        here = load(f32x16, estimates, i)
        least = minimum(least, here)
        most = maximum(most, select(here < infinite, here, most))
    low, high = lowest(least), highest(most)
    if wanted >= count:
        return high
    for _ in range(24):
        middle = low + (high - low) * np.float32(0.5)
        top, near = splat(f32x16, middle), 0
        for i in range(0, estimates.size, 16):
            near += count_ones(bits(load(f32x16, estimates, i) <= top))
        if near < wanted:
            low = middle
        else:
            high = middle
            if near <= wanted + wanted // 2:
                break
    return high
