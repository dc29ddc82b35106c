"""`topk-merge` in JAX: `lax.top_k` on scores, and ids only where scores tie.

It must give the k best in one order, whatever the runs, and nowhere take longer than the portable kernel under
`jax.jit`. `lax.top_k` sorts float32 by a heap of k, leaves ties to the position and is the one fast selection that XLA
has on a CPU; integers it sorts in full.

- Of R runs only the k with the best first items hold one of the k best.
- Of a long run only few blocks matter: each begins with its best item, and beyond the first ``k / b`` blocks of b that
  lie wholly among the k best, each run has one more at most. So the ``k / b + R`` blocks with the best first items are
  looked at.
- Each of these selections, and the last one, is by score first. Where no two of the k + 1 best scores are equal, that
  is all; else the last score's items are told apart by id, by bisection, and the k are sorted by both.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

_INT32_MAX = 2**31 - 1
_BLOCK = 16
_PAIRS = 512  # so many items are sorted as pairs
_FEWEST = 4  # how many times fewer items blocks must leave, to be worth their own selection


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Return an empty state, as ``prepare`` in `portable.py` does."""
    del xp, data, k
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Merge the runs of each query; arguments and results are those of ``run`` in `portable.py`."""
    del state
    _, runs, length = query["scores"].shape
    seen, found = min(k, length), min(k, runs * length)
    bits = lax.bitcast_convert_type(query["scores"][:, :, :seen], jnp.int32)
    names = ops.ordered(xp, query["ids"][:, :, :seen])
    bits, names = lax.map(lambda pair: _merge(*pair, k=found), (bits, names))
    missing = ((0, 0), (0, k - found))
    scores = jnp.pad(lax.bitcast_convert_type(bits, jnp.float32), missing, constant_values=-jnp.inf)
    return scores, jnp.pad(ops.unordered(xp, names), missing, constant_values=jnp.uint32(NO_ID))


def _merge(bits: Array, names: Array, *, k: int) -> tuple[Array, Array]:
    """Return the int32 words (k,) of the k best items of runs (R, L)."""
    R, L = bits.shape
    if k < R:
        runs = _best(bits[:, 0], names[:, 0], k)
        bits, names, R = bits[runs], names[runs], k
    wanted = -(-k // _BLOCK) + R
    blocks = L // _BLOCK
    rest = L - blocks * _BLOCK
    if _FEWEST * (wanted * _BLOCK + R * rest) <= R * L:
        cut = blocks * _BLOCK
        heads = [part[:, :cut:_BLOCK].ravel() for part in (bits, names)]
        chosen = _best(heads[0], heads[1], wanted)
        whole = [part[:, :cut].reshape(-1, _BLOCK)[chosen] for part in (bits, names)]
        pairs = zip(whole, (bits, names), strict=True)
        bits, names = (jnp.concatenate([some.ravel(), part[:, cut:].ravel()]) for some, part in pairs)
    else:
        bits, names = bits.ravel(), names.ravel()
    chosen = _best(bits, names, k)
    return bits[chosen], names[chosen]


def _best(bits: Array, names: Array, k: int) -> Array:
    """Return the int32 positions of the k best of n items, in order."""
    n = bits.size
    key = jnp.where(bits < 0, bits & _INT32_MAX, -bits)
    if 2 * k > n:
        return _in_order(key, names)[:k]
    equal = jnp.where(bits == -_INT32_MAX - 1, 0, bits)  # `lax.top_k` would put 0.0 above -0.0
    # Without the border XLA takes what is sliced off below for part of the selection, and sorts all n to get it.
    top, positions = lax.optimization_barrier(lax.top_k(lax.bitcast_convert_type(equal, jnp.float32), k + 1))
    top = lax.bitcast_convert_type(top, jnp.int32)  # floats that XLA compares are flushed
    apart = functools.partial(_apart, k=k)
    return lax.cond(jnp.any(top[1:] == top[:-1]), apart, lambda *_: positions[:k], key, names, key[positions[k - 1]])


def _apart(key: Array, names: Array, threshold: Array, *, k: int) -> Array:
    """Return the positions of the k smallest pairs of key and name, in order; `threshold` is the last one's key."""
    before, tied = key < threshold, key == threshold
    last = ops.kth_smallest(jnp, jnp.where(tied, names, _INT32_MAX), k - ops.count(jnp, before))
    chosen, _ = ops.compact(jnp, before | (tied & (names <= last)), k, 0)
    return chosen[_in_order(key[chosen], names[chosen])]


def _in_order(key: Array, names: Array) -> Array:
    """Return the positions of all pairs in ascending order; XLA sorts one array far more quickly than two."""
    if key.size <= _PAIRS:
        return _sorted(key, names)
    ascending = lax.sort(key)
    places = _find(ascending, key)
    return lax.cond(jnp.any(ascending[1:] == ascending[:-1]), _by_both, _inverse, places, names)


def _sorted(key: Array, names: Array) -> Array:
    """Return the same by sorting pairs."""
    return lax.sort((key, names, jnp.arange(key.size, dtype=jnp.int32)), num_keys=2)[2]


def _find(ascending: Array, values: Array) -> Array:
    """Return where each value stands first."""
    return jnp.searchsorted(ascending, values).astype(jnp.int32)


def _inverse(places: Array, _: Array | None = None) -> Array:
    """Return which position has which place; all places differ."""
    positions = jnp.arange(places.size, dtype=jnp.int32)
    return jnp.zeros_like(places).at[places].set(positions, unique_indices=True, mode="promise_in_bounds")


def _by_both(places: Array, names: Array) -> Array:
    """Return the positions by place, then by name: as one number of both where there is room for it."""
    width = places.size.bit_length()
    if 2 * width > 31:
        return _sorted(places, names)
    ranks = _find(lax.sort(names), names)
    return _inverse(ranks)[lax.sort((places << width) | ranks) & ((1 << width) - 1)]
