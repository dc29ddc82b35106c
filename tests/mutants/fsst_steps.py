"""`fsst` in steps, each of which a variant may do in another way, right or wrong.

`layout` lays out 512 symbols, those from 256 on for escaped bytes; `find` tells escapes and escaped bytes; `name` says
which symbol each code stands for, `width` how many bytes of text it makes; `own` says which code makes each byte,
`place` which byte of its symbol that is, `clear` what stands behind the text, `end` where strings do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

ESCAPE, BYTES, WIDTH = 255, 256, 8


def layout(xp: Any, data: Data) -> Tree:
    """Return ``symbols`` int32 (512, 8) and ``lengths`` int32 (512,)."""
    device = ops.device_of(data["symbols"])
    known = data["lengths"].shape[0]
    missing = BYTES - known
    every = xp.reshape(xp.arange(BYTES, dtype=xp.int32, device=device), (-1, 1))
    zeros = xp.zeros((BYTES, WIDTH - 1), dtype=xp.int32, device=device)
    rows = [
        xp.astype(data["symbols"], xp.int32),
        xp.zeros((missing, WIDTH), dtype=xp.int32, device=device),
        xp.concat([every, zeros], axis=1),
    ]
    lengths = [
        xp.astype(data["lengths"], xp.int32),
        xp.zeros((missing,), dtype=xp.int32, device=device),
        xp.ones((BYTES,), dtype=xp.int32, device=device),
    ]
    return {"symbols": xp.concat(rows, axis=0), "lengths": xp.concat(lengths)}


def shifted(xp: Any, mask: Array, by: int = 1) -> Array:
    """Move a mask towards its end."""
    if mask.shape[0] < by:
        return xp.zeros_like(mask)
    return xp.concat([xp.zeros((by,), dtype=xp.bool, device=ops.device_of(mask)), mask[: mask.shape[0] - by]])


def find(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Return which codes are escapes and which are escaped: of a run of 255, the first, third, ... are escapes."""
    place = ops.iota(xp, codes.shape[0], codes)
    full = codes == ESCAPE
    last = ops.running_max(xp, xp.where(full, -1, place))
    escape = full & (((place - last) & 1) == 1)
    return escape, shifted(xp, escape)


def name(xp: Any, codes: Array, escape: Array, literal: Array) -> Array:
    """Return which of 512 symbols each code stands for."""
    return xp.where(literal, codes + BYTES, codes)


def width(xp: Any, state: Tree, names: Array, place: Array, total: Array) -> Array:
    """Return how many bytes of text each code makes: none behind the last string."""
    return xp.where(place < total, xp.take(state["lengths"], names), 0)


def own(xp: Any, widths: Array, starts: Array, capacity: int) -> Array:
    """Return which code makes each byte of the text."""
    return ops.expand(xp, widths, capacity)


def place(xp: Any, names: Array, within: Array) -> Array:
    """Return which byte of all symbols' a byte of the text is."""
    return names * WIDTH + within


def clear(xp: Any, text: Array, at: Array, end: Array) -> Array:
    """Put zeros behind the text."""
    return xp.where(at < end, text, 0)


def end(xp: Any, starts: Array, offsets: Array, capacity: int) -> Array:
    """Return the offsets of the strings in the text."""
    return xp.take(starts, offsets)


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the right one by default."""

    layout: Callable[[Any, Data], Tree] = layout
    find: Callable[[Any, Array], tuple[Array, Array]] = find
    name: Callable[[Any, Array, Array, Array], Array] = name
    width: Callable[[Any, Tree, Array, Array, Array], Array] = width
    own: Callable[[Any, Array, Array, int], Array] = own
    place: Callable[[Any, Array, Array], Array] = place
    clear: Callable[[Any, Array, Array, Array], Array] = clear
    end: Callable[[Any, Array, Array, int], Array] = end

    def prepare(self, xp: Any, data: Data, *, capacity: int) -> Tree:
        """Lay the table out."""
        return self.layout(xp, data)

    def run(self, xp: Any, state: Tree, query: Query, /, *, capacity: int) -> tuple[Array, Array]:
        """Decode a page."""
        codes, offsets = xp.astype(query["codes"], xp.int32), query["offsets"]
        names = self.name(xp, codes, *self.find(xp, codes))
        widths = self.width(xp, state, names, ops.iota(xp, codes.shape[0], codes), offsets[-1])
        zero = xp.zeros((1,), dtype=xp.int32, device=ops.device_of(codes))
        starts = xp.concat([zero, ops.cumsum32(xp, widths)])
        at = ops.iota(xp, capacity, codes)
        owner = self.own(xp, widths, starts, capacity)
        within = at - xp.take(starts, owner)
        bytes_of = xp.reshape(state["symbols"], (-1,))
        source = xp.clip(self.place(xp, xp.take(names, owner), within), 0, bytes_of.shape[0] - 1)
        text = self.clear(xp, xp.take(bytes_of, source), at, starts[-1])
        return xp.astype(text, xp.uint8), self.end(xp, starts, offsets, capacity)
