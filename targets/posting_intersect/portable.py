"""`posting-intersect` once, against the array API: the shortest list searched in the others, what was found compacted.

Lists are slices whose places are known at run time only, so each is read through a window of static size, padded behind
its end with the largest key. That may be a real id, hence what is found is also held against the list's length. Ids are
compared as int32 with the highest bit flipped, which sort as uint32 do.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_LARGEST = 2**31 - 1


def prepare(xp: Any, data: Data, *, capacity: int, shortest: int, longest: int) -> Tree:
    """Turn the ids into keys.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``ids`` uint32 (P,) and ``offsets`` int32 (lists + 1,).
    capacity, shortest, longest : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``keys`` int32 (P + 1,), with one of padding, so that there is always one to read; ``offsets`` as given.
    """
    del capacity, shortest, longest
    keys = ops.ordered(xp, data["ids"])
    padding = xp.full((1,), _LARGEST, dtype=xp.int32, device=ops.device_of(keys))
    return {"keys": xp.concat([keys, padding]), "offsets": data["offsets"]}


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int, shortest: int, longest: int) -> tuple[Array, Array]:
    """Find the ids that the lists of each row of the query have in common.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        int32 (nq, K): numbers of lists.
    capacity : int
        How many ids to return at most.
    shortest, longest : int
        The shortest list of a row has at most so many ids, and no list more than so many.

    Returns
    -------
    ids : array
        uint32 (nq, capacity), ascending, padded with 2**32 - 1.
    counts : array
        int32 (nq,): how many ids they have in common, which may be above the capacity.
    """
    keys, offsets = state["keys"], state["offsets"]

    def window(start: Array, length: Array, size: int) -> Array:
        inside = ops.iota(xp, size, keys)
        return xp.where(inside < length, xp.take(keys, xp.where(inside < length, start + inside, 0)), _LARGEST)

    def common(numbers: Array) -> tuple[Array, Array]:
        starts = xp.take(offsets, numbers)
        lengths = xp.take(offsets, numbers + 1) - starts
        order = xp.argsort(lengths)
        starts, lengths = xp.take(starts, order), xp.take(lengths, order)
        wanted = window(starts[0], lengths[0], shortest)
        kept = ops.iota(xp, shortest, keys) < lengths[0]
        for j in range(1, numbers.shape[0]):
            other = window(starts[j], lengths[j], longest)
            place = xp.astype(xp.searchsorted(other, wanted, side="left"), xp.int32)
            inside = place < lengths[j]
            kept = kept & inside & (xp.take(other, xp.where(inside, place, 0)) == wanted)
        places, count = ops.compact(xp, kept, capacity, 0)
        return xp.where(ops.iota(xp, capacity, keys) < count, xp.take(wanted, places), _LARGEST), count

    found, counts = ops.map_rows(xp, common, query)
    return ops.unordered(xp, found), counts
