"""`predicate` in JAX: bitmaps are combined as bytes, and a byte of the mask becomes ids by a look-up.

It must be right for any data, take as long for one selectivity as for another, and be nowhere slower than the portable
kernel under `jax.jit`.

- Validity is never unpacked: what the terms say is packed and and-ed with the bitmaps, eight rows a byte.
- `nonzero` is a scatter in XLA, whose time on the CPU grows with what is selected: 1 ms for 0.5 % of a million rows,
  5 ms for 45 %. Here a loop goes over the bytes of the mask: a row of a table names the places of a byte's bits, eight
  ids are written, and the next byte's overwrite those that are none: 0.6 ms, whatever is selected. Unrolled eight times
  instead of four, it takes ten times as long.
- On other devices the loop would be hopeless, so there the ids are those of the portable kernel.
"""

import functools
from typing import Any

import numpy as np
from jax import lax
from jax import numpy as jnp
from lar.targets.predicate.form import CODES, Term, terms
from lar.targets.predicate.portable import matches

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_UNROLLED = 4
_BITS = (np.arange(256)[:, None] >> np.arange(8)) & 1
_PLACES = np.argsort(1 - _BITS, axis=1, kind="stable").astype(np.int32)
"""Of each byte the places of its bits that are set, and behind them the others."""


def prepare(xp: Any, data: Data, *, predicate: str) -> Tree:
    """Cut the bitmaps to the bytes that are needed.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        The columns and their bitmaps, as ``prepare`` in `portable.py` says.
    predicate : str
        The form.

    Returns
    -------
    dict of arrays
        The columns, and bitmaps of uint8 (ceil(n / 8),).
    """
    del xp
    size = -(-data["a"].shape[0] // 8)
    columns = {term.column: data[term.column] for term in terms(predicate)}
    return columns | {term.bitmap: data[term.bitmap][:size] for term in terms(predicate)}


def run(xp: Any, state: Tree, query: Query, /, *, predicate: str) -> tuple[Array, Array, Array]:
    """Return (mask, ids, count); arguments and results are those of ``run`` in `portable.py`."""
    del xp
    n = state["a"].shape[0]
    mask = functools.reduce(jnp.bitwise_and, (_bytes(state, query, term) for term in terms(predicate)))
    if n % 8:
        mask = mask.at[-1].set(mask[-1] & jnp.uint8(2 ** (n % 8) - 1))
    mask = lax.optimization_barrier(mask)  # or else the comparisons are fused into the loop, and made once more
    ids, count = lax.platform_dependent(
        mask, cpu=functools.partial(_ids_by_bytes, n=n), default=functools.partial(_ids_by_bits, n=n)
    )
    return mask, lax.bitcast_convert_type(ids, jnp.uint32), count


def _bytes(state: Tree, query: Query, term: Term) -> Array:
    """Return uint8 (ceil(n / 8),): a bit for each row, those behind row n - 1 may be anything."""
    valid, constants = state[term.bitmap], query[term.column]
    if term.operator == "is null":
        return jnp.where(constants == 1, ~valid, valid)
    found = matches(jnp, state[term.column], constants, term)
    return valid & (_packed(found) if term.kind in CODES else ops.pack_bits(jnp, found))


def _packed(found: Array) -> Array:
    """Pack bits as a sum of eight, which XLA fuses with a look-up; written as eight shifts it is eight loops."""
    rows = jnp.pad(found, (0, -found.shape[0] % 8)).reshape(-1, 8)
    return jnp.sum(rows.astype(jnp.int32) << jnp.arange(8, dtype=jnp.int32), axis=1, dtype=jnp.int32).astype(jnp.uint8)


def _ids_by_bytes(mask: Array, *, n: int) -> tuple[Array, Array]:
    """Return int32 (n,) and their number, by a loop over bytes."""
    places = jnp.asarray(_PLACES)

    def step(state: tuple[Array, Array], byte: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        (ids, count), (first, bits) = state, byte
        found = lax.dynamic_slice(places, (bits, jnp.int32(0)), (1, 8))[0] + first
        return (lax.dynamic_update_slice(ids, found, (count,)), count + lax.population_count(bits)), None

    firsts = 8 * jnp.arange(mask.shape[0], dtype=jnp.int32)
    begin = jnp.zeros((n + 8,), jnp.int32), jnp.int32(0)
    (ids, count), _ = lax.scan(step, begin, (firsts, mask.astype(jnp.int32)), unroll=_UNROLLED)
    return jnp.where(jnp.arange(n, dtype=jnp.int32) < count, ids[:n], -1), count


def _ids_by_bits(mask: Array, *, n: int) -> tuple[Array, Array]:
    """Return the same by the scatter of `lar.ops.compact`."""
    return ops.compact(jnp, ops.unpack_bits(jnp, mask, n), n, -1)
