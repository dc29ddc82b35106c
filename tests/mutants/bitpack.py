"""The variants of `bitpack`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

Wrong ones go wrong where such kernels do: at values that lie in two words, at the widest values, at the end of a page,
in the order of rows, in the sign of a word, and in what a neighbour's bits are.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.mutants.bitpack_steps import BitByBit, Changed, Steps, by_mask, by_shifts, find_by, swapped_quarters
from tests.mutants.variants import Spoiler, Variant, honest, spoiled, wrong

from lar import ops
from lar.contracts import Array, HostArray

PLAIN = Steps()


# ---- where a value lies --------------------------------------------------------------------------------------------


def later(values: int = 0, bits: int = 0) -> Any:
    """Find each value so much too late."""
    find = find_by()

    def moved(i: Array, width: int, layout: str) -> tuple[Array, int, Array]:
        word, stride, shift = find(i + values, width, layout)
        return word + stride * ((shift + bits) >> 5), stride, (shift + bits) & 31

    return moved


def short_address(bits: int) -> Any:
    """Number the bits of a page, or of a lane, modulo a power of two."""

    def find(i: Array, width: int, layout: str) -> tuple[Array, int, Array]:
        if layout != "plain":
            return find_by()(i, width, layout)
        first = (i * width) & ((1 << bits) - 1)
        return first >> 5, 1, first & 31

    return find


# ---- what the words hold of it -------------------------------------------------------------------------------------


def sign_filled(xp: Any, low: Array, high: Array, shift: Array, width: int) -> Array:
    """Shift the first word as a signed number."""
    return (low >> shift) | ((high << 1) << (31 - shift))


def within_four_bytes(xp: Any, low: Array, high: Array, shift: Array, width: int) -> Array:
    """Look at no more than the four bytes from the one on in which the value begins."""
    return by_shifts(xp, low, high, shift, width) & ops.lsr(xp, xp.full_like(low, -1), shift & 7)


def where_needed(xp: Any, low: Array, high: Array, shift: Array, width: int) -> Array:
    """Add the second word only to values that reach into it."""
    alone = ops.lsr(xp, low, shift)
    return xp.where(shift + width > 32, alone | ((high << 1) << (31 - shift)), alone)


def low_half_first(xp: Any, low: Array, high: Array, shift: Array, width: int) -> Array:
    """Take 16 bits out, and then those behind them."""
    whole = by_shifts(xp, low, high, shift, width)
    behind = by_shifts(xp, ops.lsr(xp, low, 16) | (high << 16), ops.lsr(xp, high, 16), shift, width)
    return (whole & 0xFFFF) | (behind << 16)


# ---- what is not its own -------------------------------------------------------------------------------------------


def bits_more(count: int) -> Any:
    """Keep so many bits more than the width."""

    def cut(xp: Any, value: Array, width: int) -> Array:
        kept = max(0, min(32, width + count))
        return value if kept == 32 else value & ((1 << kept) - 1)

    return cut


def two_complement(xp: Any, value: Array, width: int) -> Array:
    """Take the highest bit of a value for its sign."""
    return (value << (32 - width)) >> (32 - width) if width < 32 else value


def below(limit: int) -> Any:
    """Return what is right for values of fewer than so many bits."""

    def cut(xp: Any, value: Array, width: int) -> Array:
        kept = by_mask(xp, value, width)
        return kept & ((1 << limit) - 1)

    return cut


def as_float32(xp: Any, value: Array, width: int) -> Array:
    """Lose what 24 bits of mantissa lose."""
    kept = by_mask(xp, value, width)
    return xp.where((kept < 0) | (kept >= 1 << 24), kept & -256, kept)


def signed_clamp(xp: Any, value: Array, width: int) -> Array:
    """Hold values of 32 bits below 2**31."""
    kept = by_mask(xp, value, width)
    return xp.where(kept < 0, xp.full_like(kept, 2**31 - 1), kept)


# ---- and in the end ------------------------------------------------------------------------------------------------


def right_up_to(limit: Callable[[int], int]) -> Any:
    """Return zeros from a value on."""
    return lambda xp, values: xp.where(ops.iota(xp, values.shape[0], values) < limit(values.shape[0]), values, 0)


def right_for_whole(size: int) -> Any:
    """Return zeros behind the last whole group of so many values."""
    return right_up_to(lambda n: n - n % size)


def page_end(query: Array, width: int, n: int, layout: str) -> Array:
    """Return as many words as are needed, the last of the page instead of the first."""
    needed = -(-n // 1024) * 32 * width if layout == "fastlanes" else -(-n * width // 32)
    return query[query.shape[0] - needed :]


def other_layout(width: int, n: int, layout: str) -> dict[str, Any]:
    return {"layout": "plain" if layout == "fastlanes" else "fastlanes"}


COMPUTED = [
    wrong("each value one too late", Steps(later(values=1))),
    wrong("each value one too early", Steps(later(values=-1))),
    wrong("each value a bit too late", Steps(later(bits=1))),
    wrong("bits numbered modulo 65,536", Steps(short_address(16))),
    wrong("one bit fewer a value", Changed(PLAIN, lambda width, n, layout: {"width": max(1, width - 1)})),
    wrong("one bit more a value", Changed(PLAIN, lambda width, n, layout: {"width": min(32, width + 1)})),
    wrong("the other layout", Changed(PLAIN, other_layout)),
    wrong("rows of a block as they are numbered", Steps(find_by(lambda place: place >> 5))),
    wrong("quarters of a block as they are numbered", Steps(find_by(lambda p: 8 * ((p >> 5) & 3) + (p >> 7)))),
    wrong("quarters in reverse", Steps(find_by(lambda p: 24 - 8 * ((p >> 5) & 3) + (p >> 7)))),
    wrong("eighths in reverse", Steps(find_by(lambda p: swapped_quarters(p ^ (7 << 7))))),
    wrong("lanes in reverse", Steps(find_by(lane_of=lambda place: 31 - (place & 31)))),
    wrong("halves of 16 lanes exchanged", Steps(find_by(lane_of=lambda place: (place & 31) ^ 16))),
    wrong("the highest bit of a word first", BitByBit(lambda p: 31 - p)),
    wrong("bytes of a word swapped", BitByBit(lambda p: p ^ 24)),
    wrong("halves of a word swapped", BitByBit(lambda p: p ^ 16)),
    wrong("the highest bit of a value first", BitByBit(weight=lambda b, width: width - 1 - b)),
    wrong("the second word left out", Steps(join=lambda xp, low, high, shift, width: ops.lsr(xp, low, shift))),
    wrong("the first word for the second", Steps(join=lambda xp, a, b, shift, w: by_shifts(xp, a, a, shift, w))),
    wrong("the two words exchanged", Steps(join=lambda xp, a, b, shift, w: by_shifts(xp, b, a, shift, w))),
    wrong(
        "the second word a bit too low",
        Steps(join=lambda xp, low, high, shift, width: ops.lsr(xp, low, shift) | (high << (31 - shift))),
    ),
    wrong("words shifted as signed numbers", Steps(join=sign_filled)),
    wrong("values within four bytes only", Steps(join=within_four_bytes)),
    wrong("a neighbour's bits left in", Steps(cut=lambda xp, value, width: value)),
    wrong("one bit of a neighbour left in", Steps(cut=bits_more(1))),
    wrong("the highest bit cut off", Steps(cut=bits_more(-1))),
    wrong("values with a sign", Steps(cut=two_complement)),
    *(wrong(f"values cut to {bits} bits", Steps(cut=below(bits))) for bits in (8, 16, 24, 30)),
    wrong("values through float32", Steps(cut=as_float32)),
    wrong("values clamped to int32", Steps(cut=signed_clamp)),
    wrong("right for the first block", Steps(after=right_up_to(lambda n: 1_024))),
    wrong("right up to 4,096 values", Steps(after=right_up_to(lambda n: 4_096))),
    wrong("right up to 8,192 values", Steps(after=right_up_to(lambda n: 8_192))),
    *(wrong(f"right for whole groups of {size}", Steps(after=right_for_whole(size))) for size in (8, 16, 32, 1_024)),
    wrong("the last value left out", Steps(after=right_up_to(lambda n: n - 1))),
    wrong("the end of the page for its beginning", Changed(PLAIN, page=page_end)),
    wrong("differences added up", Steps(after=ops.cumsum32)),
    wrong("in order", Steps(after=lambda xp, values: xp.sort(values))),
]


# ---- right values, spoilt ------------------------------------------------------------------------------------------


class Subclass(np.ndarray[Any, Any]):
    """Equal to its own type only by looks."""


def values(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil the values."""
    return lambda answers: (function(answers.outputs[0]),)


def _put(array: HostArray, place: int, value: int) -> HostArray:
    out = array.copy()
    out[place] = value
    return out


SPOILT = [
    spoiled("zeros", values(np.zeros_like), "value"),
    spoiled("ones in every bit", values(lambda v: np.full_like(v, 0xFFFFFFFF)), "value"),
    spoiled("memory poisoned with 0xCD", values(lambda v: np.full_like(v, 0xCDCDCDCD)), "value"),
    spoiled("the first value throughout", values(lambda v: np.full_like(v, v[0])), "value"),
    spoiled("the last value altered by one bit", values(lambda v: _put(v, -1, v[-1] ^ 1)), "value"),
    spoiled("the first value altered by one bit", values(lambda v: _put(v, 0, v[0] ^ 1)), "value"),
    spoiled("a value in the middle never written", values(lambda v: _put(v, len(v) // 2, 0xCDCDCDCD)), "value"),
    spoiled("the page before", lambda a: a.other_query, "value"),
    spoiled("another case's page", lambda a: a.outputs if a.other_case is None else a.other_case, "value"),
    spoiled("in reverse", values(lambda v: v[::-1].copy()), "value"),
    spoiled("rotated by one", values(lambda v: np.roll(v, 1)), "value"),
    spoiled("swapped bytes", values(lambda v: v.byteswap()), "value"),
    spoiled("neighbours exchanged", values(lambda v: v[np.minimum(np.arange(len(v)) ^ 1, len(v) - 1)]), "value"),
    spoiled("one value too few", values(lambda v: v[:-1]), "shape"),
    spoiled("whole blocks", values(lambda v: np.resize(v, -(-len(v) // 1024) * 1024)), "shape"),
    spoiled("in two dimensions", values(lambda v: v[None]), "shape"),
    spoiled("a scalar to be broadcast", values(lambda v: np.array(v[0])), "shape"),
    spoiled("int32", values(lambda v: v.view(np.int32)), "dtype"),
    spoiled("uint64", values(lambda v: v.astype(np.uint64)), "dtype"),
    spoiled("float32", values(lambda v: v.astype(np.float32)), "dtype"),
    spoiled("big-endian", values(lambda v: v.astype(">u4")), "dtype"),
    spoiled("nothing", lambda a: None, "type"),
    spoiled("no output", lambda a: (), "count"),
    spoiled("an output more", lambda a: (*a.outputs, a.outputs[0]), "count"),
    spoiled("the array itself", lambda a: a.outputs[0], "type"),
    spoiled("a list", values(lambda v: v.tolist()), "type"),
    spoiled("a subclass of array", values(lambda v: v.view(Subclass)), "type"),
]

MUTANTS: list[Variant] = [*COMPUTED, *SPOILT]
HONEST = [
    honest("value by value", PLAIN),
    honest("bit by bit", BitByBit()),
    honest("the second word where it is needed", Steps(join=where_needed)),
    honest("two halves of 16 bits", Steps(join=low_half_first)),
    honest("masked by two shifts", Steps(cut=lambda xp, value, width: ops.lsr(xp, value << (32 - width), 32 - width))),
]
