"""`posting-intersect` in JAX: the shortest list searched in the others, from a directory that says where to begin.

It must be right for any lists, and nowhere slower than the portable kernel under `jax.jit`.

- The range of ids of every list is cut into as many equal *buckets*, about one for each id of the longest list. A
  directory says where in its list each bucket begins, so that a search takes two look-ups and then bisects one bucket:
  3 steps where ids are spread evenly, instead of 14. However unevenly they are, it is no more than a plain bisection.
- The number of steps is the length of an array of the state, hence known when the kernel is compiled: written out, they
  become one loop over the ids wanted, which a step of `lax.fori_loop` would go through again and again.
- Lists are read where they lie. The portable kernel copies each to a window, as long as the longest list even where a
  hundred ids are wanted.
- What is found is written straight to its place, without a list of positions in between.
- Few ids of many rows are searched for together, many ids row by row, whose arrays then stay in the cache.
"""

import math
from typing import Any

from jax import lax
from jax import numpy as jnp

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_LARGEST = 2**31 - 1
_TOGETHER = 1 << 14  # ids that are searched for at once


def prepare(xp: Any, data: Data, *, capacity: int, shortest: int, longest: int) -> Tree:
    """Turn the ids into keys, and draw up the directory.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``ids`` uint32 (P,) and ``offsets`` int32 (lists + 1,).
    capacity : int
        Not used here; statics are given alike to `prepare` and `run`.
    shortest, longest : int
        See `portable.py`.

    Returns
    -------
    dict of arrays
        ``keys`` int32 (P + shortest,), padded; ``offsets`` as given; ``least`` int32 (lists,), a list's first key, and
        ``shifts`` uint32 (lists,), by which a difference to it is shifted to be the number of its bucket; ``directory``
        int32 (lists, buckets + 1), where in its list each bucket begins; ``steps`` bool, as long as a search in one.
    """
    del capacity
    offsets = data["offsets"]
    buckets = 1 << max(longest - 1, 1).bit_length()
    keys = xp.pad(ops.ordered(xp, data["ids"]), (0, max(shortest, 1)), constant_values=_LARGEST)
    least, most = keys[offsets[:-1]], keys[xp.maximum(offsets[1:] - 1, offsets[:-1])]
    used = 32 - lax.clz(_difference(most, least))
    shifts = xp.maximum(used, buckets.bit_length() - 1) - (buckets.bit_length() - 1)
    shifts = lax.bitcast_convert_type(shifts.astype(xp.int32), xp.uint32)
    count = data["ids"].shape[0]
    lists = xp.arange(offsets.shape[0] - 1, dtype=xp.int32)
    owner = xp.repeat(lists, offsets[1:] - offsets[:-1], total_repeat_length=count)
    bucket = (_difference(keys[:count], least[owner]) >> shifts[owner]).astype(xp.int32)
    sizes = xp.zeros((offsets.shape[0] - 1, buckets), dtype=xp.int32).at[owner, bucket].add(1)
    directory = xp.pad(xp.cumsum(sizes, axis=1, dtype=xp.int32), ((0, 0), (1, 0)))
    steps = int(xp.max(sizes)).bit_length()
    return {
        "keys": keys,
        "offsets": offsets,
        "least": least,
        "shifts": shifts,
        "directory": directory,
        "steps": xp.zeros((steps,), dtype=xp.bool_),
    }


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int, shortest: int, longest: int) -> tuple[Array, Array]:
    """Find the common ids of each row's lists; arguments and results are those of ``run`` in `portable.py`."""
    del longest
    nq = query.shape[0]
    if nq * shortest <= _TOGETHER:
        found, counts = _common(state, query, capacity, shortest)
    else:
        found, counts = lax.map(lambda row: _common(state, row[None, :], capacity, shortest), query)
        found, counts = found[:, 0], counts[:, 0]
    return ops.unordered(xp, found), counts


def _difference(key: Array, least: Array) -> Array:
    """Return how far a key lies above another, as uint32."""
    return lax.bitcast_convert_type(key - least, jnp.uint32)


def _common(state: Tree, numbers: Array, capacity: int, shortest: int) -> tuple[Array, Array]:
    """Answer some rows of a query (q, K): keys (q, capacity) and counts (q,), both int32."""
    keys, offsets = state["keys"], state["offsets"]
    rows, K = numbers.shape
    lengths = _at(offsets, numbers + 1) - _at(offsets, numbers)
    first = jnp.argmin(lengths, axis=1, keepdims=True).astype(jnp.int32)
    turned = (first + jnp.arange(K, dtype=jnp.int32)) % K  # the shortest list in front
    numbers, lengths = (jnp.take_along_axis(part, turned, axis=1) for part in (numbers, lengths))
    own = jnp.arange(shortest, dtype=jnp.int32)
    wanted = _at(keys, _at(offsets, numbers[:, :1]) + own)
    kept = own < lengths[:, :1]
    for j in range(1, K):
        kept = kept & _among(state, numbers[:, j : j + 1], wanted)
    running = ops.cumsum32(jnp, kept)
    counts = running[:, -1]
    place = jnp.where(kept, running - 1, capacity)
    row = jnp.arange(rows, dtype=jnp.int32)[:, None]
    found = jnp.full((rows, capacity), _LARGEST, dtype=jnp.int32).at[row, place].set(wanted, mode="drop")
    return found, counts


def _among(state: Tree, number: Array, wanted: Array) -> Array:
    """Say of each key (q, n) whether it is in the list that its row's `number` (q, 1) names."""
    keys, directory = state["keys"], state["directory"]
    width = directory.shape[1]
    bucket = _difference(wanted, _at(state["least"], number)) >> _at(state["shifts"], number)
    place = number * width + jnp.minimum(bucket, jnp.uint32(width - 2)).astype(jnp.int32)
    flat = directory.reshape(math.prod(directory.shape))
    low, end = _at(flat, place), _at(flat, place + 1)
    start, high = _at(state["offsets"], number), end
    for _ in range(state["steps"].shape[0]):
        middle = (low + high) >> 1
        below = (low < high) & (_at(keys, start + middle) < wanted)
        low, high = jnp.where(below, middle + 1, low), jnp.where(below, high, middle)
    return (low < end) & (_at(keys, start + low) == wanted)


def _at(values: Array, places: Array) -> Array:
    """Look up; every place is inside, also where a bucket or a list is empty, since keys are padded."""
    return values.at[places].get(mode="promise_in_bounds")
