"""Mutants of `predicate`: validity misread, values compared wrongly, terms joined wrongly, ids made wrongly."""

from collections.abc import Callable
from typing import Any

import numpy as np
from lar.targets.predicate.form import Term
from tests.mutants import predicate_steps as right
from tests.mutants.predicate_steps import INT32_MIN, MAGNITUDE, Finish, Order, Steps
from tests.mutants.variants import Answers, Spoiler, Variant, spoiled, wrong

from lar import ops
from lar.contracts import Array, HostArray

Change = Callable[[Any, Array], Array]


# ---- validity ------------------------------------------------------------------------------------------------------


def where_valid(kept: Callable[[Array, int], Array]) -> right.Valid:
    """Return validity of which only some rows are kept, by their places."""
    return lambda xp, bitmap, n: right.valid_bits(xp, bitmap, n) & kept(ops.iota(xp, n, bitmap), n)


def highest_bit_first(xp: Any, bitmap: Array, n: int) -> Array:
    """Read each byte from its most significant bit on."""
    size = bitmap.shape[0]
    bits = xp.flip(xp.reshape(ops.unpack_bits(xp, bitmap, 8 * size), (size, 8)), axis=1)
    return xp.reshape(bits, (-1,))[:n]


def one_bit_late(xp: Any, bitmap: Array, n: int) -> Array:
    """Read each row's bit from the place of the row before it."""
    bits = right.valid_bits(xp, bitmap, n)
    return xp.concat([bits[:1], bits[:-1]])


def first_byte_again(xp: Any, bitmap: Array, n: int) -> Array:
    """Read the first eight bits for all rows."""
    bits = ops.unpack_bits(xp, bitmap, 8)
    return xp.take(bits, ops.iota(xp, n, bitmap) & 7, axis=0)


def all_valid(xp: Any, bitmap: Array, n: int) -> Array:
    """Ignore the bitmap."""
    return xp.ones_like(right.valid_bits(xp, bitmap, n))


# ---- numbers -------------------------------------------------------------------------------------------------------


def of_kind(kind: str, order: Order, plain: Order) -> Order:
    """Return a comparison that is changed for one type only."""
    return lambda xp, x, y, k: order(xp, x, y, k) if k == kind else plain(xp, x, y, k)


def after(kind: str, change: Change) -> Steps:
    """Return a kernel that changes numbers of one type before it compares them."""

    def less(xp: Any, x: Array, y: Array, k: str) -> Array:
        return right.less(xp, change(xp, x), change(xp, y), k)

    def equal(xp: Any, x: Array, y: Array, k: str) -> Array:
        return right.equal(xp, change(xp, x), change(xp, y), k)

    return Steps(less=of_kind(kind, less, right.less), equal=of_kind(kind, equal, right.equal))


def signed_low_words(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Compare low words as if they had a sign."""
    return (x[:, 1] < y[:, 1]) | ((x[:, 1] == y[:, 1]) & (x[:, 0] < y[:, 0]))


def unsigned_high_words(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Compare high words as if they had no sign."""
    high, other = x[:, 1] ^ INT32_MIN, y[:, 1] ^ INT32_MIN
    return (high < other) | ((high == other) & ((x[:, 0] ^ INT32_MIN) < (y[:, 0] ^ INT32_MIN)))


def high_or_low(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Take a smaller low word for a smaller number."""
    return (x[:, 1] < y[:, 1]) | ((x[:, 0] ^ INT32_MIN) < (y[:, 0] ^ INT32_MIN))


def by_difference(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Look at the sign of a difference that wraps."""
    return (x - y) < 0


def one_less(xp: Any, x: Array, y: Array, kind: str) -> Array:
    """Ask for ``x <= y - 1``, which wraps at the smallest number."""
    return x <= (y - 1)


def without_nan_test(order: Order) -> Order:
    """Return a comparison of keys that takes a NaN for a number."""

    def compare(xp: Any, x: Array, y: Array, kind: str) -> Array:
        return order(xp, ops.float_key(xp, x), ops.float_key(xp, y), "i32")

    return compare


def by_bits(order: Order) -> Order:
    """Return a comparison of floats as if their bits were integers."""
    return lambda xp, x, y, kind: order(xp, ops.bitcast(xp, x, xp.int32), ops.bitcast(xp, y, xp.int32), "i32")


def ordered_only(xp: Any, x: Array, y: Array, kind: str, steps: Steps) -> Array:
    """Say that a NaN is not different from anything."""
    found = right.different(xp, x, y, kind, steps)
    return found & right.is_number(xp, x) & right.is_number(xp, y) if kind == "f32" else found


def different_from_numbers(xp: Any, x: Array, y: Array, kind: str, steps: Steps) -> Array:
    """Say that nothing is different from a NaN."""
    found = right.different(xp, x, y, kind, steps)
    return found & right.is_number(xp, y) if kind == "f32" else found


def flushed(xp: Any, x: Array) -> Array:
    """Take subnormal numbers for zero."""
    bits = ops.bitcast(xp, x, xp.int32)
    return ops.bitcast(xp, xp.where((bits & 0x7F800000) == 0, bits & INT32_MIN, bits), xp.float32)


def cut(bits: int) -> Change:
    """Return floats of so many bits fewer."""
    return lambda xp, x: ops.bitcast(xp, (ops.bitcast(xp, x, xp.int32) >> bits) << bits, xp.float32)


def high_word(xp: Any, x: Array) -> Array:
    """Forget the low words."""
    return xp.stack([xp.zeros_like(x[:, 0]), x[:, 1]], axis=1)


def low_word(xp: Any, x: Array) -> Array:
    """Forget the high words."""
    return xp.stack([x[:, 0], xp.zeros_like(x[:, 1])], axis=1)


def swapped_words(xp: Any, x: Array) -> Array:
    """Take the high word first."""
    return xp.flip(x, axis=1)


# ---- lists and sets ------------------------------------------------------------------------------------------------


def first_constants(most: int) -> right.Member:
    """Return a list of which only so many constants are looked at."""
    return lambda xp, x, c, term, steps: right.in_list(xp, x, c[:most, ...], term, steps)


def last_missed(xp: Any, x: Array, c: Array, term: Term, steps: Steps) -> Array:
    """Look at all constants but the last."""
    return right.in_list(xp, x, c[: max(c.shape[0] - 1, 1), ...], term, steps)


def between(xp: Any, x: Array, c: Array, term: Term, steps: Steps) -> Array:
    """Take a list for the numbers from its last constant to its first."""
    low, high = c[-1:, ...], c[:1, ...]
    return xp.logical_not(steps.less(xp, x, low, term.kind) | steps.less(xp, high, x, term.kind))


def codes(change: Callable[[Array, int], Array]) -> right.Member:
    """Return a look-up of codes that are changed first."""

    def in_set(xp: Any, x: Array, bitmap: Array, term: Term, steps: Steps) -> Array:
        moved = change(xp.astype(x, xp.int32), 8 * bitmap.shape[0])
        return right.in_set(xp, moved, bitmap, term, steps)

    return in_set


def set_from_the_highest_bit(xp: Any, x: Array, bitmap: Array, term: Term, steps: Steps) -> Array:
    """Read each byte of a set from its most significant bit on."""
    bits = ops.pack_bits(xp, highest_bit_first(xp, bitmap, 8 * bitmap.shape[0]))
    return right.in_set(xp, x, bits, term, steps)


def not_in_set(xp: Any, x: Array, bitmap: Array, term: Term, steps: Steps) -> Array:
    """Look for codes that are not in the set."""
    return xp.logical_not(right.in_set(xp, x, bitmap, term, steps))


# ---- ids -----------------------------------------------------------------------------------------------------------


def ids(change: Callable[[Any, Array, Array], Array]) -> Finish:
    """Return right masks and counts, and ids int32 that are changed, given their number."""

    def finish(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
        bits, found, count = right.finished(xp, mask)
        return bits, ops.bitcast(xp, change(xp, ops.bitcast(xp, found, xp.int32), count), xp.uint32), count

    return finish


def of_rows(kept: Callable[[Array, int], Array]) -> Finish:
    """Return results that know some rows only, by their places."""

    def finish(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
        n = mask.shape[0]
        return right.finished(xp, mask & kept(ops.iota(xp, n, mask), n))

    return finish


def found(xp: Any, x: Array, count: Array, changed: Array) -> Array:
    """Change ids, and leave the padding."""
    return xp.where(ops.iota(xp, x.shape[0], x) < count, changed, x)


def padded_by(number: int) -> Finish:
    """Return ids behind which another number stands."""
    return ids(lambda xp, x, count: xp.where(ops.iota(xp, x.shape[0], x) < count, x, number))


def last_to_first(xp: Any, x: Array, count: Array) -> Array:
    """Write the ids backwards."""
    place = ops.iota(xp, x.shape[0], x)
    back = xp.maximum(count - 1 - place, xp.zeros_like(place))
    return found(xp, x, count, xp.take(x, back, axis=0))


def in_place(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
    """Leave each id where its row is."""
    bits, _, count = right.finished(xp, mask)
    place = xp.where(mask, ops.iota(xp, mask.shape[0], mask), -1)
    return bits, ops.bitcast(xp, place, xp.uint32), count


def mask_from_the_highest_bit(xp: Any, mask: Array) -> tuple[Array, Array, Array]:
    """Pack the mask from the most significant bit on."""
    bits, found_ids, count = right.finished(xp, mask)
    turned = ops.pack_bits(xp, highest_bit_first(xp, bits, 8 * bits.shape[0]))
    return turned, found_ids, count


def _mask(change: Callable[[HostArray], Any]) -> Spoiler:
    return lambda a: (change(a.outputs[0]), *a.outputs[1:])


def _ids(change: Callable[[HostArray], Any]) -> Spoiler:
    return lambda a: (a.outputs[0], change(a.outputs[1]), a.outputs[2])


def _count(change: Callable[[HostArray], Any]) -> Spoiler:
    return lambda a: (*a.outputs[:2], change(a.outputs[2]))


def _bits_of_no_row(answers: Answers) -> Any:
    mask = answers.outputs[0].copy()
    mask[-1] |= 255 << (8 - -answers.case.shape["n"] % 8) & 255
    return (mask, *answers.outputs[1:])


MUTANTS: list[Variant] = [
    wrong("validity ignored", Steps(valid=all_valid)),
    wrong("validity from the highest bit", Steps(valid=highest_bit_first)),
    wrong("validity one row late", Steps(valid=one_bit_late)),
    wrong("validity of the first byte for all", Steps(valid=first_byte_again)),
    wrong("validity behind the last 64 rows never read", Steps(valid=where_valid(lambda i, n: i < max(n - n % 64, 1)))),
    wrong("unknown taken for true", Steps(unknown=lambda xp, hit, valid: hit | xp.logical_not(valid))),
    wrong("< taken for <=", Steps(less=lambda xp, x, y, k: right.less(xp, x, y, k) | right.equal(xp, x, y, k))),
    wrong("<= taken for <", Steps(equal=lambda xp, x, y, k: right.equal(xp, x, y, k) & right.less(xp, x, y, k))),
    wrong("operands exchanged", Steps(less=lambda xp, x, y, k: right.less(xp, y, x, k))),
    wrong("i32 without a sign", after("i32", lambda xp, x: x ^ INT32_MIN)),
    wrong("i32 by a difference", Steps(less=of_kind("i32", by_difference, right.less))),
    wrong("i32 < c as <= c - 1", Steps(less=of_kind("i32", one_less, right.less))),
    wrong("i32 as a float32", after("i32", lambda xp, x: (x >> 8) << 8)),
    wrong("i64 by signed low words", Steps(less=of_kind("i64", signed_low_words, right.less))),
    wrong("i64 by unsigned high words", Steps(less=of_kind("i64", unsigned_high_words, right.less))),
    wrong("i64 smaller where the low word is", Steps(less=of_kind("i64", high_or_low, right.less))),
    wrong("i64 by the high word", after("i64", high_word)),
    wrong("i64 by the low word", after("i64", low_word)),
    wrong("i64 words exchanged", after("i64", swapped_words)),
    wrong("f32 ordered by bits", Steps(less=of_kind("f32", by_bits(right.less), right.less))),
    wrong("f32 equal by bits", Steps(equal=of_kind("f32", by_bits(right.equal), right.equal))),
    wrong("NaN ordered as a number", Steps(less=of_kind("f32", without_nan_test(right.less), right.less))),
    wrong("NaN equal to itself", Steps(equal=of_kind("f32", without_nan_test(right.equal), right.equal))),
    wrong("NaN different from nothing", Steps(different=ordered_only)),
    wrong("nothing different from NaN", Steps(different=different_from_numbers)),
    wrong("subnormals flushed", after("f32", flushed)),
    wrong("f32 as bfloat16", after("f32", cut(16))),
    wrong("f32 without its last bit", after("f32", cut(1))),
    wrong("-0.0 below 0.0", after("f32", lambda xp, x: ops.bitcast(xp, ops.float_key(xp, x) | 1, xp.float32))),
    wrong("the first constant alone", Steps(in_list=first_constants(1))),
    wrong("the first eight constants alone", Steps(in_list=first_constants(8))),
    wrong("the last constant never looked at", Steps(in_list=last_missed)),
    wrong("a list taken for a range", Steps(in_list=between)),
    wrong("codes cut to 8 bits", Steps(in_set=codes(lambda x, size: x & 255))),
    wrong("codes cut to 7 bits", Steps(in_set=codes(lambda x, size: x & 127))),
    wrong("codes one too high", Steps(in_set=codes(lambda x, size: x + 1))),
    wrong("set from the highest bit", Steps(in_set=set_from_the_highest_bit)),
    wrong("codes not in the set", Steps(in_set=not_in_set)),
    wrong("not null where null is asked for", Steps(null=lambda xp, v, wanted: xp.logical_xor(v, wanted == 0))),
    wrong("null whatever is asked for", Steps(null=lambda xp, v, wanted: xp.logical_not(v))),
    wrong("or instead of and", Steps(join=lambda xp, one, other: one | other)),
    wrong("the first term alone", Steps(join=lambda xp, one, other: one)),
    wrong("the second term alone", Steps(join=lambda xp, one, other: other)),
    wrong("rows behind the last 64 never seen", Steps(finish=of_rows(lambda i, n: i < max(n - n % 64, 1)))),
    wrong("rows behind the last 8 never seen", Steps(finish=of_rows(lambda i, n: i < max(n - n % 8, 1)))),
    wrong("last row never seen", Steps(finish=of_rows(lambda i, n: i < n - 1))),
    wrong("first row never seen", Steps(finish=of_rows(lambda i, n: i > 0))),
    wrong("right for rows below 65,536", Steps(finish=of_rows(lambda i, n: i < 65_536))),
    wrong("ids one too high", Steps(finish=ids(lambda xp, x, count: found(xp, x, count, x + 1)))),
    wrong("ids cut to 16 bits", Steps(finish=ids(lambda xp, x, count: found(xp, x, count, x & 0xFFFF)))),
    wrong("ids within their block", Steps(finish=ids(lambda xp, x, count: found(xp, x, count, x & 0xFFF)))),
    wrong("ids backwards", Steps(finish=ids(last_to_first))),
    wrong("ids where their rows are", Steps(finish=in_place)),
    wrong("padded with zeros", Steps(finish=padded_by(0))),
    wrong("padded with the largest int32", Steps(finish=padded_by(MAGNITUDE))),
    wrong("mask from the highest bit", Steps(finish=mask_from_the_highest_bit)),
    spoiled("bits of no row set in the mask", _bits_of_no_row, "value"),
    spoiled("another query's results", lambda a: a.other_query, "value"),
    spoiled("another case's results", lambda a: a.other_case or a.outputs, "value"),
    spoiled("another query's mask", lambda a: (a.other_query[0], *a.outputs[1:]), "value"),
    spoiled("an empty mask", _mask(np.zeros_like), "value"),
    spoiled("a count one too high", _count(lambda x: np.array(x + 1, np.int32)), "value"),
    spoiled("a count of 0", _count(np.zeros_like), "value"),
    spoiled("memory poisoned with 0xCD", _ids(lambda x: np.full_like(x, 0xCDCDCDCD)), "value"),
    spoiled("a boolean a row", _mask(lambda x: np.unpackbits(x, bitorder="little").astype(bool)), "dtype"),
    spoiled("int64 ids", _ids(lambda x: x.astype(np.int64)), "dtype"),
    spoiled("int32 ids", _ids(lambda x: x.view(np.int32)), "dtype"),
    spoiled("an int64 count", _count(lambda x: x.astype(np.int64)), "dtype"),
    spoiled("ids without padding", lambda a: (a.outputs[0], a.outputs[1][: int(a.outputs[2])], a.outputs[2]), "shape"),
    spoiled("a count in an array", _count(lambda x: x.reshape(1)), "shape"),
    spoiled("a longer mask", _mask(lambda x: np.append(x, np.uint8(0))), "shape"),
    spoiled("a number for the count", _count(lambda x: x[()]), "type"),
    spoiled("no mask", lambda a: a.outputs[1:], "count"),
    spoiled("ids alone", lambda a: a.outputs[1], "type"),
]
