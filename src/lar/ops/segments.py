"""Positions, counts and segments: ``nonzero``, ``repeat`` and their like, of sizes known before the data is."""

from typing import Any

from lar.contracts import Array
from lar.ops._dispatch import device_of, resolve


def iota(xp: Any, n: int, like: Array) -> Array:
    """Return int32 0..n-1 on the device of `like`."""
    return xp.arange(n, dtype=xp.int32, device=device_of(like))


def count(xp: Any, mask: Array) -> Array:
    """Count the True values along the last axis, as int32; the standard's own sum and count widen to int64."""
    name, xp = resolve(xp)
    if name in {"numpy", "torch", "cupy"}:
        axis = None if mask.ndim == 1 else -1  # NumPy is several times slower when it is told the only axis
        return xp.astype(xp.asarray(xp.count_nonzero(mask, axis=axis)), xp.int32)
    return xp.asarray(xp.sum(xp.astype(mask, xp.int32), axis=-1, dtype=xp.int32))


def cumsum32(xp: Any, x: Array) -> Array:
    """Sum up along the last axis, inclusively, in int32 that wraps; `x` is int32, uint8 or bool."""
    name, xp = resolve(xp)
    if name == "jax":
        from lar.ops import _jax

        summed: Array = _jax.running_sum(xp.astype(x, xp.int32))
        return summed
    return xp.cumulative_sum(xp.astype(x, xp.int32), axis=-1, dtype=xp.int32)


def compact(xp: Any, mask: Array, size: int, fill: int) -> tuple[Array, Array]:
    """Find the True values of a mask: ``nonzero`` of a stated size.

    O(n) where the library lets a shape depend on data or scatters; else O(n + size log n), by searching the running
    count for 1, 2, ... The second also where asking for the number would make the host wait for the device.

    Parameters
    ----------
    xp : module
        The array namespace.
    mask : array
        bool (n,).
    size : int
        How many positions to return; those beyond it are dropped.
    fill : int
        What stands behind the last position.

    Returns
    -------
    positions : array
        int32 (size,), ascending, then `fill`.
    number : array
        0-d int32: how many values are True; above `size` it tells of the overflow.
    """
    name, xp = resolve(xp)
    n = mask.shape[0]
    device = device_of(mask)
    if name in {"numpy", "torch"}:
        hits = xp.astype(xp.nonzero(mask)[0], xp.int32)
        number = hits.shape[0]
        if number < size:
            hits = xp.concat([hits, xp.full((size - number,), fill, dtype=xp.int32, device=device)])
        return hits[:size], xp.asarray(number, dtype=xp.int32, device=device)
    if n == 0 or size == 0:
        return xp.full((size,), fill, dtype=xp.int32, device=device), count(xp, mask)
    running = cumsum32(xp, mask)
    number = running[-1, ...]
    if name == "jax":
        slot = xp.where(mask, running - 1, size)
        positions = xp.full((size,), fill, dtype=xp.int32).at[slot].set(iota(xp, n, mask), mode="drop")
        return positions, number
    wanted = iota(xp, size, mask) + 1
    positions = xp.astype(xp.searchsorted(running, wanted, side="left"), xp.int32)
    return xp.where(wanted <= number, positions, fill), number


def expand(xp: Any, counts: Array, size: int) -> Array:
    """Name the owner of each slot when owner i has ``counts[i]`` slots in a row: ``repeat`` of a stated size.

    Parameters
    ----------
    xp : module
        The array namespace.
    counts : array
        int32 (n,), n >= 1, none negative, the sum below 2**31.
    size : int
        How many slots to return; those beyond it are dropped.

    Returns
    -------
    array
        int32 (size,); slots that nobody owns are given to the last owner, n - 1.
    """
    name, xp = resolve(xp)
    last = counts.shape[0] - 1
    if name in {"numpy", "torch"}:
        owners = xp.repeat(iota(xp, last + 1, counts), counts)[:size]
        missing = size - owners.shape[0]
        if missing == 0:
            return owners
        return xp.concat([owners, xp.full((missing,), last, dtype=xp.int32, device=device_of(counts))])
    ends = cumsum32(xp, counts)
    if name == "jax":  # mark where owners end and sum up; a search of every slot takes three times as long
        ended = xp.zeros((size,), dtype=xp.int32).at[ends].add(1, mode="drop")
        return xp.minimum(cumsum32(xp, ended), last)
    owners = xp.searchsorted(ends, iota(xp, size, counts), side="right")
    return xp.minimum(xp.astype(owners, xp.int32), last)  # `clip` of array_api_compat waits for a GPU


def running_max(xp: Any, x: Array) -> Array:
    """Return the inclusive running maximum of int32 (n,); O(n log n) by doubling where the library has none."""
    name, xp = resolve(xp)
    if name == "numpy":
        return xp.maximum.accumulate(x)
    if name == "torch":
        import torch

        return torch.cummax(x, 0)[0]
    if name == "jax":
        from lar.ops import _jax

        return _jax.running_max(x)
    step = 1
    while step < x.shape[0]:
        x = xp.concat([x[:step], xp.maximum(x[step:], x[:-step])])
        step *= 2
    return x


def segment_sum(xp: Any, values: Array, segments: Array, size: int) -> Array:
    """Add up the values of each segment.

    Without a scatter it is O(n log n): a stable sort by segment, then sums over twice, four times, ... the length
    within each segment. A difference of two prefix sums would lose float32's digits.

    Parameters
    ----------
    xp : module
        The array namespace.
    values : array
        float32 or int32 (n,).
    segments : array
        int32 (n,), in any order; a value whose segment is not in 0..size-1 is dropped.
    size : int
        Number of segments.

    Returns
    -------
    array
        (size,) of the dtype of `values`; 0 where a segment has none.
    """
    name, xp = resolve(xp)
    outside = (segments < 0) | (segments >= size)
    segments = xp.where(outside, size, segments)  # one segment more takes what is dropped: a negative index would wrap
    if name == "jax":
        return xp.zeros((size,), dtype=values.dtype).at[segments].add(values, mode="drop")
    sums = xp.zeros((size + 1,), dtype=values.dtype, device=device_of(values))
    if name in {"numpy", "cupy"}:
        xp.add.at(sums, segments, values)  # half the time of bincount, which widens to float64 as well
        return sums[:size]
    if name == "torch":
        return sums.index_add_(0, segments, values)[:size]
    n = values.shape[0]
    if n == 0:
        return sums[:size]
    order = xp.argsort(segments, stable=True)
    segments, values = xp.take(segments, order), xp.take(values, order)
    step = 1
    while step < n:
        before = xp.where(segments[step:] == segments[:-step], values[:-step], xp.zeros_like(values[:-step]))
        values = xp.concat([values[:step], values[step:] + before])
        step *= 2
    every = iota(xp, size, values)
    last = xp.maximum(xp.astype(xp.searchsorted(segments, every, side="right"), xp.int32) - 1, 0)
    return xp.where(xp.take(segments, last) == every, xp.take(values, last), sums[:size])
