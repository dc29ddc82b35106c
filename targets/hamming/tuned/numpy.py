"""`hamming` by numba: differing bits of 64 rows counted by one instruction.

It must return exactly what a plain scan returns, whatever the data, and never take much longer than one.

- A vector holds one byte of 64 rows. It is compared with the query's byte in all lanes, and each lane's population
  count is added to its row's distance: no sums across lanes, for codes of any width. All of it is generic LLVM code,
  so no processor needs a path of its own (`lar.simd.population` says what it becomes).
- Counts are added up in bytes as long as those cannot overflow, then in words of 16 bits, all in registers.
- A row counts only if it is nearer than the k-th best so far (`lar.simd.tally`), so the scan asks once for 256 rows
  whether any is. Equal distances go by row, since rows are offered in order.
- The first bound comes from the first rows, before any is taken: the smallest distance in each of 256 lanes belongs to
  a row of its own, so the k-th smallest of these is no nearer than the k-th best row.
- Where the first bytes of a code are likely to exceed the bound by themselves, the scan asks there, too, and leaves the
  rest of the 256 rows unread; it stops asking where that seldom succeeds.
"""

from typing import Any

import numpy as np
from lar.targets.hamming import portable
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import tally, u8x64, u16x32
from lar.simd.population import population

GROUP = 256  # rows whose bytes lie side by side: four vectors, which hide each other's latency
CHUNK = 1 << 15  # bytes of codes that the queries of a batch share while they are in the innermost cache
BATCH = 32  # queries that do so
SEED = 8  # groups that the first bound comes from
WIDEST = 2**13 - 1  # bytes of a code whose bits can be counted in 16 bits
FULL = 31  # bytes whose bits can be counted in 8 bits
PATIENCE = 8  # questions after the first bytes of a group that may be in vain, beyond as many as succeed

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
        found: tuple[Array, Array] = portable.run(xp, state, query, k=k)
        return found
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


# ---- a group -------------------------------------------------------------------------------------------------------


@_inlined
def _none() -> Any:
    """Return sums to begin with."""
    zero = simd.splat(u16x32, 0)
    return zero, zero, zero, zero, zero, zero, zero, zero


@_inlined
def _add(codes: HostArray, at: Any, code: HostArray, begin: Any, end: Any, sums: Any) -> Any:
    """Add to `sums` what 256 rows, whose bytes begin at `at`, differ in from byte `begin` to `end`.

    Sums are four pairs of vectors of 32 words, each pair the even and the odd rows of 64, since a byte is widened where
    it lies: it is the lower or the upper half of a word.
    """
    a, b, c, d, e, f, g, h = sums
    place, eight = at + begin * np.uint64(GROUP), simd.splat(u16x32, 8)
    for first in range(begin, end, np.uint64(FULL)):
        w = x = y = z = simd.splat(u8x64, 0)
        for j in range(first, min(first + np.uint64(FULL), end)):
            byte = simd.splat(u8x64, code[j])
            w = w + population(simd.load(u8x64, codes, place) ^ byte)
            x = x + population(simd.load(u8x64, codes, place + np.uint64(64)) ^ byte)
            y = y + population(simd.load(u8x64, codes, place + np.uint64(128)) ^ byte)
            z = z + population(simd.load(u8x64, codes, place + np.uint64(192)) ^ byte)
            place += np.uint64(GROUP)
        p, q = simd.reinterpret(u16x32, w), simd.reinterpret(u16x32, x)
        r, s = simd.reinterpret(u16x32, y), simd.reinterpret(u16x32, z)
        b, d, f, h = b + (p >> eight), d + (q >> eight), f + (r >> eight), h + (s >> eight)
        a, c = a + (p - ((p >> eight) << eight)), c + (q - ((q >> eight) << eight))
        e, g = e + (r - ((r >> eight) << eight)), g + (s - ((s >> eight) << eight))
    return a, b, c, d, e, f, g, h


@_inlined
def _nearest(sums: Any) -> Any:
    """Return the smallest sum of each lane."""
    a, b, c, d, e, f, g, h = sums
    left = simd.minimum(simd.minimum(a, b), simd.minimum(c, d))
    return simd.minimum(left, simd.minimum(simd.minimum(e, f), simd.minimum(g, h)))


@_inlined
def _store(out: HostArray, sums: Any) -> None:
    for i, one in enumerate(sums):
        simd.store(out, 32 * i, one)


@_inlined
def _spread(word: Any) -> Any:
    """Move the lower 32 bits of a word to its even places."""
    word &= np.uint64(0x00000000FFFFFFFF)
    word = (word | (word << np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    word = (word | (word << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word | (word << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = (word | (word << np.uint64(2))) & np.uint64(0x3333333333333333)
    return (word | (word << np.uint64(1))) & np.uint64(0x5555555555555555)


@_compiled
def _take(sums: HostArray, first: int, rows: int, keys: HostArray, counts: HostArray, state: Any, k: int) -> int:
    """Offer the rows of a group that are near enough, in order, and return the bound."""
    top = simd.splat(u16x32, state.bound)
    for i in range(0, GROUP, 64):
        even, odd = simd.load(u16x32, sums, i) < top, simd.load(u16x32, sums, i + 32) < top
        mask = _spread(simd.bits(even)) | (_spread(simd.bits(odd)) << np.uint64(1))
        while mask:
            r = simd.trailing_zeros(mask)
            mask &= mask - np.uint64(1)
            if first + i + r < rows:
                tally.offer(keys, counts, state, k, np.int64(sums[i + r // 2 + 32 * (r % 2)]), first + i + r)
    return int(state.bound)


# ---- all of them ---------------------------------------------------------------------------------------------------


@_compiled
def _first_bound(codes: HostArray, groups: int, code: HostArray, k: int, sums: HostArray) -> int:
    """Return a distance that k rows of so many groups without padding are nearer than, or one beyond all distances."""
    B = np.uint64(code.size)
    low, high = 0, 8 * code.size
    if groups == 0 or k > GROUP:
        return high + 1
    for group in range(np.uint64(groups)):
        found = _add(codes, group * B * np.uint64(GROUP), code, np.uint64(0), B, _none())
        for i, one in enumerate(found):
            least = one if group == 0 else simd.minimum(one, simd.load(u16x32, sums, 32 * i))
            simd.store(sums, 32 * i, least)
    while low < high:
        middle, near = (low + high) // 2, 0
        for r in range(0, GROUP, 32):
            near += simd.count_ones(simd.bits(simd.load(u16x32, sums, r) <= simd.splat(u16x32, middle)))
        low, high = (low, middle) if near >= k else (middle + 1, high)
    return low + 1


@_compiled
def _search(
    query: HostArray, groups: HostArray, depths: HostArray, rows: HostArray, distances: HostArray, ids: HostArray
) -> None:
    (nq, k), N, (number, width, _), codes = distances.shape, rows[0], groups.shape, groups.reshape(-1)
    kept, B = min(k, N), np.uint64(width)
    batch = min(nq, BATCH, 1 + (1 << 22) // kept)
    chunk = max(1, CHUNK // (width * GROUP)) if batch > 1 else number
    code, patience = np.empty((batch, width), np.uint8), np.empty(batch, np.int64)
    keys, counts = np.empty((batch, 2 * kept + 256), np.uint64), np.empty((batch, 8 * width + 2), np.int64)
    states, sums = np.empty(batch, tally.STATE), simd.empty_aligned(2 * GROUP).view(np.uint16)
    for q in range(0, nq, batch):
        here = min(batch, nq - q)
        for i in range(here):
            code[i], patience[i] = query[q + i], PATIENCE
            tally.begin(counts[i], states[i])
            states[i].bound = _first_bound(codes, min(SEED, number // 8), code[i], kept, sums)
        for first in range(0, number, chunk):
            for i in range(here):
                own, bound, trust = code[i], states[i].bound, patience[i]
                for group in range(first, min(first + chunk, number)):
                    if bound == 0:  # k rows are the query itself
                        break
                    at, end = np.uint64(group * width * GROUP), np.uint64(depths[bound]) if trust > 0 else B
                    top = simd.splat(u16x32, bound)
                    found = _add(codes, at, own, np.uint64(0), end, _none())
                    near = simd.bits(_nearest(found) < top)
                    if end < B:
                        trust += 1 if near == np.uint64(0) else -1
                        if near:
                            found = _add(codes, at, own, end, B, found)
                            near = simd.bits(_nearest(found) < top)
                    if near:
                        _store(sums, found)
                        bound = _take(sums, group * GROUP, N, keys[i], counts[i], states[i], kept)
                patience[i] = trust
        for i in range(here):
            tally.write(keys[i], counts[i], states[i], kept, distances[q + i], ids[q + i])
