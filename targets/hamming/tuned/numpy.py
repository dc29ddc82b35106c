"""`hamming` by numba: differing bits of 64 rows counted by one instruction.

It must return exactly what a plain scan returns, whatever the data, and never take much longer than one.

- A vector holds one byte of 64 rows. It is compared with the query's byte in all lanes, and each lane's population
  count is added to its row's distance: no sums across lanes, for codes of any width. All of it is generic LLVM code,
  so no processor needs a path of its own (`lar.simd.population` says what it becomes).
- While the k-th best row so far is within 255 bits, distances are added up in bytes that saturate: what is further
  away need not be told apart. Else bytes are widened before they can overflow.
- A row counts only if it is nearer than the k-th best so far (`lar.simd.tally`), so the scan asks once for 256 rows
  whether any is. Equal distances go by row, since rows are offered in order.
- The first bound comes from the first rows, before any is taken: the smallest distance in each of 256 lanes belongs to
  a row of its own, so the k-th smallest of these is no nearer than the k-th best row.
- Where the first bytes of a code are likely to exceed the bound by themselves, the scan asks there, too, and leaves the
  rest of the 256 rows unread; it stops asking where that seldom succeeds.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import Vector, tally, u8x64, u16x32
from lar.simd.population import population
from lar.targets.hamming import portable

GROUP = 256  # rows whose bytes lie side by side: four vectors, which hide each other's latency
CHUNK = 1 << 15  # bytes of codes that the queries of a batch share while they are in the innermost cache
BATCH = 32  # queries that do so
SEED = 16  # groups that the first bound comes from
WIDEST = 2**13 - 1  # bytes of a code whose bits can be counted in 16 bits
FULL = 31  # bytes whose bits can be counted in 8 bits
PATIENCE = 8  # questions after the first bytes of a group that may be in vain, beyond as many as succeed

_HALF = Vector(types.uint8, 32)
_WORD = np.dtype(np.uint32)  # np.empty is quicker with it than with the scalar type
_READ = (types.uint8[:, :], types.uint8[:, :, ::1], types.int64[::1], types.int64[::1])  # query, groups, depths, rows
_WRITTEN = (types.uint32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Lay the codes out in groups of 256 rows, byte by byte.

    Parameters
    ----------
    xp : module
        NumPy.
    data : dict
        ``codes`` uint8 (N, B).
    k : int
        How many rows will be wanted; not used.

    Returns
    -------
    dict of arrays
        ``groups`` uint8 (ceil(N / 256), B, 256), padded with zeros; ``depths`` int64, see `_depths`; ``rows`` int64
        (1,): N. Of codes too wide for that, the state of `portable.py`.
    """
    codes = data["codes"]
    N, B = codes.shape
    if B > WIDEST:
        return portable.prepare(xp, data, k=k)
    groups = simd.aligned((-(-N // GROUP), B, GROUP), np.uint8)
    _fill(np.ascontiguousarray(codes), groups)
    simd.compile_once(_search, _READ, _WRITTEN)
    return {"groups": groups, "depths": _depths(B), "rows": np.full(1, N)}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    if "groups" not in state:
        return portable.run(xp, state, query, k=k)
    shape = (query.shape[0], k)
    distances, ids = np.empty(shape, _WORD), np.empty(shape, _WORD)
    _search(query, state["groups"], state["depths"], state["rows"], distances, ids)
    return distances, ids


def _depths(B: int) -> HostArray:
    """Return, for each bound in bits, after how many bytes it is worth asking whether all of a group exceed it.

    Of t bits, a row that is nothing like the query differs in half, give or take half a root of t: ask where that less
    three and a half times the deviation exceeds the bound, so that one group in 17 holds such a row that does not.
    Where that is not before three quarters of a code, it is B: not at all.
    """
    bound = np.arange(8 * B + 2)
    bits = (1.75 + np.sqrt(1.75**2 + 2 * bound)) ** 2
    depths = np.ceil(bits / 8).astype(np.int64)
    return np.where(4 * depths <= 3 * B, depths, B)


@_compiled
def _fill(codes: HostArray, groups: HostArray) -> None:
    N, B = codes.shape
    for group in range(groups.shape[0]):
        rows = min(GROUP, N - group * GROUP)
        for j in range(B):
            for r in range(rows):
                groups[group, j, r] = codes[group * GROUP + r, j]
            groups[group, j, rows:] = 0


# ---- one group -----------------------------------------------------------------------------------------------------


@_inlined
def _add(codes: HostArray, at: Any, code: HostArray, begin: Any, end: Any, sums: Any) -> Any:
    """Add what 256 rows, whose bytes begin at `at`, differ in from byte `begin` to `end` to sums that saturate."""
    a, b, c, d = sums
    place = at + begin * np.uint64(GROUP)
    for j in range(begin, end):
        byte = simd.splat(u8x64, code[j])
        a = simd.saturating_add(a, population(simd.load(u8x64, codes, place) ^ byte))
        b = simd.saturating_add(b, population(simd.load(u8x64, codes, place + np.uint64(64)) ^ byte))
        c = simd.saturating_add(c, population(simd.load(u8x64, codes, place + np.uint64(128)) ^ byte))
        d = simd.saturating_add(d, population(simd.load(u8x64, codes, place + np.uint64(192)) ^ byte))
        place += np.uint64(GROUP)
    return a, b, c, d


@_inlined
def _nearer(sums: Any, bound: Any) -> Any:
    """Return four masks of 64 rows: which are nearer than the bound, at most 255."""
    top = simd.splat(u8x64, bound)
    a, b, c, d = sums
    return simd.bits(a < top), simd.bits(b < top), simd.bits(c < top), simd.bits(d < top)


@_inlined
def _store(out: HostArray, sums: Any) -> None:
    a, b, c, d = sums
    simd.store(out, 0, a)
    simd.store(out, 64, b)
    simd.store(out, 128, c)
    simd.store(out, 192, d)


@_inlined
def _count_wide(codes: HostArray, at: Any, code: HostArray, B: Any, part: HostArray, sums: HostArray) -> None:
    """Write the distances of 256 rows, uint16, by way of `part`, uint8."""
    zero = simd.splat(u8x64, 0)
    sums[:] = 0
    for begin in range(np.uint64(0), B, np.uint64(FULL)):
        _store(part, _add(codes, at, code, begin, min(begin + np.uint64(FULL), B), (zero, zero, zero, zero)))
        for r in range(0, GROUP, 32):
            more = simd.convert(u16x32, simd.load(_HALF, part, r))
            simd.store(sums, r, simd.load(u16x32, sums, r) + more)


@_inlined
def _nearer_wide(sums: HostArray, bound: Any, r: Any) -> Any:
    """Return a mask of the 64 rows from `r` on."""
    top = simd.splat(u16x32, bound)
    low, high = simd.load(u16x32, sums, r) < top, simd.load(u16x32, sums, r + 32) < top
    return simd.bits(low) | (simd.bits(high) << np.uint64(32))


@_compiled
def _take(masks: Any, sums: HostArray, first: int, rows: int, keys: HostArray, counts: HostArray, state: Any, k: int) -> Any:
    """Offer the rows of a group that the masks name, and return the bound."""
    for i in range(4):
        mask = masks[i]
        while mask:
            r = 64 * i + simd.trailing_zeros(mask)
            mask &= mask - np.uint64(1)
            if first + r < rows:
                tally.offer(keys, counts, state, k, np.int64(sums[r]), first + r)
    return state.bound


# ---- all of them ---------------------------------------------------------------------------------------------------


@_compiled
def _first_bound(codes: HostArray, groups: int, code: HostArray, B: Any, k: int, part: HostArray, sums: HostArray) -> int:
    """Return a distance that k rows are nearer than, from so many groups without padding; 8 B + 1 if there is none."""
    if groups == 0 or k > GROUP:
        return 8 * B + 1
    least = np.full(GROUP, 2**16 - 1, np.uint16)
    for group in range(groups):
        _count_wide(codes, np.uint64(group) * B * np.uint64(GROUP), code, B, part, sums)
        for r in range(0, GROUP, 32):
            simd.store(least, r, simd.minimum(simd.load(u16x32, least, r), simd.load(u16x32, sums, r)))
    low, high = 0, 8 * np.int64(B)
    while low < high:
        middle, found = (low + high) // 2, 0
        for r in range(0, GROUP, 64):
            found += simd.count_ones(_nearer_wide(least, middle + 1, r))
        low, high = (low, middle) if found >= k else (middle + 1, high)
    return low + 1


@_compiled
def _search(
    query: HostArray, groups: HostArray, depths: HostArray, rows: HostArray, distances: HostArray, ids: HostArray
) -> None:
    (nq, k), N, B, codes = distances.shape, rows[0], np.uint64(groups.shape[1]), groups.reshape(-1)
    kept, number, size = min(k, N), groups.shape[0], B * np.uint64(GROUP)
    batch = min(nq, BATCH, 1 + (1 << 22) // kept)
    chunk = max(1, CHUNK // np.int64(size)) if batch > 1 else number
    code, patience = np.empty((batch, groups.shape[1]), np.uint8), np.empty(batch, np.int64)
    keys, counts = np.empty((batch, 2 * kept + 256), np.uint64), np.empty((batch, 8 * groups.shape[1] + 2), np.int64)
    states = np.empty(batch, tally.STATE)
    part, sums = simd.empty_aligned(GROUP), simd.empty_aligned(2 * GROUP).view(np.uint16)
    zero = simd.splat(u8x64, 0)
    zeros = (zero, zero, zero, zero)
    for q in range(0, nq, batch):
        here = min(batch, nq - q)
        for i in range(here):
            code[i], patience[i] = query[q + i], PATIENCE
            tally.begin(counts[i], states[i])
            states[i].bound = _first_bound(codes, min(SEED, number // 8), code[i], B, kept, part, sums)
        for first in range(0, number, chunk):
            for i in range(here):
                own, bound, trust = code[i], states[i].bound, patience[i]
                for group in range(first, min(first + chunk, number)):
                    at = np.uint64(group) * size
                    if bound <= 255:
                        end = np.uint64(depths[bound]) if trust > 0 else B
                        found = _add(codes, at, own, np.uint64(0), end, zeros)
                        v, x, y, z = _nearer(found, bound)
                        if end < B:
                            trust += 1 if v | x | y | z == np.uint64(0) else -1
                            if v | x | y | z:
                                found = _add(codes, at, own, end, B, found)
                                v, x, y, z = _nearer(found, bound)
                        if v | x | y | z:
                            _store(part, found)
                            bound = _take((v, x, y, z), part, group * GROUP, N, keys[i], counts[i], states[i], kept)
                    else:
                        _count_wide(codes, at, own, B, part, sums)
                        v, x = _nearer_wide(sums, bound, 0), _nearer_wide(sums, bound, 64)
                        y, z = _nearer_wide(sums, bound, 128), _nearer_wide(sums, bound, 192)
                        if v | x | y | z:
                            bound = _take((v, x, y, z), sums, group * GROUP, N, keys[i], counts[i], states[i], kept)
                patience[i] = trust
        for i in range(here):
            tally.write(keys[i], counts[i], states[i], kept, distances[q + i], ids[q + i])
