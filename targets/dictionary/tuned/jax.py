"""`dictionary` in JAX: gathers that are told that their places are in range, and strings found by what changes.

Each byte of the strings comes from a place that is one further than the place of the byte before it, but where a
string begins: there the place jumps. So the jumps are scattered to where strings begin, and one running sum gives every
byte its place. The portable kernel sums up whose a byte is and then asks that string.
"""

from typing import Any

from jax import lax
from jax import numpy as jnp

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, kind: str, capacity: int) -> Tree:
    """Put the entry of the nulls behind the others; as ``prepare`` in `portable.py`, values flattened.

    Returns
    -------
    dict of arrays
        ``values`` int32 (W, K + 1), a row for each word of the entries; or ``starts``, ``lengths`` and ``bytes``.
    """
    del xp, capacity
    if kind == "fixed":
        return {"values": jnp.pad(data["values"], ((0, 1), (0, 0))).T}
    offsets = data["offsets"]
    return {
        "starts": jnp.pad(offsets[:-1], (0, 1)),
        "lengths": jnp.pad(jnp.diff(offsets), (0, 1)),
        "bytes": jnp.pad(data["bytes"], (0, 1)),
    }


def run(xp: Any, state: Tree, query: Query, /, *, kind: str, capacity: int) -> tuple[Array, ...]:
    """Decode a page; arguments and results are those of ``run`` in `portable.py`."""
    codes = lax.convert_element_type(query["codes"], jnp.int32)
    valid = ops.unpack_bits(xp, query["validity"], codes.shape[0])
    if kind == "fixed":
        entries = jnp.where(valid, codes, state["values"].shape[1] - 1)
        return (jnp.stack([_at(row, entries) for row in state["values"]], axis=1),)
    entries = jnp.where(valid, codes, state["starts"].shape[0] - 1)
    ends = ops.cumsum32(xp, _at(state["lengths"], entries))
    offsets = jnp.pad(ends, (1, 0))
    away = _at(state["starts"], entries) - offsets[:-1]
    jumps = jnp.diff(away, prepend=0)
    places = jnp.zeros(capacity, jnp.int32).at[offsets[:-1]].add(jumps, mode="drop", indices_are_sorted=True)
    along = lax.iota(jnp.int32, capacity)
    places = jnp.where(along < ends[-1], ops.cumsum32(xp, places) + along, state["bytes"].shape[0] - 1)
    return _at(state["bytes"], places), offsets, ends[-1]


def _at(array: Array, places: Array) -> Array:
    return array.at[places].get(mode="promise_in_bounds")
