"""The exact scalar truth of `posting-intersect`, to be read beside the book.

Manning, Raghavan, Schuetze 2008: `merged` is INTERSECT of figure 1.6, two pointers that walk the lists; `intersection`
is that of figure 1.7 for many lists, here in the order the query names them. numba compiles the loops; no kernel shares
a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import NO_ID, Case, Data, Exact, HostArray, Query

_MUCH_LONGER = 16


@njit
def merged(first: HostArray, second: HostArray, out: HostArray) -> int:
    """Write the common ids of two ascending lists to `out`, which may be `first` itself; return how many they are."""
    i, j, count = 0, 0, 0
    while i < first.size and j < second.size:
        if first[i] == second[j]:
            out[count] = first[i]
            count += 1
            i += 1
            j += 1
        elif first[i] < second[j]:
            i += 1
        else:
            j += 1
    return count


@njit
def intersection(offsets: HostArray, ids: HostArray, numbers: HostArray, out: HostArray) -> int:
    """Write the common ids of the named lists to `out`, as long as the first of them; return how many they are."""
    first = ids[offsets[numbers[0]] : offsets[numbers[0] + 1]]
    count = first.size
    out[:count] = first
    for number in numbers[1:]:
        count = merged(out[:count], ids[offsets[number] : offsets[number + 1]], out)
    return count


@njit
def answers(offsets: HostArray, ids: HostArray, query: HostArray, found: HostArray, counts: HostArray) -> None:
    """Write the answer to each row of a query, padded."""
    for r in range(query.shape[0]):
        everything = np.empty(offsets[query[r, 0] + 1] - offsets[query[r, 0]], np.uint32)
        count = intersection(offsets, ids, query[r], everything)
        counts[r] = count
        for i in range(found.shape[1]):
            found[r, i] = everything[i] if i < count else NO_ID


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    found, counts = np.empty((len(query), case.shape["capacity"]), np.uint32), np.empty(len(query), np.int32)
    answers(data["offsets"], data["ids"], query, found, counts)
    return Exact((found, counts))


# ---- the audit: every answer in full, by means that take about as long as an answer --------------------------------


@njit
def stepped(first: HostArray, second: HostArray, out: HostArray) -> int:
    """Do the same as `merged` without a branch on what is compared, which no processor foresees."""
    i, j, count = 0, 0, 0
    while i < first.size and j < second.size:
        one, other = first[i], second[j]
        out[count] = one  # behind what is known, and not ahead of what is read
        count += one == other
        i += one <= other
        j += other <= one
    return count


@njit
def searched(few: HostArray, many: HostArray, out: HostArray) -> int:
    """Do the same as `merged` by bisection of the longer list, for a list much shorter than the other."""
    count, low = 0, 0
    for value in few:
        high = many.size
        while low < high:
            middle = (low + high) // 2
            if many[middle] < value:
                low = middle + 1
            else:
                high = middle
        if low < many.size and many[low] == value:
            out[count] = value
            count += 1
    return count


@njit
def audited(offsets: HostArray, ids: HostArray, query: HostArray, found: HostArray, counts: HostArray) -> None:
    """Do the same as `answers`, the shortest list first."""
    for r in range(query.shape[0]):
        starts, ends = offsets[query[r]], offsets[query[r] + 1]
        first = np.argmin(ends - starts)
        kept = ids[starts[first] : ends[first]].copy()
        for j in range(query.shape[1]):
            other = ids[starts[j] : ends[j]]
            if j == first:
                continue
            if other.size > _MUCH_LONGER * kept.size:
                kept = kept[: searched(kept, other, kept)]
            else:
                kept = kept[: stepped(kept, other, kept)]
        counts[r] = kept.size
        found[r] = NO_ID
        head = kept[: found.shape[1]]
        found[r, : head.size] = head


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls' outputs, stacked."""
    rows = np.concatenate(queries)
    found, counts = np.empty((len(rows), case.shape["capacity"]), np.uint32), np.empty(len(rows), np.int32)
    audited(data["offsets"], data["ids"], rows, found, counts)
    return Exact((found.reshape(len(queries), -1, found.shape[1]), counts.reshape(len(queries), -1)))
