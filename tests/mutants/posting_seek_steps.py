"""`posting-seek` in steps, each of which a variant may do in another way, right or wrong.

`gaps` unpacks blocks, `block` says in which one a target's answer is looked for, `below` which ids of it lie before
the answer, `held` how many ids it has, `answer` what is returned where there is one and where there is none. Ids are
int32 with their highest bit flipped, so that they sort as uint32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

BLOCK = 128
INT32_MAX = 2**31 - 1

Gaps = Callable[[Any, Array, Array, Array], Array]
Find = Callable[[Any, Array, Array], Array]
Below = Callable[[Any, Array, Array], Array]
Targets = Callable[[Any, Array], Array]


def unpacked(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Return int32 (..., 128): the gaps of blocks that begin at word `start`, of `width` bits each."""
    low, high, shift = two_words(xp, words, start, width)
    return (ops.lsr(xp, low, shift) | ((high << (31 - shift)) << 1)) & mask_of(xp, width)[..., None]


def two_words(xp: Any, words: Array, start: Array, width: Array) -> tuple[Array, Array, Array]:
    """Return the word in which each gap begins, the next one, and where in the word: int32 (..., 128)."""
    bit = ops.iota(xp, BLOCK, words) * width[..., None]
    at = start[..., None] + (bit >> 5)
    low, high = (xp.reshape(xp.take(words, xp.reshape(i, (-1,))), at.shape) for i in (at, at + 1))
    return low, high, bit & 31


def mask_of(xp: Any, width: Array) -> Array:
    """Return int32 with the lowest `width` bits set."""
    unused = xp.where(width == 0, 31, 32 - width)
    return xp.where(width == 0, 0, ops.lsr(xp, xp.full_like(width, -1), unused))


def last_not_above(xp: Any, first: Array, target: Array) -> Array:
    """Return the last block that does not begin above the target, or the first block."""
    before = xp.astype(xp.searchsorted(first, target, side="right"), xp.int32) - 1
    return xp.maximum(before, xp.zeros_like(before))


def less(xp: Any, ids: Array, target: Array) -> Array:
    """Say which ids are below the target."""
    return ids < target


def same(xp: Any, x: Array) -> Array:
    """Return it as it is."""
    return x


def all_held(xp: Any, block: Array, n: int) -> Array:
    """Return how many ids a block has."""
    return xp.minimum(n - block * BLOCK, xp.full_like(block, BLOCK))


def plain_answer(xp: Any, ids: Array, found: Array) -> tuple[Array, Array]:
    """Return the ids, the largest there is where there is none."""
    return xp.where(found, ids, xp.full_like(ids, INT32_MAX)), found


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default."""

    gaps: Gaps = unpacked
    sums: Callable[[Any, Array], Array] = ops.cumsum32
    block: Find = last_not_above
    below: Below = less
    held: Callable[[Any, Array, int], Array] = all_held
    answer: Callable[[Any, Array, Array], tuple[Array, Array]] = plain_answer
    targets: Targets = same
    following: int = 1

    def prepare(self, xp: Any, data: Data, *, n: int) -> Tree:
        """Read words as int32, the side table so that it sorts."""
        return {
            "words": ops.bitcast(xp, data["words"], xp.int32),
            "first": ops.ordered(xp, data["first"]),
            "start": data["start"],
            "width": data["width"],
        }

    def run(self, xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
        """Find the first id that is not below each target."""
        target, first = self.targets(xp, ops.ordered(xp, query)), state["first"]
        if n == 0:
            nothing = xp.zeros(query.shape, dtype=xp.bool, device=ops.device_of(query))
            ids, found = self.answer(xp, xp.full_like(target, INT32_MAX), nothing)
            return ops.unordered(xp, ids), found
        block = self.block(xp, first, target)
        start, width = (xp.take(state[name], block) for name in ("start", "width"))
        ids = xp.take(first, block)[:, None] + self.sums(xp, self.gaps(xp, state["words"], start, width))
        held = self.held(xp, block, n)
        before = self.below(xp, ids, target[:, None]) & (ops.iota(xp, BLOCK, target)[None, :] < held[:, None])
        below = ops.count(xp, before)
        here, last = below < held, first.shape[0] - 1
        place = ops.iota(xp, block.shape[0], target) * BLOCK + xp.where(here, below, 0)
        other = block + self.following
        known = (other <= last) & (self.following > 0)
        otherwise = xp.take(first, xp.where(known, other, last))
        found = here | known
        ids, found = self.answer(xp, xp.where(here, xp.take(xp.reshape(ids, (-1,)), place), otherwise), found)
        return ops.unordered(xp, ids), found
