"""`fts-bm25` on NumPy, compiled by numba: term at a time into one sum a document, and only where that may matter.

`prepare` computes what each posting weighs, and for each term the largest weight and the k-th largest: the k-th best
document of a query weighs no less than that of any of its terms. A query's terms are taken by falling largest weight.

- **Essential terms.** Once the largest weights of all terms that are left come to less than the k-th best score, a
  document that holds only such terms is no result: their lists bring no new documents.
- **Few postings** in the essential lists: no step goes over all documents. One walk sets the sums of their documents to
  zero, one adds up, one collects the documents that can still be a result by what the other terms add at most. What
  that is, is then looked up in the lists of these.
- **Many postings**: all sums of a window of documents are set to zero, the lists' parts added up, and 64 sums at a time
  are held against the k-th best score. A window stays in the first cache. A posting is one word, its document above its
  weight, so that one comparison tells whether eight of them lie in the window.

Sums are made of the same terms in the same order on either way, so a query's results do not depend on it; equal scores
go by document. No weight is negative, so a sum of some terms is at most that of all, rounding included. What is held
against sums that are made in another order has a margin, `_SLACK`.

Source: Turtle, Flood: Query evaluation: strategies and optimizations, Information Processing & Management 31(6), 1995.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import largest, shortlist
from lar.simd.shortlist import NOTHING

WINDOW = 1 << 13  # documents whose sums are made together
FEW = 80  # times fewer postings than documents are few,
OTHERS = 3  # and so many times fewer where documents have to be looked up in other lists
SEARCH = 64  # postings that take as long to walk as one document to be searched

_SLACK = 2.0**-22  # of a sum, for each term: four roundings
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with them than with the scalar types
_ONE, _EIGHT, _HALF, _LOWER = np.uint64(1), np.uint64(8), np.uint64(32), np.uint64(2**32 - 1)
_READ = (types.uint32[:, :], types.int64[::1], types.uint64[::1], types.float32[:, ::1], types.int64[::1])
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, k: int, k1: float, b: float, capacity: int) -> Tree:
    """Compute the weight of each posting, and what is known of each term's weights.

    Parameters
    ----------
    xp : module
        NumPy.
    data : dict
        As in `portable.py`.
    k, capacity : int
        How many documents will be wanted; the other is not used.
    k1, b : float
        How soon the frequency of a term saturates, and how much the length of a document counts.

    Returns
    -------
    dict of arrays
        ``offsets`` int64 (V + 1,); ``postings`` uint64 (P,), document above weight bits; ``bounds`` float32 (2, V),
        each term's largest weight and k-th largest, 0 where there is none; ``number`` int64 (1,): N.
    """
    del xp, capacity
    documents, offsets = data["documents"], data["offsets"].astype(np.int64)
    weights, bounds = np.empty(documents.size, _FLOAT), np.empty((2, data["idf"].size), _FLOAT)
    norms = (k1 * ((1.0 - b) + b * (data["lengths"] / np.float64(data["average"][0])))).astype(np.float32)
    _weigh(offsets, documents, data["frequencies"], norms, data["idf"], weights)
    _find_bounds(offsets, weights, k, bounds)
    simd.compile_once(_search, _READ, _WRITTEN)
    return {
        "offsets": offsets,
        "postings": (documents.astype(np.uint64) << _HALF) | weights.view(_WORD),
        "bounds": bounds,
        "number": np.full(1, data["lengths"].size, np.int64),
    }


def run(xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int) -> tuple[Array, Array]:
    """Find the k best documents for each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp, k1, b, capacity
    shape = (query.shape[0], k)
    scores, found = np.empty(shape, _FLOAT), np.empty(shape, _WORD)
    _search(query, state["offsets"], state["postings"], state["bounds"], state["number"], scores, found)
    return scores, found


@_compiled
def _weigh(
    offsets: HostArray, documents: HostArray, frequencies: HostArray, norms: HostArray, idf: HostArray, out: HostArray
) -> None:
    for term in range(idf.size):
        for i in range(offsets[term], offsets[term + 1]):
            frequency = np.float32(frequencies[i])
            out[i] = idf[term] * (frequency / (norms[documents[i]] + frequency))


@_compiled
def _find_bounds(offsets: HostArray, weights: HostArray, k: int, bounds: HostArray) -> None:
    keys = np.empty(2 * min(k, weights.size) + 256, np.uint64)
    for term in range(bounds.shape[1]):
        own = weights[offsets[term] : offsets[term + 1]]
        heaviest, filled, bound = np.float32(0), 0, NOTHING
        for i in range(own.size):
            heaviest = max(heaviest, own[i])
            if own.size >= k:
                filled, bound = shortlist.offer(keys, filled, bound, k, shortlist.key_of(-own[i], i))
        if own.size >= k:
            _, bound = shortlist.cut(keys, filled, bound, k)
        bounds[0, term] = heaviest
        bounds[1, term] = -shortlist.distance_of(bound) if bound != NOTHING else np.float32(0)


# ---- a posting -----------------------------------------------------------------------------------------------------


@_inlined
def _document(posting: Any) -> Any:
    return posting >> _HALF


@_inlined
def _weight(posting: Any) -> Any:
    return np.uint32(posting & _LOWER).view(np.float32)


# ---- many postings -------------------------------------------------------------------------------------------------


@_compiled
def _add_all(postings: HostArray, lists: HostArray, N: int, least: Any, keys: HostArray, k: int) -> int:
    """Search all documents; return how many are left in `keys`."""
    width = min(N, WINDOW)
    sums = simd.empty_aligned(4 * ((width + 63) // 64 * 64)).view(np.float32)
    filled, bound, at = 0, NOTHING, lists[:, 0].copy()
    for first in range(0, N, width):
        size, start = min(width, N - first), np.uint64(first)
        beyond = np.uint64(first + size) << _HALF
        sums[:] = np.float32(0)
        sums[size:] = np.float32(-1)
        for t in range(at.size):
            i, end = at[t], lists[t, 1]
            while i + _EIGHT <= end and postings[i + _EIGHT - _ONE] < beyond:
                for j in range(_EIGHT):  # so few are unrolled
                    sums[_document(postings[i + j]) - start] += _weight(postings[i + j])
                i += _EIGHT
            while i < end and postings[i] < beyond:
                sums[_document(postings[i]) - start] += _weight(postings[i])
                i += _ONE
            at[t] = i
        filled, bound, least = largest.offer_above(keys, filled, bound, least, k, sums, first)
    filled, _ = shortlist.cut(keys, filled, bound, k)
    return int(filled)


# ---- few postings --------------------------------------------------------------------------------------------------


@_inlined
def _add_up(postings: HostArray, lists: HostArray, sums: HostArray) -> None:
    """Make the sums of the documents in these lists, and of no others."""
    for t in range(1, lists.shape[0]):
        for i in range(lists[t, 0], lists[t, 1]):
            sums[_document(postings[i])] = np.float32(0)
    for t in range(lists.shape[0]):
        if t == 0:
            for i in range(lists[t, 0], lists[t, 1]):
                sums[_document(postings[i])] = _weight(postings[i])
        else:
            for i in range(lists[t, 0], lists[t, 1]):
                sums[_document(postings[i])] += _weight(postings[i])


@_inlined
def _collect(postings: HostArray, lists: HostArray, sums: HostArray, floor: Any, names: Any, partial: Any) -> Any:
    """List the documents whose sums are `floor` or more; return how many there are. Sums are used up."""
    count = 0
    for t in range(lists.shape[0]):
        for i in range(lists[t, 0], lists[t, 1]):  # without a branch that nobody can foretell
            document = _document(postings[i])
            score = sums[document]
            wanted = score >= floor
            names[count], partial[count] = document, score
            sums[document] = np.float32(0) if wanted else score
            count += wanted
    return count


@_inlined
def _best(names: HostArray, partial: HostArray, count: Any, keys: HostArray, k: Any) -> Any:
    """Put the k best into `keys`; return how many there are, and the bound."""
    filled, bound = 0, NOTHING
    for i in range(count):
        filled, bound = shortlist.offer(keys, filled, bound, k, shortlist.key_of(-partial[i], names[i]))
    return shortlist.cut(keys, filled, bound, k)


@_compiled
def _add_few(
    postings: HostArray, lists: HostArray, rest: HostArray, essential: int, sums: Any, least: Any, keys: Any, k: int
) -> int:
    """Search the documents of the essential lists, the first ones; return how many are left in `keys`."""
    size: Any = 1
    for t in range(essential):
        size += np.int64(lists[t, 1] - lists[t, 0])
    names, partial = np.empty(size, np.uint32), np.empty(size, np.float32)
    margin = np.float32(1 - rest.size * _SLACK)
    _add_up(postings, lists[:essential], sums)
    floor = max(least * margin - rest[essential], np.float32(2.0**-149))  # what weighs nothing fills up, if it has to
    count = _collect(postings, lists[:essential], sums, floor, names, partial)
    filled, bound = _best(names, partial, count, keys, k)
    if essential < lists.shape[0]:  # and so there are k documents
        least = max(least, -shortlist.distance_of(bound))
        for t in range(essential, lists.shape[0]):
            needed = least * margin - rest[t]
            count = _look_up(postings[lists[t, 0] : lists[t, 1]], needed, names[:count], partial, sums)
        filled, _ = _best(names, partial, count, keys, k)
    return int(filled)


@_compiled
def _look_up(own: HostArray, needed: Any, names: HostArray, partial: HostArray, sums: HostArray) -> int:
    """Add a list to the scores of documents that have what is needed, drop the others; return how many there are."""
    count = 0
    for i in range(names.size):
        if partial[i] >= needed:
            names[count], partial[count] = names[i], partial[i]
            count += 1
    if SEARCH * count < own.size:
        for i in range(count):
            begin, end = np.uint64(0), np.uint64(own.size)
            while begin < end:
                middle = (begin + end) >> _ONE
                if _document(own[middle]) < names[i]:
                    begin = middle + _ONE
                else:
                    end = middle
            if begin < own.size and _document(own[begin]) == names[i]:
                partial[i] += _weight(own[begin])
        return count
    for i in range(count):
        sums[names[i]] = np.float32(0)
    for i in range(own.size):
        sums[_document(own[i])] = _weight(own[i])
    for i in range(count):
        partial[i] += sums[names[i]]
    return count


# ---- a query -------------------------------------------------------------------------------------------------------


@_inlined
def _by_most(terms: HostArray, most: HostArray) -> None:
    """Sort terms by falling largest weight."""
    for i in range(1, terms.size):
        term, j = terms[i], i
        while j > 0 and most[terms[j - 1]] < most[term]:
            terms[j] = terms[j - 1]
            j -= 1
        terms[j] = term


@_compiled
def _search(
    query: HostArray,
    offsets: HostArray,
    postings: HostArray,
    bounds: HostArray,
    number: HostArray,
    scores: HostArray,
    found: HostArray,
) -> None:
    (nq, T), N, k = query.shape, number[0], min(scores.shape[1], number[0])
    keys, sums = np.empty(2 * k + 16, np.uint64), np.empty(0, np.float32)
    terms, lists, rest = np.empty(T, np.int64), np.empty((T, 2), np.uint64), np.zeros(T + 1, np.float32)
    for q in range(nq):
        for t in range(T):
            terms[t] = query[q, t]
        _by_most(terms, bounds[0])
        total, least = 0.0, np.float32(0)
        for t in range(T - 1, -1, -1):
            lists[t] = offsets[terms[t]], offsets[terms[t] + 1]
            total += bounds[0, terms[t]]
            rest[t] = total * (1 + T * _SLACK)
            least = max(least, bounds[1, terms[t]])
        size: Any = 0
        essential = 0
        while essential < T and rest[essential] >= least:
            size += np.int64(lists[essential, 1] - lists[essential, 0])
            essential += 1
        if FEW * size * (1 if essential == T else OTHERS) <= N:
            if sums.size == 0:
                sums = np.empty(N, np.float32)
            filled = _add_few(postings, lists, rest, essential, sums, least, keys, k)
        else:
            below = np.nextafter(least, np.float32(-1)) if least > 0 else np.float32(-0.5)
            filled = _add_all(postings, lists, N, below, keys, k)
        largest.write(keys, filled, k, scores[q], found[q])
