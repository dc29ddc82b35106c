"""`bitpack` value by value, in steps each of which a variant may do in another way, right or wrong.

`find` says in which words a value lies and at which bit it begins, `join` brings what the two words hold of it to the
low end of a word, `cut` takes away what is its neighbours'.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

Place = Callable[[Array], Array]
Find = Callable[[Array, int, str], tuple[Array, int, Array]]
Join = Callable[[Any, Array, Array, Array, int], Array]
Cut = Callable[[Any, Array, int], Array]


def swapped_quarters(place: Array) -> Array:
    """Return the row of a place in a FastLanes block: its quarter's two bits exchanged, then its eighth."""
    quarter = (place >> 5) & 3
    return 8 * ((quarter >> 1) | ((quarter & 1) << 1)) + (place >> 7)


def lowest_bits(place: Array) -> Array:
    """Return the lane of a place in a FastLanes block."""
    return place & 31


def find_by(row_of: Place = swapped_quarters, lane_of: Place = lowest_bits) -> Find:
    """Return a function that gives of each value its first word, how far the next word is, and its first bit there."""

    def find(i: Array, width: int, layout: str) -> tuple[Array, int, Array]:
        if layout == "plain":
            return (i * width) >> 5, 1, (i * width) & 31
        place = i & 1023
        bit = row_of(place) * width
        return (i >> 10) * (32 * width) + 32 * (bit >> 5) + lane_of(place), 32, bit & 31

    return find


def by_shifts(xp: Any, low: Array, high: Array, shift: Array, width: int) -> Array:
    """Shift the first word right and the second left, by 1 to 32."""
    return ops.lsr(xp, low, shift) | ((high << 1) << (31 - shift))


def by_mask(xp: Any, value: Array, width: int) -> Array:
    """Keep the low bits."""
    return value if width == 32 else value & ((1 << width) - 1)


@dataclass(frozen=True)
class Steps:
    """The kernel made of them; the plain one by default. `after` is done to the values in the end."""

    find: Find = find_by()  # noqa: RUF009 - a function, which nobody can change
    join: Join = by_shifts
    cut: Cut = by_mask
    after: Callable[[Any, Array], Array] = lambda xp, values: values

    def prepare(self, xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
        """Keep nothing."""
        return {}

    def run(self, xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
        """Unpack a page."""
        words = ops.bitcast(xp, query, xp.int32)
        word, stride, shift = self.find(ops.iota(xp, n, words), width, layout)
        low, high = (xp.take(words, xp.clip(at, 0, words.shape[0] - 1)) for at in (word, word + stride))
        values = self.cut(xp, self.join(xp, low, high, shift, width), width)
        return (ops.bitcast(xp, self.after(xp, values), xp.uint32),)


@dataclass(frozen=True)
class BitByBit:
    """Every bit looked up by itself: `place` is where the word keeps bit p, `weight` where the value does bit b."""

    place: Callable[[Array], Array] = lambda p: p
    weight: Callable[[int, int], int] = lambda b, width: b

    def prepare(self, xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
        """Keep nothing."""
        return {}

    def run(self, xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
        """Unpack a page."""
        words = ops.bitcast(xp, query, xp.int32)
        first, stride, shift = find_by()(ops.iota(xp, n, words), width, layout)
        values = xp.zeros_like(first)
        for b in range(width):
            bit = shift + b
            word = xp.take(words, first + stride * (bit >> 5))
            values = values | (((word >> self.place(bit & 31)) & 1) << self.weight(b, width))
        return (ops.bitcast(xp, values, xp.uint32),)


@dataclass(frozen=True)
class Changed:
    """A kernel whose statics or page are changed before it sees them."""

    kernel: Any
    statics: Callable[[int, int, str], dict[str, Any]] = lambda width, n, layout: {}
    page: Callable[[Array, int, int, str], Array] = lambda words, width, n, layout: words

    def prepare(self, xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
        """Keep nothing."""
        return {}

    def run(self, xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
        """Unpack a page."""
        asked = {"width": width, "n": n, "layout": layout} | self.statics(width, n, layout)
        out: tuple[Array] = self.kernel.run(xp, state, self.page(query, width, n, layout), **asked)
        return out
