"""The portable kernel of `posting-intersect` taken apart: a variant is one step of it replaced.

How ids become the keys that are compared, which list is searched for in which others, whether a key is found, and what
is written of what was kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

LARGEST = 2**31 - 1

Keys = Callable[[Any, Array], Array]
"""``(xp, int32) -> int32`` of ids that sort as uint32 do: what is compared in their place."""

Order = Callable[[Any, Array], Array]
"""``(xp, lengths int32 (K,)) -> int (K,)``: the list that is searched for, then those it is searched in."""

Found = Callable[[Any, Array, Array, Array], Array]
"""``(xp, wanted, other, length) -> bool``: which of some keys another list has, padded behind its length."""

Written = Callable[[Any, Array, Array, int], tuple[Array, Array]]
"""``(xp, ids, kept, capacity) -> ids (capacity,), count``."""


def as_they_are(xp: Any, ids: Array) -> Array:
    """Compare whole ids."""
    del xp
    return ids


def by_length(xp: Any, lengths: Array) -> Array:
    """Put the shortest list first."""
    return xp.argsort(lengths)


def searched(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Search each key by bisection."""
    place = xp.astype(xp.searchsorted(other, wanted, side="left"), xp.int32)
    inside = place < length
    return inside & (xp.take(other, xp.where(inside, place, 0)) == wanted)


def compacted(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Move what is kept to the front."""
    places, count = ops.compact(xp, kept, capacity, 0)
    return xp.where(ops.iota(xp, capacity, ids) < count, xp.take(ids, places), LARGEST), count


def all_lists(K: int) -> int:
    """Use every list."""
    return K


@dataclass(frozen=True)
class Steps:
    """A kernel of these steps.

    Attributes
    ----------
    keys, order, found, written
        The steps.
    lists : callable
        ``K -> int``: how many of the lists count.
    whole : bool
        Whether the list that is searched for may be any, and not the shortest alone.
    """

    keys: Keys = as_they_are
    order: Order = by_length
    found: Found = searched
    written: Written = compacted
    lists: Callable[[int], int] = all_lists
    whole: bool = False

    def prepare(self, xp: Any, data: Data, *, capacity: int, shortest: int, longest: int) -> Tree:
        """Pad the ids."""
        del capacity, shortest, longest
        ids = ops.ordered(xp, data["ids"])
        padding = xp.full((1,), LARGEST, dtype=xp.int32, device=ops.device_of(ids))
        return {"ids": xp.concat([ids, padding]), "offsets": data["offsets"]}

    def run(
        self, xp: Any, state: Tree, query: Query, /, *, capacity: int, shortest: int, longest: int
    ) -> tuple[Array, Array]:
        """Answer each row."""
        ids, offsets = state["ids"], state["offsets"]
        size = longest if self.whole else shortest

        def window(start: Array, length: Array, size: int) -> Array:
            inside = ops.iota(xp, size, ids) < length
            return xp.where(inside, xp.take(ids, xp.where(inside, start + ops.iota(xp, size, ids), 0)), LARGEST)

        def common(numbers: Array) -> tuple[Array, Array]:
            starts = xp.take(offsets, numbers)
            lengths = xp.take(offsets, numbers + 1) - starts
            order = self.order(xp, lengths)
            starts, lengths = xp.take(starts, order), xp.take(lengths, order)
            own = window(starts[0], lengths[0], size)
            wanted, kept = self.keys(xp, own), ops.iota(xp, size, ids) < lengths[0]
            for j in range(1, self.lists(numbers.shape[0])):
                other = self.keys(xp, window(starts[j], lengths[j], longest))
                kept = kept & self.found(xp, wanted, other, lengths[j])
            return self.written(xp, own, kept, capacity)

        found, counts = ops.map_rows(xp, common, query)
        return ops.unordered(xp, found), counts
