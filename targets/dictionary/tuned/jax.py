"""`dictionary` in JAX: what is found is masked in the end, and on the CPU strings are written one after the other.

- Fixed-width values: XLA's gather clamps every place, so a null's code may be followed and its words cut off by a mask
  of bits, made of the bitmap. The dictionary is padded to 256 entries, since then XLA knows that a code of one byte
  needs no clamp.
- Strings, on a CPU: a loop writes each in pieces of 128 bytes, zeros behind its end, which the next one overwrites. XLA
  does this in place, at some ten nanoseconds a piece; all else asks something of every byte.
- Strings, elsewhere: each byte comes from one place further than the byte before it, but where a string begins. So the
  jumps are scattered to where strings begin, and one running sum gives every byte its place.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_MANY = 256  # entries that a code of one byte names
_PIECE = 128  # bytes of a string written at once


def prepare(xp: Any, data: Data, *, kind: str, capacity: int) -> Tree:
    """Pad the dictionary.

    Returns
    -------
    dict of arrays
        ``values`` int32 (K, W), of 256 entries or more; or ``starts`` and ``lengths`` int32 (K + 1,), the last entry
        empty, and ``bytes`` uint8 with zeros behind the strings.
    """
    del xp, capacity
    if kind == "fixed":
        missing = max(0, _MANY - data["values"].shape[0])
        return {"values": jnp.pad(data["values"], ((0, missing), (0, 0)))}
    offsets = data["offsets"]
    return {
        "starts": jnp.pad(offsets[:-1], (0, 1)),
        "lengths": jnp.pad(jnp.diff(offsets), (0, 1)),
        "bytes": jnp.pad(data["bytes"], (0, _PIECE)),
    }


def run(xp: Any, state: Tree, query: Query, /, *, kind: str, capacity: int) -> tuple[Array, ...]:
    """Decode a page; arguments and results are those of ``run`` in `portable.py`."""
    codes = lax.convert_element_type(query["codes"], jnp.int32)
    if kind == "fixed":
        return (_at(state["values"], codes) & _kept(query["validity"], codes.shape[0])[:, None],)
    valid = ops.unpack_bits(xp, query["validity"], codes.shape[0])
    entries = jnp.where(valid, codes, state["starts"].shape[0] - 1)
    starts, lengths = _at(state["starts"], entries), _at(state["lengths"], entries)
    ends = ops.cumsum32(xp, lengths)
    offsets = jnp.pad(ends, (1, 0))
    octets = lax.platform_dependent(
        state["bytes"],
        starts,
        lengths,
        offsets,
        cpu=functools.partial(_by_strings, capacity=capacity),
        default=functools.partial(_by_bytes, capacity=capacity),
    )
    return octets, offsets, ends[-1]


def _kept(validity: Array, n: int) -> Array:
    """Return int32 (n,): all bits set, or none for a null."""
    bits = (validity[: -(-n // 8), None] >> jnp.arange(8, dtype=jnp.uint8)[None, :]) & 1
    return -bits.astype(jnp.int32).reshape(-1)[:n]


def _by_strings(octets: Array, starts: Array, lengths: Array, offsets: Array, *, capacity: int) -> Array:
    """Return the strings' bytes, written in order."""
    n, along = starts.shape[0], lax.iota(jnp.int32, _PIECE)

    def write(place: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        i, done, out = place
        left = _at(lengths, i) - done
        piece = lax.dynamic_slice_in_dim(octets, _at(starts, i) + done, _PIECE)
        piece = jnp.where(along < left, piece, jnp.uint8(0))
        # A piece behind the room for it is moved to the last one of all, which is cut off.
        out = lax.dynamic_update_slice_in_dim(out, piece, _at(offsets, i) + done, 0)
        more = left > _PIECE
        return jnp.where(more, i, i + 1), jnp.where(more, done + _PIECE, 0), out

    begin = jnp.int32(0), jnp.int32(0), jnp.zeros(capacity + _PIECE, jnp.uint8)
    return lax.while_loop(lambda place: place[0] < n, write, begin)[2][:capacity]


def _by_bytes(octets: Array, starts: Array, lengths: Array, offsets: Array, *, capacity: int) -> Array:
    """Return the strings' bytes, each from its own place."""
    del lengths
    jumps = jnp.diff(starts - offsets[:-1], prepend=0)
    away = jnp.cumsum(jnp.zeros(capacity, jnp.int32).at[offsets[:-1]].add(jumps, mode="drop"), dtype=jnp.int32)
    along = lax.iota(jnp.int32, capacity)
    return _at(octets, jnp.where(along < offsets[-1], away + along, octets.shape[0] - 1))


def _at(array: Array, places: Array) -> Array:
    return array.at[places].get(mode="promise_in_bounds")
