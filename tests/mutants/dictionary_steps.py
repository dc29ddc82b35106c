"""`dictionary` in steps, each of which a variant may do in another way, right or wrong.

`valid` reads the bitmap, `codes` the codes, `entries` says which entry stands at each place, `words` what is made of
fixed-width entries; of strings, `lengths` says how long they are, `source` where each byte comes from, and `after` is
done to (bytes, offsets, total) in the end. All compute in int32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

Valid = Callable[[Any, Array, int], Array]
Codes = Callable[[Any, Array, int], Array]
Entries = Callable[[Any, Array, Array, int], Array]
Words = Callable[[Any, Array, Array], Array]
Lengths = Callable[[Any, Array, Array], Array]
Found = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Owned:
    """What is known of each byte of the result: its place, its string's first place, start and length."""

    place: Array
    first: Array
    start: Array
    length: Array
    total: Array


def by_bits(xp: Any, bitmap: Array, n: int) -> Array:
    """Read the bitmap, the lowest bit first."""
    return ops.unpack_bits(xp, bitmap, n)


def as_they_are(xp: Any, codes: Array, bits: int) -> Array:
    """Return the codes."""
    return codes


def nulls_behind(xp: Any, codes: Array, valid: Array, K: int) -> Array:
    """Return the entry behind the last one for nulls."""
    return xp.where(valid, codes, K)


def as_found(xp: Any, found: Array, valid: Array) -> Array:
    """Return what was found."""
    return found


def one_by_one(xp: Any, owned: Owned) -> Array:
    """Return each byte's place among the strings."""
    return owned.start + owned.place - owned.first


def clipped(xp: Any, places: Array, last: int) -> Array:
    """Hold places within 0..last, so that a wrong one means the same on every backend."""
    return xp.where(places < 0, 0, xp.where(places > last, last, places))


def with_one_more(xp: Any, array: Array) -> Array:
    """Return the array and a zero, or a row of zeros, behind it."""
    shape = (1, *array.shape[1:])
    return xp.concat([array, xp.zeros(shape, dtype=array.dtype, device=ops.device_of(array))])


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    valid: Valid = by_bits
    codes: Codes = as_they_are
    entries: Entries = nulls_behind
    words: Words = as_found
    lengths: Lengths = as_found
    source: Callable[[Any, Owned], Array] = one_by_one
    after: Callable[[Any, Found, int], Found] = lambda xp, found, capacity: found
    zeros_behind: bool = True

    def prepare(self, xp: Any, data: Data, *, kind: str, capacity: int) -> Tree:
        """Put the entry of the nulls behind the others."""
        if kind == "fixed":
            return {"values": with_one_more(xp, data["values"])}
        offsets = data["offsets"]
        lengths = with_one_more(xp, offsets[1:] - offsets[:-1])
        return {"starts": offsets, "lengths": lengths, "bytes": with_one_more(xp, data["bytes"])}

    def run(self, xp: Any, state: Tree, query: Query, /, *, kind: str, capacity: int) -> tuple[Array, ...]:
        """Decode a page."""
        raw, K = query["codes"], state["values" if kind == "fixed" else "starts"].shape[0] - 1
        bits = next(bits for bits in (8, 16, 32) if raw.dtype == getattr(xp, f"uint{bits}"))
        codes = self.codes(xp, ops.bitcast(xp, raw, xp.int32) if bits == 32 else xp.astype(raw, xp.int32), bits)
        valid = self.valid(xp, query["validity"], raw.shape[0])
        entries = clipped(xp, self.entries(xp, codes, valid, K), K)
        if kind == "fixed":
            return (self.words(xp, xp.take(state["values"], entries, axis=0), valid),)
        return self.after(xp, self._strings(xp, state, entries, valid, capacity), capacity)

    def _strings(self, xp: Any, state: Tree, entries: Array, valid: Array, capacity: int) -> Found:
        lengths = self.lengths(xp, xp.take(state["lengths"], entries), valid)
        ends = ops.cumsum32(xp, lengths)
        offsets = xp.concat([xp.zeros_like(ends[:1]), ends])
        owners = ops.expand(xp, lengths, capacity)
        owned = Owned(
            place=ops.iota(xp, capacity, entries),
            first=xp.take(offsets, owners),
            start=xp.take(state["starts"], xp.take(entries, owners)),
            length=xp.take(lengths, owners),
            total=ends[-1, ...],
        )
        last = state["bytes"].shape[0] - 1
        source = clipped(xp, self.source(xp, owned), last)
        if self.zeros_behind:
            source = xp.where(owned.place < owned.total, source, last)
        return xp.take(state["bytes"], source), offsets, owned.total
