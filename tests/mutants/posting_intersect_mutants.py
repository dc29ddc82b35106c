"""Mutants of `posting-intersect`: computations that go wrong in the ways such kernels go wrong."""

from typing import Any

from tests.mutants.posting_intersect_honest import as_named, longest_first
from tests.mutants.posting_intersect_steps import LARGEST, Found, Keys, Steps, compacted, searched
from tests.mutants.variants import Variant, wrong

from lar import ops
from lar.contracts import Array

SIGN = -(2**31)


# ---- what is compared ----------------------------------------------------------------------------------------------


def with_a_sign(xp: Any, ids: Array) -> Array:
    """Take the bits of ids for keys, so that those from 2**31 on sort before the others."""
    del xp
    return ids ^ SIGN


def cut_to(bits: int) -> Keys:
    """Return keys of the low bits alone, as of a container that forgets which chunk it is of."""
    return lambda xp, ids: ids & ((1 << bits) - 1)


def as_float32(xp: Any, ids: Array) -> Array:
    """Cut ids to the 24 bits that a float32 holds, if they are that large."""
    return xp.where(ids >= SIGN + 2**24, (ids >> 8) << 8, ids)


# ---- what is found -------------------------------------------------------------------------------------------------


def same_place(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Look at the same place in the other list."""
    places = ops.iota(xp, wanted.shape[0], wanted)
    inside = places < length
    return inside & (xp.take(other, xp.where(inside, places, 0)) == wanted)


def padding_is_an_id(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Trust the padding to be no id."""
    del length
    place = xp.astype(xp.searchsorted(other, wanted, side="left"), xp.int32)
    inside = place < other.shape[0]
    return inside & (xp.take(other, xp.where(inside, place, 0)) == wanted)


def largest_is_padding(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Trust no id to be the padding."""
    return searched(xp, wanted, other, length) & (wanted != LARGEST)


def first_missed(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Begin at the second key."""
    return searched(xp, wanted, other, length) & (wanted != other[0])


def last_missed(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Stop before the last key."""
    return searched(xp, wanted, other, length - 1)


def one_too_far(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Look behind the place where a key is."""
    place = xp.astype(xp.searchsorted(other, wanted, side="right"), xp.int32)
    inside = place < length
    return inside & (xp.take(other, xp.where(inside, place, 0)) == wanted)


def whole_vectors(lanes: int) -> Found:
    """Return a search that forgets the keys behind the last whole vector."""
    return lambda xp, wanted, other, length: searched(xp, wanted, other, length // lanes * lanes)


def up_to(count: int) -> Found:
    """Return a search that looks at so many keys."""
    return lambda xp, wanted, other, length: searched(xp, wanted, other, xp.where(length > count, count, length))


def blocks_of(bits: int) -> Found:
    """Return a search that finds every key whose block the other list has: a filter that is not followed up."""
    return lambda xp, wanted, other, length: searched(xp, wanted >> bits, other >> bits, length)


def not_found(xp: Any, wanted: Array, other: Array, length: Array) -> Array:
    """Keep what the other list does not have."""
    return ~searched(xp, wanted, other, length)


# ---- what is written -----------------------------------------------------------------------------------------------


def in_place(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Leave what is kept where it was."""
    n = min(ids.shape[0], capacity)
    padding = xp.full((capacity - n,), LARGEST, dtype=xp.int32, device=ops.device_of(ids))
    return xp.concat([xp.where(kept, ids, LARGEST)[:n], padding]), ops.count(xp, kept)


def count_to_capacity(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Count what was written, not what there is."""
    found, count = compacted(xp, ids, kept, capacity)
    return found, xp.where(count > capacity, capacity, count)


def nothing_on_overflow(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Give up where there is too much."""
    found, count = compacted(xp, ids, kept, capacity)
    return xp.where(count > capacity, LARGEST, found), count


def last_of_a_full_output_missed(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Stop one short of the capacity."""
    found, count = compacted(xp, ids, kept, capacity)
    return xp.where((ops.iota(xp, capacity, ids) == capacity - 1) & (count >= capacity), LARGEST, found), count


def largest_first(xp: Any, ids: Array, kept: Array, capacity: int) -> tuple[Array, Array]:
    """Write from behind."""
    found, count = compacted(xp, ids, kept, capacity)
    rank, filled = ops.iota(xp, capacity, ids), xp.where(count < capacity, count, capacity)
    return xp.where(rank < filled, xp.take(found, xp.where(rank < filled, filled - 1 - rank, 0)), LARGEST), count


MUTANTS: list[Variant] = [
    wrong("ids compared with a sign", Steps(keys=with_a_sign)),
    wrong("ids compared by 16 bits", Steps(keys=cut_to(16))),
    wrong("ids compared by 24 bits", Steps(keys=cut_to(24))),
    wrong("ids compared as float32", Steps(keys=as_float32)),
    wrong("right if the first list is the shortest", Steps(order=as_named)),
    wrong("the longest list cut to the shortest", Steps(order=longest_first)),
    wrong("right for two lists", Steps(lists=lambda K: min(K, 2))),
    wrong("the last list forgotten", Steps(lists=lambda K: K - 1)),
    wrong("one list alone", Steps(lists=lambda K: 1)),
    wrong("the same place in the other list", Steps(found=same_place)),
    wrong("padding taken for an id", Steps(found=padding_is_an_id)),
    wrong("the largest id taken for padding", Steps(found=largest_is_padding)),
    wrong("the first id of a list never seen", Steps(found=first_missed)),
    wrong("the last id of a list never seen", Steps(found=last_missed)),
    wrong("one place too far", Steps(found=one_too_far)),
    wrong("ids behind the last 8 never seen", Steps(found=whole_vectors(8))),
    wrong("ids behind the last 16 never seen", Steps(found=whole_vectors(16))),
    wrong("right for lists up to 4096", Steps(found=up_to(4_096))),
    wrong("right for lists up to 8192", Steps(found=up_to(8_192))),
    wrong("blocks of 8 in the place of ids", Steps(found=blocks_of(3))),
    wrong("blocks of 512 in the place of ids", Steps(found=blocks_of(9))),
    wrong("what is not in common", Steps(found=not_found)),
    wrong("not moved to the front", Steps(written=in_place)),
    wrong("counts up to the capacity", Steps(written=count_to_capacity)),
    wrong("nothing where it overflows", Steps(written=nothing_on_overflow)),
    wrong("the last of a full output missing", Steps(written=last_of_a_full_output_missed)),
    wrong("the largest first", Steps(written=largest_first)),
]
