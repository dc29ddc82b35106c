"""`fsst` in JAX: on the CPU a loop over the codes that stores eight bytes each, elsewhere the portable kernel.

XLA compiles a small loop to one function and updates what it carries in place, so that a code takes a few nanoseconds:
a quarter of what the portable kernel's scatter and its two running sums take, and that is before it looks up a single
byte. A GPU would go through the same loop a code at a time, so there the portable formulation stands.

The text is carried with eight bytes more than are returned, which a symbol may overhang. `lax.dynamic_update_slice`
moves what would lie behind the end to the last eight bytes, and so those take all that exceeds the capacity.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp
from lar.targets.fsst import portable

from lar.contracts import Array, Data, Query, Tree

_ESCAPE, _BYTES, _WIDTH = 255, 256, 8
_NONE = 2 * _BYTES
"""The code of what lies behind the last string: it has no bytes."""
_UNROLLED = 4  # with 16, XLA copies the text at every step


def prepare(xp: Any, data: Data, *, capacity: int) -> Tree:
    """Lay the table out.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``symbols`` uint8 (S, 8) and ``lengths`` uint8 (S,).
    capacity : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        What ``prepare`` of `portable.py` returns, and ``symbols`` uint8 (513, 8) with ``widths`` int32 (513,): of
        codes, of escaped bytes from 256 on, and of nothing.
    """
    missing = _BYTES - data["lengths"].shape[0]
    every = xp.arange(_BYTES, dtype=xp.uint8)
    symbols = xp.concatenate(
        [
            xp.pad(data["symbols"], ((0, missing), (0, 0))),
            xp.pad(every[:, None], ((0, 0), (0, _WIDTH - 1))),
            xp.zeros((1, _WIDTH), xp.uint8),
        ]
    )
    one, none = xp.ones(_BYTES, xp.int32), xp.zeros(1, xp.int32)
    widths = xp.concatenate([xp.pad(data["lengths"].astype(xp.int32), (0, missing)), one, none])
    return {**portable.prepare(xp, data, capacity=capacity), "symbols": symbols, "widths": widths}


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int) -> tuple[Array, Array]:
    """Decode a page; arguments and results are those of ``run`` in `portable.py`."""
    text, ends = lax.platform_dependent(
        state,
        query,
        cpu=functools.partial(_in_turn, capacity=capacity),
        default=functools.partial(portable.run, xp, capacity=capacity),
    )
    return text, ends


def _in_turn(state: Tree, query: Query, *, capacity: int) -> tuple[Array, Array]:
    """Decode code by code."""
    codes, offsets, symbols, widths = query["codes"], query["offsets"], state["symbols"], state["widths"]
    place = lax.iota(jnp.int32, len(codes))
    codes = jnp.where(place < offsets[-1], codes.astype(jnp.int16), jnp.int16(_NONE))

    def step(carried: tuple[Array, Array, Array], code: Array) -> tuple[tuple[Array, Array, Array], Array]:
        text, written, escaped = carried
        at = code.astype(jnp.int32) + escaped
        text = lax.dynamic_update_slice(text, lax.dynamic_slice(symbols, (at, 0), (1, _WIDTH))[0], (written,))
        return (text, written + widths[at], jnp.where(at == _ESCAPE, _BYTES, 0).astype(jnp.int32)), written

    begin = jnp.zeros(capacity + _WIDTH, jnp.uint8), jnp.int32(0), jnp.int32(0)
    (text, written, _), starts = lax.scan(step, begin, codes, unroll=_UNROLLED)
    inside = lax.iota(jnp.int32, capacity) < written
    return jnp.where(inside, text[:capacity], jnp.uint8(0)), jnp.append(starts, written)[offsets]
