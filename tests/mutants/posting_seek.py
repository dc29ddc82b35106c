"""The variants of `posting-seek`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from typing import Any

import numpy as np
from tests.mutants.posting_seek_steps import (
    BLOCK,
    INT32_MAX,
    Steps,
    Targets,
    all_held,
    last_not_above,
    mask_of,
    two_words,
    unpacked,
)
from tests.mutants.variants import Answers, Spoiler, Variant, honest, spoiled, wrong

from lar import ops
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree

# ---- honest --------------------------------------------------------------------------------------------------------


class Decoded:
    """Decodes the list once; `places` counts the ids that are below each target."""

    def __init__(self, places: Any) -> None:
        self.places = places

    def prepare(self, xp: Any, data: Data, *, n: int) -> Tree:
        """Decode."""
        words = ops.bitcast(xp, data["words"], xp.int32)
        gaps = ops.cumsum32(xp, unpacked(xp, words, data["start"], data["width"]))
        ids = xp.reshape(ops.ordered(xp, data["first"])[:, None] + gaps, (-1,))[:n]
        return {"ids": xp.concat([ids, xp.full((1,), INT32_MAX, dtype=xp.int32, device=ops.device_of(ids))])}

    def run(self, xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
        """Find the places and look the ids up."""
        place = self.places(xp, state["ids"], ops.ordered(xp, query), n)
        return ops.unordered(xp, xp.take(state["ids"], place)), place < n


def searched(xp: Any, ids: Array, target: Array, n: int) -> Array:
    """Search the library's way."""
    found = xp.astype(xp.searchsorted(ids, target, side="left"), xp.int32)
    return xp.minimum(found, xp.full_like(found, n))  # the largest target is not above what stands behind the ids


def bisected(xp: Any, ids: Array, target: Array, n: int) -> Array:
    """Bisect for all targets at once."""
    place = xp.zeros_like(target)
    for bit in reversed(range(n.bit_length())):
        tried = xp.minimum(place + (1 << bit), xp.full_like(place, n))
        below = (tried > place) & (xp.take(ids, xp.maximum(tried - 1, xp.zeros_like(tried))) < target)
        place = xp.where(below, tried, place)
    return place


def counted(xp: Any, ids: Array, target: Array, n: int) -> Array:
    """Compare with every 64th id, then with the 64 behind the last of those that is below."""
    coarse = xp.reshape(ids[: n - n % 64], (-1, 64))[:, 63]
    base = ops.count(xp, coarse[None, :] < target[:, None]) * 64
    lanes = xp.minimum(base[:, None] + ops.iota(xp, 64, ids)[None, :], xp.full_like(base, n)[:, None])
    near = xp.reshape(xp.take(ids, xp.reshape(lanes, (-1,))), lanes.shape)
    return base + ops.count(xp, (near < target[:, None]) & (lanes < n))


class Backwards(Steps):
    """Answers the last target first."""

    def run(self, xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
        """Flip what comes in and what goes out."""
        ids, found = super().run(xp, state, xp.flip(query), n=n)
        return xp.flip(ids), xp.flip(found)


def _frozen(answers: Answers) -> tuple[HostArray, ...]:
    copies = tuple(array.copy() for array in answers.outputs)
    for array in copies:
        array.setflags(write=False)
    return copies


HONEST: list[Variant] = [
    Variant("portable kernel"),
    Variant("outputs read-only", spoil=_frozen),
    honest("the block decoded for each seek", Steps()),
    honest("decoded at once, searched by the library", Decoded(searched)),
    honest("decoded at once, bisected", Decoded(bisected)),
    honest("decoded at once, counted in two steps", Decoded(counted)),
    honest("the last target first", Backwards()),
]

# ---- unpacking -----------------------------------------------------------------------------------------------------


def one_word(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Forget the bits of a gap that lie in the next word."""
    low, _, shift = two_words(xp, words, start, width)
    return ops.lsr(xp, low, shift) & mask_of(xp, width)[..., None]


def sign_filled(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Shift right with the sign."""
    low, high, shift = two_words(xp, words, start, width)
    return ((low >> shift) | ((high << (31 - shift)) << 1)) & mask_of(xp, width)[..., None]


def unmasked(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Leave the next gap's bits where they are."""
    low, high, shift = two_words(xp, words, start, width)
    return ops.lsr(xp, low, shift) | ((high << (31 - shift)) << 1)


def most_significant_first(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Take the first gap from the highest bits of a word."""
    low, high, shift = two_words(xp, words, start, width)
    both = (low << shift) | ops.lsr(xp, ops.lsr(xp, high, 31 - shift), 1)
    return ops.lsr(xp, both, xp.where(width == 0, 31, 32 - width)[..., None]) & mask_of(xp, width)[..., None]


def one_bit_less(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Keep one bit less of a gap than it has."""
    return unpacked(xp, words, start, width) & ops.lsr(xp, mask_of(xp, width), 1)[..., None]


def of_32_bits_lost(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Make the mask of 32 bits by a shift of 32, which is none."""
    return xp.where((width == 32)[..., None], 0, unpacked(xp, words, start, width))


def next_block(xp: Any, words: Array, start: Array, width: Array) -> Array:
    """Read a block one word late."""
    last = xp.full_like(start, words.shape[0] - 2)
    return unpacked(xp, words, xp.minimum(start + 1, last - 4 * width), width)


def exclusive(xp: Any, gaps: Array) -> Array:
    """Add up the gaps before each id and not its own."""
    return ops.cumsum32(xp, gaps) - gaps


def cut_sums(bits: int) -> Any:
    """Return sums of which so many bits are kept."""
    return lambda xp, gaps: ops.cumsum32(xp, gaps) & ((1 << bits) - 1)


# ---- searching -----------------------------------------------------------------------------------------------------


def from_the_left(xp: Any, first: Array, target: Array) -> Array:
    """Stop before a block that begins with the target: its first id is then found only by going on to it."""
    before = xp.astype(xp.searchsorted(first, target, side="left"), xp.int32)
    return xp.minimum(before, xp.full_like(before, first.shape[0] - 1))


def one_block_early(xp: Any, first: Array, target: Array) -> Array:
    """Look into the block before the right one."""
    block = last_not_above(xp, first, target)
    return xp.where(block > 0, block - 1, block)


def by_signed_ids(xp: Any, first: Array, target: Array) -> Array:
    """Search the side table as if ids were signed."""
    signed = first ^ -(2**31)
    order = xp.sort(signed)
    before = xp.astype(xp.searchsorted(order, target ^ -(2**31), side="right"), xp.int32) - 1
    return xp.maximum(before, xp.zeros_like(before))


def within(limit: int) -> Any:
    """Return a search that never gets further than so many blocks."""
    return lambda xp, first, target: xp.minimum(last_not_above(xp, first, target), xp.full_like(target, limit - 1))


def near_the_one_before(steps: int) -> Any:
    """Return a search that takes so many blocks at most from where the seek before it ended."""

    def find(xp: Any, first: Array, target: Array) -> Array:
        block = last_not_above(xp, first, target)
        before = xp.concat([xp.zeros_like(block[:1]), block[:-1]])
        return xp.where(block > before + steps, before + steps, block)

    return find


def never_backwards(xp: Any, target: Array) -> Array:
    """Take targets to ascend, as those of one walk through a list do."""
    return ops.running_max(xp, target)


def block_never_backwards(xp: Any, first: Array, target: Array) -> Array:
    """Go on from the furthest block so far."""
    return ops.running_max(xp, last_not_above(xp, first, target))


def moved(by: int) -> Targets:
    """Return targets that are higher by so much, as far as there are any."""
    return lambda xp, target: xp.where(target < INT32_MAX - by, target + by, target)


def signed_less(xp: Any, ids: Array, target: Array) -> Array:
    """Compare ids as signed."""
    return (ids ^ -(2**31)) < (target ^ -(2**31))


def but_the_last_lane(xp: Any, ids: Array, target: Array) -> Array:
    """Count 127 ids of a block."""
    return (ids < target) & (ops.iota(xp, BLOCK, ids)[None, :] < BLOCK - 1)


def first_half(xp: Any, ids: Array, target: Array) -> Array:
    """Count 64 ids of a block."""
    return (ids < target) & (ops.iota(xp, BLOCK, ids)[None, :] < BLOCK // 2)


# ---- answers -------------------------------------------------------------------------------------------------------


def plain(xp: Any, ids: Array, found: Array) -> Array:
    """Return the ids, the largest there is where there is none."""
    return xp.where(found, ids, xp.full_like(ids, INT32_MAX))


def none_is(value: int) -> Any:
    """Return an answer of that id where there is none."""
    flipped = (value ^ 2**31) - 2**32 if (value ^ 2**31) >= 2**31 else value ^ 2**31
    return lambda xp, ids, found: (xp.where(found, ids, xp.full_like(ids, flipped)), found)


def by_the_id(xp: Any, ids: Array, found: Array) -> tuple[Array, Array]:
    """Take the largest id for a mark that there is none."""
    ids = xp.where(found, ids, xp.full_like(ids, INT32_MAX))
    return ids, ids != INT32_MAX


def both(function: Any) -> Spoiler:
    """Spoil ids and flags alike."""
    return lambda a: tuple(np.ascontiguousarray(function(array)) for array in a.outputs)


def _other_case(answers: Answers) -> Any:
    return answers.other_case or answers.outputs


MUTANTS: list[Variant] = [
    wrong("a gap's bits in the next word lost", Steps(gaps=one_word)),
    wrong("shifted right with the sign", Steps(gaps=sign_filled)),
    wrong("gaps not masked", Steps(gaps=unmasked)),
    wrong("most significant bit first", Steps(gaps=most_significant_first)),
    wrong("one bit of each gap lost", Steps(gaps=one_bit_less)),
    wrong("gaps of 32 bits lost", Steps(gaps=of_32_bits_lost)),
    wrong("blocks read one word late", Steps(gaps=next_block)),
    wrong("an id's own gap left out", Steps(sums=exclusive)),
    wrong("gaps not added up", Steps(sums=lambda xp, gaps: gaps)),
    wrong("sums of 16 bits", Steps(sums=cut_sums(16))),
    wrong("sums of 24 bits", Steps(sums=cut_sums(24))),
    wrong("the block behind the right one", Steps(block=from_the_left)),
    wrong("the block before the right one", Steps(block=one_block_early)),
    wrong("the side table searched as signed", Steps(block=by_signed_ids)),
    wrong("the first block alone", Steps(block=within(1))),
    wrong("the first 32 blocks alone", Steps(block=within(32))),
    wrong("one block at most from the seek before", Steps(block=near_the_one_before(1))),
    wrong("sixteen blocks at most from the seek before", Steps(block=near_the_one_before(16))),
    wrong("targets taken to ascend", Steps(targets=never_backwards)),
    wrong("blocks taken to ascend", Steps(block=block_never_backwards)),
    wrong("above the target, not equal to it", Steps(below=lambda xp, ids, target: ids <= target)),
    wrong("targets one too high", Steps(targets=moved(1))),
    wrong("ids compared as signed", Steps(below=signed_less)),
    wrong("the last id of a block not counted", Steps(below=but_the_last_lane)),
    wrong("half a block counted", Steps(below=first_half)),
    wrong("what lies behind the last id counted", Steps(held=lambda xp, block, n: xp.full_like(block, BLOCK))),
    wrong("the last id missed", Steps(held=lambda xp, block, n: all_held(xp, block, n - 1))),
    wrong("none where the next block has the answer", Steps(following=0)),
    wrong("the block after the next", Steps(following=2)),
    wrong("none is 0", Steps(answer=none_is(0))),
    wrong("none is 2**31 - 1", Steps(answer=none_is(INT32_MAX))),
    wrong("none is told by the id", Steps(answer=by_the_id)),
    wrong("always found", Steps(answer=lambda xp, ids, found: (plain(xp, ids, found), xp.ones_like(found)))),
    wrong("found and not swapped", Steps(answer=lambda xp, ids, found: (plain(xp, ids, found), ~found))),
    spoiled("the call before", lambda a: a.other_query, "value"),
    spoiled("another case's answers", _other_case, "value"),
    spoiled("right for the first seek", both(lambda x: np.repeat(x[:1], len(x))), "value"),
    spoiled("one seek late", both(lambda x: np.roll(x, 1)), "value"),
    spoiled("answers in order", lambda a: (np.sort(a.outputs[0]), a.outputs[1]), "value"),
    spoiled("ids never written", lambda a: (np.full_like(a.outputs[0], NO_ID), a.outputs[1]), "value"),
    spoiled("int32 ids", lambda a: (a.outputs[0].view(np.int32), a.outputs[1]), "dtype"),
    spoiled("int64 ids", lambda a: (a.outputs[0].astype(np.int64), a.outputs[1]), "dtype"),
    spoiled("flags of a byte", lambda a: (a.outputs[0], a.outputs[1].view(np.uint8)), "dtype"),
    spoiled("flags before ids", lambda a: a.outputs[::-1], "dtype"),
    spoiled(
        "a number found in place of flags", lambda a: (a.outputs[0], np.array(a.outputs[1].sum(), np.int32)), "dtype"
    ),
    spoiled("one axis more", both(lambda x: x[None]), "shape"),
    spoiled("one seek fewer", both(lambda x: x[:-1]), "shape"),
    spoiled("no flags", lambda a: a.outputs[:1], "count"),
    spoiled("lists", lambda a: tuple(array.tolist() for array in a.outputs), "type"),
]
