"""`topk-merge` in three steps, each of which a variant may do in another way, right or wrong.

`items` says which items of a merge are looked at, `key` and `name` turn scores and ids into int32 that ascend, and
`select` takes the first k. What is looked at may be fewer than k items: the rest is then padding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

Items = Callable[[Any, Array, int], Array]
Turn = Callable[[Any, Array], Array]
Select = Callable[[Any, Array, Array, int], Array]


def every_item(xp: Any, part: Array, k: int) -> Array:
    """Return all items of (nq, R, L), run by run: (nq, R * L)."""
    return xp.reshape(part, (part.shape[0], -1))


def first_of_each(limit: Callable[[int, int], int]) -> Items:
    """Return a choice of the first ``limit(k, L)`` items of each run."""

    def items(xp: Any, part: Array, k: int) -> Array:
        return every_item(xp, part[:, :, : min(limit(k, part.shape[2]), part.shape[2])], k)

    return items


def by_score(xp: Any, bits: Array) -> Array:
    """Return int32 that ascend as the scores of these bits descend, one for 0.0 and -0.0."""
    return xp.where(bits < 0, bits & (2**31 - 1), -bits)


def by_id(xp: Any, words: Array) -> Array:
    """Return int32 that ascend as the ids do."""
    return words ^ -(2**31)


def in_order(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Return the positions of the first k by key, then by name."""
    order = xp.argsort(names, stable=True)
    return xp.take(order, xp.argsort(xp.take(key, order), stable=True))[:k]


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; one that sorts all items by default."""

    items: Items = every_item
    key: Turn = by_score
    name: Turn = by_id
    select: Select = in_order

    def prepare(self, xp: Any, data: Data, *, k: int) -> Tree:
        """Return an empty state."""
        return {}

    def run(self, xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
        """Merge the runs of each query."""
        parts = [ops.bitcast(xp, query[name], xp.int32) for name in ("scores", "ids")]
        words = xp.stack([self.items(xp, part, k) for part in parts], axis=1)
        nq, _, n = words.shape
        found = min(k, n)

        def merge(pair: Array) -> tuple[Array, Array]:
            bits, ids = pair[0, :], pair[1, :]
            chosen = self.select(xp, self.key(xp, bits), self.name(xp, ids), found)
            return xp.take(bits, chosen), xp.take(ids, chosen)

        bits, ids = ops.map_rows(xp, merge, words)
        scores, ids = ops.bitcast(xp, bits, xp.float32), ops.bitcast(xp, ids, xp.uint32)
        if found < k:
            shape, device = (nq, k - found), ops.device_of(scores)
            scores = xp.concat([scores, xp.full(shape, -float("inf"), dtype=xp.float32, device=device)], axis=1)
            ids = xp.concat([ids, xp.full(shape, NO_ID, dtype=xp.uint32, device=device)], axis=1)
        return scores, ids
