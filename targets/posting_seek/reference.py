"""The exact truth of `posting-seek`, one id after the other.

Zobel, Moffat: Inverted files for text search engines, ACM Computing Surveys 38(2), 2006, sections 5 and 6: a posting
list of gaps, in blocks with a table of their first ids, and seeking in it. numba compiles the loops; no kernel shares a
line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import NO_ID, Case, Data, Exact, HostArray, Query

BLOCK = 128
"""Ids a block."""

BEHIND = 2
"""Words that belong to nobody behind those of the last block."""


@njit
def gaps_of(words: HostArray, start: HostArray, width: HostArray) -> HostArray:
    """Return uint32 (B, 128): each block's gaps, the first of which is 0, as they are packed."""
    gaps = np.zeros((width.shape[0], BLOCK), np.uint32)
    for b in range(width.shape[0]):
        for lane in range(BLOCK):
            bit = lane * width[b]
            low = np.uint64(words[start[b] + bit // 32])
            high = np.uint64(words[start[b] + bit // 32 + 1])
            both = low | (high << np.uint64(32))
            above = both >> np.uint64(bit % 32)
            gaps[b, lane] = above & ((np.uint64(1) << np.uint64(width[b])) - np.uint64(1))
    return gaps


@njit
def ids_of(words: HostArray, start: HostArray, width: HostArray, first: HostArray, n: int) -> HostArray:
    """Return uint64 (n,): the ids of a list, not reduced to 32 bits, so that an overflow shows."""
    gaps = gaps_of(words, start, width)
    ids = np.empty(n, np.uint64)
    for i in range(n):
        b, lane = i // BLOCK, i % BLOCK
        if lane == 0:
            ids[i] = first[b]
        else:
            ids[i] = ids[i - 1] + np.uint64(gaps[b, lane])
    return ids


@njit
def places_of(ids: HostArray, targets: HostArray) -> HostArray:
    """Return int64 (S,): how many ids lie before each target, by bisection (Knuth, volume 3, section 6.2.1)."""
    places = np.empty(targets.shape[0], np.int64)
    for s in range(targets.shape[0]):
        low, high = 0, ids.shape[0]
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < targets[s]:
                low = middle + 1
            else:
                high = middle
        places[s] = low
    return places


def length_of(case: Case) -> int:
    """Return n, how many ids a case's list has."""
    n = case.statics["n"]
    assert isinstance(n, int)
    return n


def ids_in(case: Case, data: Data) -> HostArray:
    """Return uint64 (n,): the ids of a data set."""
    ids: HostArray = ids_of(data["words"], data["start"], data["width"], data["first"], length_of(case))
    return ids


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    ids = ids_in(case, data)
    return _truth(ids, places_of(ids, query.astype(np.uint64)))


# ---- the audit: every answer in full, by means that take about as long as an answer --------------------------------


@njit
def table_of(ids: HostArray, shift: int) -> HostArray:
    """Return int64: how many ids lie before each stretch of ``2**shift`` numbers, counted from the first id on."""
    stretches = ((ids[-1] - ids[0]) >> np.uint64(shift)) + np.uint64(1)
    before = np.empty(np.int64(stretches) + 1, np.int64)
    place = 0
    for stretch in range(before.size):
        while place < ids.size and (ids[place] - ids[0]) >> np.uint64(shift) < stretch:
            place += 1
        before[stretch] = place
    return before


@njit
def looked_up(ids: HostArray, before: HostArray, shift: int, targets: HostArray) -> HostArray:
    """Do the same as `places_of` by bisection of the stretch alone in which a target lies."""
    places = np.empty(targets.shape[0], np.int64)
    for s in range(targets.shape[0]):
        if targets[s] <= ids[0]:
            places[s] = 0
            continue
        if targets[s] > ids[-1]:
            places[s] = ids.shape[0]
            continue
        stretch = np.int64((targets[s] - ids[0]) >> np.uint64(shift))
        low, high = before[stretch], before[stretch + 1]
        while low < high:
            middle = (low + high) // 2
            if ids[middle] < targets[s]:
                low = middle + 1
            else:
                high = middle
        places[s] = low
    return places


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked."""
    ids, targets = ids_in(case, data), np.stack(queries).astype(np.uint64)
    if not len(ids):
        return _truth(ids, np.zeros(targets.shape, np.int64))
    shift = max(0, int(ids[-1] - ids[0]).bit_length() - len(ids).bit_length())  # about as many stretches as ids
    return _truth(ids, looked_up(ids, table_of(ids, shift), shift, targets.reshape(-1)).reshape(targets.shape))


def _truth(ids: HostArray, places: HostArray) -> Exact:
    found = places < len(ids)
    known = np.append(ids, np.uint64(NO_ID))
    return Exact((known[places].astype(np.uint32), found))
