"""Wrong computations of `dictionary`.

They go wrong where such kernels do: in the order of a bitmap's bits and at its end, in what a null gives, in how
wide a code is and whether it has a sign, in words carried as numbers, in strings longer than what is copied at once,
and in what stands behind the last of them.
"""

from collections.abc import Callable
from typing import Any

from tests.mutants.dictionary_steps import Found, Owned, Steps, by_bits, one_by_one
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array

INT32_MIN = -(2**31)


# ---- bitmaps -------------------------------------------------------------------------------------------------------


def bits_of(bitmap: Array, bit: Callable[[Array], Array], xp: Any, n: int) -> Array:
    """Return for each place the bit whose number is given, of the bitmap, or none where that is too short."""
    place = bit(ops.iota(xp, n, bitmap))
    octet = xp.minimum(place >> 3, xp.full_like(place, bitmap.shape[0] - 1))
    return (xp.astype(xp.take(bitmap, octet), xp.int32) >> (place & 7)) & 1 == 1


def highest_first(xp: Any, bitmap: Array, n: int) -> Array:
    return bits_of(bitmap, lambda i: i ^ 7, xp, n)


def one_late(xp: Any, bitmap: Array, n: int) -> Array:
    return bits_of(bitmap, lambda i: i + 1, xp, n)


def within(bits: int) -> Any:
    """Number bits modulo so many."""
    return lambda xp, bitmap, n: bits_of(bitmap, lambda i: i & (bits - 1), xp, n)


def tail(group: int, value: bool) -> Any:
    """Take the places behind the last whole group for valid, or for null."""

    def valid(xp: Any, bitmap: Array, n: int) -> Array:
        found = by_bits(xp, bitmap, n)
        return xp.where(ops.iota(xp, n, bitmap) < n - n % group, found, xp.full_like(found, value))

    return valid


def by_whole(group: int, full: bool) -> Any:
    """Take a group for null unless all, or none, of its places are: a branch for eight places in place of each."""

    def valid(xp: Any, bitmap: Array, n: int) -> Array:
        found = xp.astype(by_bits(xp, bitmap, n), xp.int32)
        padding = xp.zeros((-n % group,), dtype=xp.int32, device=ops.device_of(bitmap))
        rows = xp.reshape(xp.concat([found, padding]), (-1, group))
        known = xp.sum(rows, axis=1, dtype=xp.int32) >= (group if full else 1)
        return xp.take(known, ops.iota(xp, n, bitmap) // group)

    return valid


# ---- nulls and codes -----------------------------------------------------------------------------------------------


def last_valid(xp: Any, codes: Array, valid: Array, K: int) -> Array:
    """Repeat at a null what stands before it."""
    place = ops.running_max(xp, xp.where(valid, ops.iota(xp, codes.shape[0], codes), -1))
    return xp.where(place < 0, K, xp.take(codes, xp.where(place < 0, 0, place)))


def signed(xp: Any, codes: Array, bits: int) -> Array:
    """Take the highest bit of a code for its sign."""
    return codes if bits == 32 else (codes << (32 - bits)) >> (32 - bits)


def cut_to(kept: int) -> Any:
    return lambda xp, codes, bits: codes & ((1 << kept) - 1)


def swapped(xp: Any, codes: Array, bits: int) -> Array:
    """Swap the bytes of a code."""
    if bits == 8:
        return codes
    if bits == 16:
        return ((codes & 0xFF) << 8) | (codes >> 8)
    return (codes << 24) | ((codes & 0xFF00) << 8) | (ops.lsr(xp, codes, 8) & 0xFF00) | ops.lsr(xp, codes, 24)


def no_sentinel(value: int) -> Any:
    """Take one code for null, whatever the bitmap says."""
    return lambda xp, codes, valid, K: xp.where(valid & (codes != value), codes, K)


# ---- words ---------------------------------------------------------------------------------------------------------


def quiet(xp: Any, words: Array, valid: Array) -> Array:
    is_nan = ((words & 0x7F800000) == 0x7F800000) & ((words & 0x7FFFFF) != 0)
    return xp.where(is_nan, words | 0x400000, words)


def flushed(xp: Any, words: Array, valid: Array) -> Array:
    return xp.where((words & 0x7F800000) == 0, words & INT32_MIN, words)


def from_low(xp: Any, words: Array, valid: Array) -> Array:
    """Make the second word of the first one's sign."""
    return (
        xp.concat([words[:, :1], words[:, 1:2] * 0 + (words[:, :1] >> 31), words[:, 2:]], axis=1)
        if (words.shape[1] > 1)
        else words
    )


def at_nulls(value: int) -> Any:
    return lambda xp, words, valid: xp.where(valid[:, None], words, value)


def through_float64(xp: Any, words: Array, valid: Array) -> Array:
    """Lose of an int64 what 53 bits do not hold: the lowest bits where the highest word is large."""
    if words.shape[1] != 2:
        return words
    large = (words[:, 1:] > 1 << 21) | (words[:, 1:] < -(1 << 21))
    return xp.concat([xp.where(large, words[:, :1] & -1024, words[:, :1]), words[:, 1:]], axis=1)


# ---- strings -------------------------------------------------------------------------------------------------------


def at_most(length: int) -> Any:
    return lambda xp, lengths, valid: xp.where(lengths > length, length, lengths)


def copied_up_to(size: int) -> Any:
    """Leave out what lies behind the first bytes of a string."""
    return lambda xp, o: xp.where(o.place - o.first < size, one_by_one(xp, o), 2**30)


def whole_chunks(size: int) -> Any:
    """Leave out what lies behind the last whole chunk of a string longer than one."""

    def source(xp: Any, o: Owned) -> Array:
        kept = (o.place - o.first < o.length // size * size) | (o.length < size)
        return xp.where(kept, one_by_one(xp, o), 2**30)

    return source


def overwritten(size: int) -> Any:
    """Let a string's last bytes be overwritten by those in front of the next one, as copies in the other order do."""
    return lambda xp, o: xp.where(
        (o.first + o.length - o.place <= o.length % size) & (o.length > size), 0, one_by_one(xp, o)
    )


def bytes_of(change: Callable[[Any, Array], Array]) -> Any:
    return lambda xp, found, capacity: (change(xp, found[0]), *found[1:])


def clamped(xp: Any, found: Found, capacity: int) -> Found:
    """Let offsets and total end where the room does."""
    octets, offsets, total = found
    return octets, xp.where(offsets > capacity, capacity, offsets), xp.where(total > capacity, capacity, total)


def total_of_room(xp: Any, found: Found, capacity: int) -> Found:
    return found[0], found[1], xp.where(found[2] > capacity, capacity, found[2])


def from_one(xp: Any, found: Found, capacity: int) -> Found:
    return found[0], found[1] + 1, found[2]


def ends_for_starts(xp: Any, found: Found, capacity: int) -> Found:
    return found[0], xp.concat([found[1][1:], found[1][-1:]]), found[2]


def without_last(xp: Any, found: Found, capacity: int) -> Found:
    """Leave out the last byte that fits, as a copy that keeps off the end does."""
    octets, offsets, total = found
    place = ops.iota(xp, capacity, offsets)
    kept = place != xp.where(total < capacity, total, capacity) - 1
    return xp.astype(xp.where(kept, xp.astype(octets, xp.int32), 0), xp.uint8), offsets, total


COMPUTED: list[Variant] = [
    wrong("a bitmap's highest bit first", Steps(highest_first)),
    wrong("a bitmap one place late", Steps(one_late)),
    wrong("a bitmap that says what is null", Steps(lambda xp, bitmap, n: ~by_bits(xp, bitmap, n))),
    wrong("nothing null", Steps(lambda xp, bitmap, n: ops.iota(xp, n, bitmap) >= 0)),
    wrong("everything null", Steps(lambda xp, bitmap, n: ops.iota(xp, n, bitmap) < 0)),
    *(wrong(f"the first {bits} bits of a bitmap over and over", Steps(within(bits))) for bits in (8, 64, 1_024, 4_096)),
    *(wrong(f"valid behind the last whole {size}", Steps(tail(size, value=True))) for size in (8, 16, 64)),
    *(wrong(f"null behind the last whole {size}", Steps(tail(size, value=False))) for size in (8, 16, 64)),
    wrong("null where any of eight is", Steps(by_whole(8, full=True))),
    wrong("valid where any of eight is", Steps(by_whole(8, full=False))),
    wrong("valid where any of 64 is", Steps(by_whole(64, full=False))),
    wrong("the first entry for nulls", Steps(entries=lambda xp, codes, valid, K: xp.where(valid, codes, 0))),
    wrong("the last entry for nulls", Steps(entries=lambda xp, codes, valid, K: xp.where(valid, codes, K - 1))),
    wrong("the value before for nulls", Steps(entries=last_valid)),
    wrong("code 0 for null", Steps(entries=no_sentinel(0))),
    wrong("code 255 for null", Steps(entries=no_sentinel(255))),
    wrong("codes from 1 on", Steps(codes=lambda xp, codes, bits: codes - 1)),
    wrong("codes from -1 on", Steps(codes=lambda xp, codes, bits: codes + 1)),
    wrong("codes with a sign", Steps(codes=signed)),
    wrong("codes of the other byte order", Steps(codes=swapped)),
    *(wrong(f"codes cut to {bits} bits", Steps(codes=cut_to(bits))) for bits in (4, 5, 7, 8, 15, 16)),
    wrong("the last entry never reached", Steps(entries=lambda xp, c, v, K: xp.where(v, xp.where(c < K - 1, c, 0), K))),
    wrong("ones at nulls", Steps(words=at_nulls(-1))),
    wrong("NaN at nulls", Steps(words=at_nulls(0x7FC00000))),
    wrong("words exchanged", Steps(words=lambda xp, words, valid: xp.flip(words, axis=1))),
    wrong("the first word twice", Steps(words=lambda xp, words, valid: words[:, :1] + xp.zeros_like(words))),
    wrong("the second word from the first one's sign", Steps(words=from_low)),
    wrong("int64 through float64", Steps(words=through_float64)),
    wrong("signalling NaN made quiet", Steps(words=quiet)),
    wrong("subnormals flushed", Steps(words=flushed)),
    wrong("-0.0 made 0.0", Steps(words=lambda xp, words, valid: xp.where(words == INT32_MIN, 0, words))),
    *(wrong(f"strings cut to {size} bytes", Steps(lengths=at_most(size))) for size in (15, 16, 31, 32, 63, 64, 255)),
    *(
        wrong(f"{size} bytes of a string copied", Steps(source=copied_up_to(size)))
        for size in (16, 31, 32, 63, 64, 128)
    ),
    *(wrong(f"whole chunks of {size} bytes copied", Steps(source=whole_chunks(size))) for size in (8, 16, 32, 64)),
    *(wrong(f"the end of longer strings than {size} overwritten", Steps(source=overwritten(size))) for size in (8, 32)),
    wrong("a byte for an empty string", Steps(lengths=lambda xp, lengths, valid: xp.where(lengths < 1, 1, lengths))),
    wrong("a byte for a null", Steps(lengths=lambda xp, lengths, valid: xp.where(valid, lengths, 1))),
    wrong("lengths of one byte", Steps(lengths=lambda xp, lengths, valid: lengths & 0xFF)),
    wrong("strings from the first byte of all", Steps(source=lambda xp, o: one_by_one(xp, o) - 5)),
    wrong("strings backwards", Steps(source=lambda xp, o: o.start + o.length - 1 - (o.place - o.first))),
    wrong("whatever follows behind the last string", Steps(zeros_behind=False)),
    wrong("bytes of seven bits", Steps(after=bytes_of(lambda xp, octets: octets & 0x7F))),
    wrong("offsets that end where the room does", Steps(after=clamped)),
    wrong("a total that ends where the room does", Steps(after=total_of_room)),
    wrong("offsets from 1 on", Steps(after=from_one)),
    wrong("ends for offsets", Steps(after=ends_for_starts)),
    wrong("the last byte never copied", Steps(after=without_last)),
]
