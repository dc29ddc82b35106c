"""The variants of `fsst`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse.

Wrong ones go wrong where such kernels do: at runs of 255, at what is carried from block to block, at the bytes that a
store writes too many, at the end of the codes and of the text, at strings of nothing, in the width of an offset.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.mutants import fsst_steps
from tests.mutants.fsst_steps import BYTES, ESCAPE, WIDTH, Steps, shifted
from tests.mutants.variants import Spoiler, Variant, honest, spoiled, wrong

from lar import ops
from lar.contracts import Array, Data, HostArray, Tree

# ---- which codes are escapes ---------------------------------------------------------------------------------------


def every_255(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Take every 255 for an escape."""
    escape = codes == ESCAPE
    return escape, shifted(xp, escape)


def no_255(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Take none for one."""
    none = codes < 0
    return none, none


def first_of_a_run(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Take the first 255 of a run alone for an escape."""
    full = codes == ESCAPE
    escape = full & ~shifted(xp, full)
    return escape, shifted(xp, escape)


def first_and_third_of_a_run(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Look no more than three bytes back."""
    full = codes == ESCAPE
    one, two, three = (shifted(xp, full, by) for by in (1, 2, 3))
    escape = full & (~one | (two & ~three))
    return escape, shifted(xp, escape)


def even_places(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Take a 255 for an escape if its place is even."""
    escape = (codes == ESCAPE) & ((ops.iota(xp, codes.shape[0], codes) & 1) == 0)
    return escape, shifted(xp, escape)


def forgetting(block: int) -> Any:
    """Begin anew with every block of codes."""

    def find(xp: Any, codes: Array) -> tuple[Array, Array]:
        place = ops.iota(xp, codes.shape[0], codes)
        full, before = codes == ESCAPE, place - (place & (block - 1)) - 1
        last = xp.maximum(ops.running_max(xp, xp.where(full, -1, place)), before)
        escape = full & (((place - last) & 1) == 1)
        return escape, shifted(xp, escape) & ((place & (block - 1)) != 0)

    return find


# ---- which symbol a code stands for --------------------------------------------------------------------------------


def named(change: Callable[[Any, Array, Array, Array], Array]) -> Steps:
    """Return a kernel that changes right names: ``change(xp, names, escape, literal)``."""
    return Steps(name=lambda xp, codes, escape, literal: change(xp, right(xp, codes, literal), escape, literal))


def right(xp: Any, codes: Array, literal: Array) -> Array:
    return fsst_steps.name(xp, codes, literal, literal)


def laid_out(change: Callable[[Any, Array, Array], tuple[Array, Array]]) -> Steps:
    """Return a kernel that changes a right table: ``change(xp, symbols, lengths)``."""

    def layout(xp: Any, data: Data) -> Tree:
        state = fsst_steps.layout(xp, data)
        symbols, lengths = change(xp, state["symbols"], state["lengths"])
        return {"symbols": symbols, "lengths": lengths}

    return Steps(layout=layout)


def lengths(change: Callable[[Any, Array], Array]) -> Steps:
    """Return a kernel that changes the lengths of symbols, of those that are there and not escaped."""

    def changed(xp: Any, symbols: Array, lengths: Array) -> tuple[Array, Array]:
        there = (lengths > 0) & (ops.iota(xp, 2 * BYTES, lengths) < BYTES)
        return symbols, xp.where(there, change(xp, lengths), lengths)

    return laid_out(changed)


def ended_by_zero(xp: Any, symbols: Array, lengths: Array) -> tuple[Array, Array]:
    """End symbols at their first zero."""
    place = xp.reshape(ops.iota(xp, WIDTH, symbols), (1, -1))
    first = xp.min(xp.where(symbols == 0, place, WIDTH), axis=1)
    literal = ops.iota(xp, 2 * BYTES, lengths) >= BYTES
    return symbols, xp.where(literal, lengths, xp.minimum(lengths, first))


# ---- how far and where ---------------------------------------------------------------------------------------------


def beyond_the_last_string(xp: Any, state: Tree, names: Array, place: Array, total: Array) -> Array:
    return xp.take(state["lengths"], names)


def codes_up_to(limit: Callable[[Any], Any]) -> Steps:
    """Return a kernel that leaves out the codes from ``limit(total)`` on."""
    return Steps(
        width=lambda xp, state, names, place, total: fsst_steps.width(
            xp, state, names, place, xp.minimum(total, limit(total))
        )
    )


def whole_blocks(size: int) -> Callable[[Any], Any]:
    return lambda total: total - total % size


def earlier_store_stays(xp: Any, widths: Array, starts: Array, capacity: int) -> Array:
    """Give a byte to the first code whose eight bytes reach it."""
    at = ops.iota(xp, capacity, widths)
    first = xp.astype(xp.searchsorted(starts[:-1], at - (WIDTH - 1), side="left"), xp.int32)
    return xp.minimum(first, widths.shape[0] - 1)


def text_up_to(limit: int) -> Steps:
    """Return a kernel that is right up to a byte of the text."""
    return Steps(clear=lambda xp, text, at, end: xp.where(at < limit, fsst_steps.clear(xp, text, at, end), 0))


def ends(change: Callable[[Any, Array, Array, Array, int], Array]) -> Steps:
    """Return a kernel that changes right offsets: ``change(xp, ends, starts, offsets, capacity)``."""
    return Steps(
        end=lambda xp, starts, offsets, capacity: change(xp, xp.take(starts, offsets), starts, offsets, capacity)
    )


def one_behind(xp: Any, found: Array, starts: Array, offsets: Array, capacity: int) -> Array:
    return xp.concat([found[:1], found[:-1]])


def one_code_late(xp: Any, found: Array, starts: Array, offsets: Array, capacity: int) -> Array:
    return xp.take(starts, xp.minimum(offsets + 1, offsets[-1]))


COMPUTED = [
    wrong("every 255 an escape", Steps(find=every_255)),
    wrong("no escapes", Steps(find=no_255)),
    wrong("the first 255 of a run alone an escape", Steps(find=first_of_a_run)),
    wrong("the first and third 255 of a run alone escapes", Steps(find=first_and_third_of_a_run)),
    wrong("escapes at even places alone", Steps(find=even_places)),
    *(wrong(f"escapes forgotten after {block} codes", Steps(find=forgetting(block))) for block in (8, 64, 4096)),
    wrong("escaped bytes taken for codes", named(lambda xp, names, escape, literal: names & ESCAPE)),
    wrong("escapes written as they are", named(lambda xp, n, escape, literal: xp.where(escape, BYTES + ESCAPE, n))),
    wrong("255 written for escaped bytes", named(lambda xp, n, escape, literal: xp.where(literal, BYTES + ESCAPE, n))),
    wrong("escaped bytes of seven bits", named(lambda xp, n, escape, literal: xp.where(literal, n & ~0x80, n))),
    wrong("each code one too high", named(lambda xp, n, e, literal: xp.where(literal | e, n, (n + 1) & ESCAPE))),
    wrong("codes of seven bits", named(lambda xp, n, escape, literal: xp.where(literal | escape, n, n & 0x7F))),
    wrong("code 254 taken for the escape", named(lambda xp, n, e, literal: xp.where(n == ESCAPE - 1, ESCAPE, n))),
    wrong("code 0 without a symbol", named(lambda xp, n, escape, literal: xp.where(n == 0, ESCAPE, n))),
    wrong("symbols of eight bytes throughout", lengths(lambda xp, own: xp.full_like(own, WIDTH))),
    wrong("symbols of one byte throughout", lengths(lambda xp, own: xp.ones_like(own))),
    wrong("symbols of seven bytes at most", lengths(lambda xp, own: xp.minimum(own, 7 * xp.ones_like(own)))),
    wrong("lengths of three bits", lengths(lambda xp, own: own & 7)),
    wrong("symbols a byte too short", lengths(lambda xp, own: own - 1)),
    wrong("symbols ended by their first zero", laid_out(ended_by_zero)),
    wrong("symbols read from their ends", laid_out(lambda xp, symbols, own: (xp.flip(symbols, axis=1), own))),
    wrong("halves of symbols exchanged", laid_out(lambda xp, symbols, own: (xp.roll(symbols, 4, axis=1), own))),
    wrong("symbols of seven bits", laid_out(lambda xp, symbols, own: (symbols & 0x7F, own))),
    wrong("planes of four bytes alone", Steps(place=lambda xp, names, within: names * WIDTH + (within & 3))),
    wrong("codes behind the last string decoded", Steps(width=beyond_the_last_string)),
    wrong("the last code left out", codes_up_to(lambda total: total - 1)),
    *(wrong(f"whole blocks of {size} codes alone", codes_up_to(whole_blocks(size))) for size in (8, 64)),
    wrong("a symbol's eight bytes over the next one's", Steps(own=earlier_store_stays)),
    wrong("eight bytes of the last symbol", Steps(clear=lambda xp, text, at, end: xp.where(at < end + 7, text, 0))),
    wrong("the last byte left out", Steps(clear=lambda xp, text, at, end: fsst_steps.clear(xp, text, at, end - 1))),
    wrong("padding of ones", Steps(clear=lambda xp, text, at, end: xp.where(at < end, text, 1))),
    *(wrong(f"right up to {size:,} bytes", text_up_to(size)) for size in (64, 4_096, 8_192, 65_536)),
    wrong("offsets of the codes", ends(lambda xp, found, starts, offsets, capacity: offsets + 0)),
    wrong("offsets up to the capacity", ends(lambda xp, found, s, o, capacity: xp.clip(found, 0, capacity))),
    wrong("offsets a string late", ends(one_behind)),
    wrong("offsets a code late", ends(one_code_late)),
    wrong("offsets of 16 bits", ends(lambda xp, found, starts, offsets, capacity: found & 0xFFFF)),
    wrong("offsets of signed 16 bits", ends(lambda xp, found, s, o, capacity: ((found & 0xFFFF) ^ 0x8000) - 0x8000)),
    wrong("strings at multiples of eight", ends(lambda xp, found, s, o, capacity: (found + 7) & ~7)),
]


# ---- right texts, spoilt -------------------------------------------------------------------------------------------


class Subclass(np.ndarray[Any, Any]):
    """Equal to its own type only by looks."""


def text(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil the text."""
    return lambda answers: (function(answers.outputs[0]), answers.outputs[1])


def offsets(function: Callable[[HostArray], Any]) -> Spoiler:
    """Spoil the offsets."""
    return lambda answers: (answers.outputs[0], function(answers.outputs[1]))


def _put(array: HostArray, place: int, value: int) -> HostArray:
    out = array.copy()
    out[place] = value
    return out


SPOILT = [
    spoiled("zeros", lambda a: tuple(map(np.zeros_like, a.outputs)), "value"),
    spoiled("text of zeros", text(np.zeros_like), "value"),
    spoiled("text poisoned with 0xCD", text(lambda t: np.full_like(t, 0xCD)), "value"),
    spoiled("the first byte altered by one bit", text(lambda t: _put(t, 0, t[0] ^ 1)), "value"),
    spoiled("the last byte altered by one bit", text(lambda t: _put(t, -1, t[-1] ^ 128)), "value"),
    spoiled("a byte in the middle never written", text(lambda t: _put(t, len(t) // 2, 0xCD)), "value"),
    spoiled("text in reverse", text(lambda t: t[::-1].copy()), "value"),
    spoiled("text rotated by one", text(lambda t: np.roll(t, 1)), "value"),
    spoiled("upper case", text(lambda t: np.where((t >= 97) & (t <= 122), t & 0xDF, t)), "value"),
    spoiled("offsets of zeros", offsets(np.zeros_like), "value"),
    spoiled("the first offset one", offsets(lambda o: _put(o, 0, 1)), "value"),
    spoiled("the last offset one more", offsets(lambda o: _put(o, -1, o[-1] + 1)), "value"),
    spoiled("lengths for offsets", offsets(lambda o: np.diff(o, prepend=o[:1])), "value"),
    spoiled("offsets of the ends", offsets(lambda o: np.append(o[1:], o[-1])), "value"),
    spoiled("swapped bytes in the offsets", offsets(lambda o: o.byteswap()), "value"),
    spoiled("the page before", lambda a: a.other_query, "value"),
    spoiled("another case's page", lambda a: a.outputs if a.other_case is None else a.other_case, "value"),
    spoiled("this text with the offsets before", lambda a: (a.outputs[0], a.other_query[1]), "value"),
    spoiled("one byte too few", text(lambda t: t[:-1]), "shape"),
    spoiled("the slack of stores", text(lambda t: np.append(t, np.zeros(64, np.uint8))), "shape"),
    spoiled("one offset too few", offsets(lambda o: o[:-1]), "shape"),
    spoiled("text in two dimensions", text(lambda t: t[None]), "shape"),
    spoiled("text of int8", text(lambda t: t.view(np.int8)), "dtype"),
    spoiled("text of characters", text(lambda t: t.view("S1")), "dtype"),
    spoiled("offsets of uint32", offsets(lambda o: o.view(np.uint32)), "dtype"),
    spoiled("offsets of int64", offsets(lambda o: o.astype(np.int64)), "dtype"),
    spoiled("big-endian offsets", offsets(lambda o: o.astype(">i4")), "dtype"),
    spoiled("outputs exchanged", lambda a: a.outputs[::-1], "dtype", "shape"),
    spoiled("nothing", lambda a: None, "type"),
    spoiled("text alone", lambda a: a.outputs[:1], "count"),
    spoiled("an output more", lambda a: (*a.outputs, a.outputs[1]), "count"),
    spoiled("bytes of Python", text(lambda t: t.tobytes()), "type"),
    spoiled("a subclass of array", text(lambda t: t.view(Subclass)), "type"),
]


# ---- right ---------------------------------------------------------------------------------------------------------


def by_search(xp: Any, widths: Array, starts: Array, capacity: int) -> Array:
    """Search the code of each byte among the places where codes end."""
    owner = xp.astype(xp.searchsorted(starts[1:], ops.iota(xp, capacity, widths), side="right"), xp.int32)
    return xp.minimum(owner, widths.shape[0] - 1)


def by_doubling(xp: Any, codes: Array) -> tuple[Array, Array]:
    """Count the 255 that end at each place by joining runs of one, two, four, ..."""
    full = codes == ESCAPE
    length = xp.astype(full, xp.int32)
    step = 1
    while step < codes.shape[0]:
        before = xp.concat([xp.zeros_like(length[:step]), length[: codes.shape[0] - step]])
        length = xp.where(length == step, length + before, length)
        step *= 2
    escape = full & ((length & 1) == 1)
    return escape, shifted(xp, escape)


MUTANTS: list[Variant] = [*COMPUTED, *SPOILT]
HONEST = [
    honest("in steps", Steps()),
    honest("the code of a byte searched", Steps(own=by_search)),
    honest("runs of 255 counted by doubling", Steps(find=by_doubling)),
    honest("padding multiplied away", Steps(clear=lambda xp, text, at, end: text * xp.astype(at < end, xp.int32))),
    honest("symbols by offsets and rows", Steps(place=lambda xp, names, within: (names << 3) + (within & 7))),
]
