"""`hamming` by numba: differing bits of 64 rows counted by one instruction, and most bits of far rows never read.

It must return exactly what a plain scan returns, whatever the data, and never take much longer than one.

- A vector holds one byte of 64 rows. It is compared with the query's byte in all lanes, and each lane's population
  count is added to its row's distance: no sums across lanes, for codes of any width. All of it is generic LLVM code,
  so no processor needs a path of its own (`lar.simd.population` says what it becomes).
- The bytes of a code are cut into `PANELS` panels, each a stream in memory. What a row differs in so far bounds its
  distance from below, so once the k-th best row so far is near enough, the first panels rule out nearly all rows of a
  chunk; the few left over are looked up whole. Where too many are left, the chunk's other panels are read after all.
- Distances are small integers: a tally of those found so far gives the k-th smallest at any time, and a row counts only
  if it is nearer than that. Equal distances go by row, since rows are offered in order.

Codes are kept twice: by row, for looking up; and in panels, [panel][group of `GROUP` rows][byte][row].
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import Array, Data, HostArray, Query, Tree
from lar.simd import bounds, tally, u8x64, u16x32
from lar.simd.bounds import EVERYTHING, GROUP
from lar.simd.population import population

PANELS = 4
CHUNK = 1 << 17  # bytes of codes between two looks at the bound: half of what the second cache is sure to hold
LONGEST = 16  # groups of rows in a chunk, at most
BATCH = 32  # queries that share a chunk's codes while those are in the cache
LOOK_UP = 512  # bytes that a scan gets through in the time that it takes to look up one row
FULL_BYTE = 31  # bytes whose set bits are sure to be counted by one

_WORD = np.dtype(np.uint32)  # np.empty is quicker with it than with the scalar type
_READ = (types.uint8[:, :], types.uint64[:, ::1], types.uint8[::1], types.int64[::1])  # query, words, panels, depths
_WRITTEN = (types.uint32[:, ::1], types.uint32[:, ::1])
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)  # passing arrays to a call costs more than what these do


class Search(NamedTuple):
    """What belongs to one query: its bytes, the same as words, and the list of `lar.simd.tally`."""

    code: HostArray
    words: HostArray
    keys: HostArray
    counts: HostArray
    state: Any
    k: int


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Lay the codes out in panels and, for looking up, in words of 8 bytes.

    Parameters
    ----------
    xp : module
        Not used, nor is `k`: every kernel is given both.
    data : dict
        ``codes`` uint8 (N, B).
    k : int
        How many rows will be wanted.

    Returns
    -------
    dict of arrays
        ``words`` uint64 (N, ceil(B / 8)), the last of a row filled up with zeros; ``panels`` uint8, N rounded up to
        whole groups times B, padded with zeros; ``depths`` int64, see `_depths`.
    """
    del xp, k
    codes = np.ascontiguousarray(data["codes"])
    N, B = codes.shape
    panels = simd.aligned((-(-N // GROUP) * GROUP * B,), np.uint8)
    _fill_panels(codes, panels)
    simd.compile_once(_search, _READ, _WRITTEN)
    return {"words": _words_of(codes), "panels": panels, "depths": _depths(B)}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp
    shape = (query.shape[0], k)
    distances, ids = np.empty(shape, _WORD), np.empty(shape, _WORD)
    _search(query, state["words"], state["panels"], state["depths"], distances, ids)
    return distances, ids


# ---- layout --------------------------------------------------------------------------------------------------------


def _words_of(codes: HostArray) -> HostArray:
    """Return the rows as words, without a copy where they lie so already."""
    N, B = codes.shape
    if B % 8 == 0 and codes.ctypes.data % 8 == 0:
        return codes.view(np.uint64)
    rows = simd.aligned((N, -(-B // 8) * 8), np.uint8)
    rows[:, :B], rows[:, B:] = codes, 0
    words: HostArray = rows.view(np.uint64)
    return words


def _depths(B: int) -> HostArray:
    """Return, for each bound in bits, how many panels are likely to rule out a row that is nothing like the query.

    Of t bits, such a row differs in half, give or take half a root of t; where that less two and a half times the
    deviation exceeds the bound, one row in 160 is left. A bound that no distance exceeds asks for all panels.
    """
    bound = np.arange(8 * B + 2)
    bits = (1.25 + np.sqrt(1.5625 + 2 * bound)) ** 2
    depths = np.ceil(bits / (8 * _width(B))).astype(np.int64)
    depths[-1] = PANELS
    return np.minimum(depths, -(-B // _width(B)))


@_inlined
def _width(B: int) -> int:
    """Return the bytes of a panel."""
    return (B + PANELS - 1) // PANELS


@_compiled
def _fill_panels(codes: HostArray, panels: HostArray) -> None:
    (N, B), at = codes.shape, 0
    for low in range(0, B, _width(B)):
        for start in range(0, N, GROUP):
            rows = min(GROUP, N - start)
            for j in range(low, min(low + _width(B), B)):
                for r in range(rows):
                    panels[at + r] = codes[start + r, j]
                panels[at + rows : at + GROUP] = 0
                at += GROUP


# ---- the scan ------------------------------------------------------------------------------------------------------


@_inlined
def _widen(counts: Any, even: Any, odd: Any) -> Any:
    """Add the even and the odd bytes of a vector to words; a word's lower byte is the even one."""
    words, eight = simd.reinterpret(u16x32, counts), simd.splat(u16x32, 8)
    high = words >> eight
    return simd.saturating_add(even, words - (high << eight)), simd.saturating_add(odd, high)


@_inlined
def _add_up(panels: HostArray, code: HostArray, B: int, first: int, done: int, depth: int, sums: HostArray) -> None:
    """Write, or add to `sums` unless `done` is 0, what rows from group `first` on differ in, panels `done` to `depth`.

    Sums lie as they fall out and as `bounds.find` reads them: of each 64 rows the even ones first.
    """
    width, groups = _width(B), panels.size // (B * GROUP)
    for s in range(0, sums.size, GROUP):
        a = b = c = d = e = f = g = h = simd.splat(u16x32, 0)
        if done > 0:
            a, b = simd.load(u16x32, sums, s), simd.load(u16x32, sums, s + 32)
            c, d = simd.load(u16x32, sums, s + 64), simd.load(u16x32, sums, s + 96)
            e, f = simd.load(u16x32, sums, s + 128), simd.load(u16x32, sums, s + 160)
            g, h = simd.load(u16x32, sums, s + 192), simd.load(u16x32, sums, s + 224)
        w = x = y = z = simd.splat(u8x64, 0)
        counted = 0
        for low in range(done * width, min(depth * width, B), width):
            end = min(low + width, B)
            at = (low * groups + (first + s // GROUP) * (end - low)) * GROUP
            for j in range(low, end):
                if counted == FULL_BYTE:
                    a, b = _widen(w, a, b)
                    c, d = _widen(x, c, d)
                    e, f = _widen(y, e, f)
                    g, h = _widen(z, g, h)
                    w = x = y = z = simd.splat(u8x64, 0)
                    counted = 0
                byte = simd.splat(u8x64, code[j])
                w = w + population(simd.load(u8x64, panels, at) ^ byte)
                x = x + population(simd.load(u8x64, panels, at + 64) ^ byte)
                y = y + population(simd.load(u8x64, panels, at + 128) ^ byte)
                z = z + population(simd.load(u8x64, panels, at + 192) ^ byte)
                at += GROUP
                counted += 1
        a, b = _widen(w, a, b)
        c, d = _widen(x, c, d)
        e, f = _widen(y, e, f)
        g, h = _widen(z, g, h)
        for i, words in enumerate((a, b, c, d, e, f, g, h)):
            simd.store(sums, s + 32 * i, words)


@_inlined
def _spread(word: Any) -> Any:
    """Move the lower 32 bits of a word to its even places."""
    word = (word | (word << np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    word = (word | (word << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word | (word << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = (word | (word << np.uint64(2))) & np.uint64(0x3333333333333333)
    return (word | (word << np.uint64(1))) & np.uint64(0x5555555555555555)


@_compiled
def _look_up(search: Search, words: HostArray, first: int, blocks: HostArray) -> None:
    """Offer the rows that the blocks list, by the distance of the whole row."""
    (N, W), rows = words.shape, words.reshape(-1)
    for i in range(blocks.shape[0]):
        mask, place = blocks[i, 0], first + np.int64(blocks[i, 1])
        mask = _spread(mask & np.uint64(2**32 - 1)) | (_spread(mask >> np.uint64(32)) << np.uint64(1))
        while mask:
            row = place + simd.trailing_zeros(mask)
            mask &= mask - np.uint64(1)
            if row < N:
                at, distance = np.uint64(row * W), 0
                for j in range(np.uint64(W)):
                    distance += simd.count_ones(rows[at + j] ^ search.words[j])
                tally.offer(search.keys, search.counts, search.state, search.k, distance, row)


@_inlined
def _visit(search: Search, words: HostArray, panels: HostArray, depth: int, first: int, sums: Any, blocks: Any) -> int:
    """Take the rows of one chunk, from group `first` on, into account.

    `depth` panels are likely to be enough; returns how many panels more that should have been.
    """
    k, N, more = search.k, words.shape[0], 0
    B = panels.size // (-(-N // GROUP) * GROUP)
    last, rows = (B + _width(B) - 1) // _width(B), min(sums.size, N - first * GROUP)
    depth = min(depth, last)
    _add_up(panels, search.code, B, first, 0, depth, sums)
    limit = min(search.state.bound - 1, EVERYTHING)  # where sums end, too: beyond, a row may be at any distance
    found, near = bounds.find(sums, limit, blocks)
    if depth < last and near * LOOK_UP > rows * (B - depth * _width(B)):
        _add_up(panels, search.code, B, first, depth, last, sums)
        found, near = bounds.find(sums, limit, blocks)
        depth, more = last, 1
    if depth == last and near > 4 * k + 64:  # more than can be among the k best: these sums are the distances
        wanted = k + sums.size - rows  # that many hold k rows, whatever the padding comes to
        found, near = bounds.find(sums, bounds.rank(sums, wanted, limit), blocks)
    _look_up(search, words, first * GROUP, blocks[:found])
    return more


@_compiled
def _search(
    query: HostArray, words: HostArray, panels: HostArray, depths: HostArray, distances: HostArray, ids: HostArray
) -> None:
    (nq, k), (N, W), B = distances.shape, words.shape, query.shape[1]
    kept, groups, longest = min(k, N), -(-N // GROUP), max(1, min(LONGEST, CHUNK // (B * GROUP)))
    batch = min(nq, BATCH, 1 + (1 << 22) // kept)
    code, deeper = np.zeros((batch, W * 8), np.uint8), np.empty(batch, np.int64)
    keys, counts = np.empty((batch, 2 * kept + 256), np.uint64), np.empty((batch, 8 * B + 2), np.int64)
    states, blocks = np.empty(batch, tally.STATE), np.empty((longest * 4 + 1, 2), np.uint64)
    sums = simd.empty_aligned(longest * GROUP * 2).view(np.uint16)
    for q in range(0, nq, batch):
        here = min(batch, nq - q)
        for i in range(here):
            code[i, :B], deeper[i] = query[q + i], 0
            tally.begin(counts[i], states[i])
        for group in range(0, groups, longest):
            count = min(longest, groups - group)
            for i in range(here):
                bound = states[i].bound
                if bound > 0:  # else k rows are the query itself
                    search = Search(code[i], code[i].view(np.uint64), keys[i], counts[i], states[i], kept)
                    depth = depths[bound] + deeper[i]
                    deeper[i] += _visit(search, words, panels, depth, group, sums[: count * GROUP], blocks)
        for i in range(here):
            tally.write(keys[i], counts[i], states[i], kept, distances[q + i], ids[q + i])
