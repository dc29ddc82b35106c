"""`bitpack` in JAX: formulations of which XLA makes vector loops.

The portable kernel takes the 32 values of all groups out one after the other and stacks them, which XLA writes as a
choice among 32 for every value. On the CPU (one core, jaxlib 0.10, measured):

- Plain: each value from its one or two words, found by its number. The loop is one, and LLVM makes two vector
  gathers of it: 0.5 ns a value; or none, where no value lies in two words.
- FastLanes: one row of 32 values of all blocks a step, written in place into what will be returned: 0.35 ns a value
  at any width. With the rows written out one behind the other, XLA copies each row of words that two of them share
  (0.3 ns for 3 bits, 0.7 for 31); as one gather by number it takes 0.7 ns.
"""

from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp

from lar.contracts import Array, Data, Query, Tree

_ROWS = np.array([8 * eight + s for s in range(8) for eight in (0, 2, 1, 3)])
"""The rows of a FastLanes block in the order in which its values stand."""


def prepare(xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
    """Keep nothing; arguments and result are those of ``prepare`` in `portable.py`."""
    del xp, data, width, n, layout
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
    """Unpack a page; arguments and result are those of ``run`` in `portable.py`."""
    del xp, state
    if layout == "plain":
        return (_by_number(query[: -(-n * width // 32)], width, n),)
    blocks = -(-n // 1024)
    return (_by_rows(query[: blocks * width * 32].reshape(blocks, width * 32), width).reshape(-1)[:n],)


def _by_number(words: Array, width: int, n: int) -> Array:
    """Return uint32 (n,): value i from the words that hold bit ``i width`` and the bits behind it."""
    place = lax.iota(jnp.uint32, n)
    bit = (place & 31) * jnp.uint32(width)  # within 32 values: those of a page would not fit 32 bits
    word = ((place >> 5) * jnp.uint32(width) + (bit >> 5)).astype(jnp.int32)
    low = words.at[word].get(mode="promise_in_bounds")
    high = words.at[jnp.minimum(word + 1, len(words) - 1)].get(mode="promise_in_bounds")
    return _joined(low, high, bit & 31, width)


def _by_rows(words: Array, width: int) -> Array:
    """Return uint32 (blocks, 1024) of (blocks, 32 width)."""
    word, shift = np.divmod(_ROWS * width, 32)
    table = jnp.asarray(np.stack([32 * word, 32 * np.minimum(word + 1, width - 1), shift]), jnp.int32)

    def row(i: Array, values: Array) -> Array:
        low, high = (lax.dynamic_slice_in_dim(words, table[part, i], 32, axis=1) for part in (0, 1))
        found = _joined(low, high, table[2, i].astype(jnp.uint32), width)
        return lax.dynamic_update_slice_in_dim(values, found, 32 * i, axis=1)

    return lax.fori_loop(0, 32, row, jnp.zeros((len(words), 1024), jnp.uint32))


def _joined(low: Array, high: Array, shift: Array, width: int) -> Array:
    """Return the `width` bits of two words, the lower one first, from bit `shift` on."""
    found = low >> shift
    if 32 % width:
        found = found | ((high << 1) << (31 - shift))  # by 1 to 32: a shift by 32 at once is undefined
    return found & jnp.uint32(2**width - 1)
