"""`topk-merge` by numba: a tree of losers for the first few items, a network of vectors for many.

It must give the k best in one order, whatever the runs. An item is one 64-bit word, its *key*: the score's bits, turned
so that they ascend as scores descend, above its id. Keys are distinct, and the smaller one goes first.

- **Which runs** (`_first_runs`): of more than k runs, only the k with the best first items hold one of the k best.
  Those lie in the k blocks of runs whose best is best, so that after a pass of vector maxima few blocks are left.
- **Few items** (`_play`): each match of a binary tree keeps its loser, and the item after the last winner plays its way
  up from where that one began. That reads R + k items, whatever R and k leave of the runs.
- **Nearly all** (`_merge_whole`): keys are all that there is to an item, so merging two runs of keys takes minima and
  maxima alone, eight at a time (`lar.simd.merging`). 0.0 and -0.0 share a key, so where a run holds -0.0 the tree
  plays after all, which returns items as they stand.
- A processor without vectors of eight words plays throughout.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree
from lar.simd import f32x16, merging, shortlist, u32x16
from lar.simd.shortlist import NOTHING

DENSE = 3
"""Runs are merged whole where more than one item of so many is wanted."""

NODE = np.dtype([("key", "u8"), ("loser", "u8"), ("at", "u8"), ("end", "u8"), ("ahead", "u8")])
"""Node i of a tree is match i (the key of its loser, and who that is) and player i (the place of its run's first item,
that of its end, and the key of the item after the first)."""

_WIDE = simd.supports("compress")  # AVX-512 F: minima of eight unsigned words are one instruction
_FLOAT, _WORD = np.dtype(np.float32), np.dtype(np.uint32)  # np.empty is quicker with these than with scalar types
_READ = (types.float32[:, :, ::1], types.uint32[:, :, ::1])
_WRITTEN = (types.float32[:, ::1], types.uint32[:, ::1])
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_ONE = np.uint64(1)
_compiled = njit(cache=True, nogil=True)
_inlined = njit(cache=True, nogil=True, forceinline=True)


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Compile; the state is empty, as that of ``prepare`` in `portable.py`."""
    del xp, data, k
    simd.compile_once(_merge_wide if _WIDE else _merge, _READ, _WRITTEN)
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Merge the runs of each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp, state
    scores, ids = np.ascontiguousarray(query["scores"]), np.ascontiguousarray(query["ids"])
    shape = (scores.shape[0], k)
    best, best_ids = np.empty(shape, _FLOAT), np.empty(shape, _WORD)
    (_merge_wide if _WIDE else _merge)(scores, ids, best, best_ids)
    return best, best_ids


@_inlined
def _key(bits: Any, name: Any) -> Any:
    """Return the key of an item: ``bits`` int32 of its score, ``name`` its id."""
    descending = _INT32_MAX + (bits & _INT32_MAX) if bits < 0 else _INT32_MAX - bits
    return (np.uint64(descending) << np.uint64(32)) | np.uint64(name)


@_inlined
def _bits(key: Any) -> Any:
    """Return the int32 bits of a key's score, those of 0.0 for either zero."""
    ascending = _INT32_MAX - np.int64(key >> np.uint64(32))
    return np.int32(ascending if ascending >= 0 else -ascending + _INT32_MIN)


# ---- which runs ----------------------------------------------------------------------------------------------------


@_inlined
def _maxima(heads: HostArray, block: int) -> HostArray:
    """Return the largest of each block of heads; of a last one that is not whole, infinity."""
    out = np.full(-(-heads.size // block), np.float32(np.inf))
    for b in range(heads.size // block):
        most = simd.load(f32x16, heads, b * block)
        for i in range(b * block + 16, (b + 1) * block, 16):
            most = simd.maximum(most, simd.load(f32x16, heads, i))
        out[b] = simd.highest(most)
    return out


@_inlined
def _reached(values: HostArray, k: int, keys: HostArray) -> Any:
    """Return the k-th largest float32, minus infinity if there are fewer."""
    if values.size < k:
        return np.float32(-np.inf)
    filled, bound, bits = 0, NOTHING, values.view(np.int32)
    for i in range(values.size):
        filled, bound = shortlist.offer(keys, filled, bound, k, _key(bits[i], i))
    _, bound = shortlist.cut(keys, filled, bound, k)
    return np.int32(_bits(bound)).view(np.float32)


@_compiled
def _first_runs(bits: HostArray, names: HostArray, L: int, k: int) -> HostArray:
    """List the k runs with the best first items."""
    R = bits.size // L
    gathered = np.empty(R if L > 1 else 0, np.float32)
    for r in range(gathered.size):
        gathered[r] = np.int32(bits[r * L]).view(np.float32)
    heads = gathered if L > 1 else bits.view(np.float32)
    block = 64 if 256 * k < R else 16
    maxima, keys = _maxima(heads, block), np.empty(2 * k + 256, np.uint64)
    least = _reached(maxima[: R // block], k, keys)  # k whole blocks reach it, and so do k heads
    runs, count, filled, bound = np.empty(R, np.int64), 0, 0, NOTHING
    for b in range(maxima.size):
        if maxima[b] < least:
            continue
        for i in range(b * block, min((b + 1) * block, R), 16):
            near = (_ONE << np.uint64(min(16, R - i))) - _ONE
            if i + 16 <= R:
                some, most = simd.load(f32x16, heads, i), simd.splat(f32x16, least)
                near = simd.bits(some >= most)
                if near and L == 1 and bound != NOTHING:  # where scores are equal, ids decide here and now
                    before = simd.load(u32x16, names, i) <= simd.splat(u32x16, bound & np.uint64(2**32 - 1))
                    near &= simd.bits(some > most) | simd.bits(before)
            while near:
                r = i + simd.trailing_zeros(near)
                near &= near - _ONE
                key = _key(bits[r * L], names[r * L])
                runs[count] = r
                count += key <= bound
                filled, bound = shortlist.offer(keys, filled, bound, k, key)
                if bound != NOTHING:
                    least = max(least, np.int32(_bits(bound)).view(np.float32))
    _, bound = shortlist.cut(keys, filled, bound, k)
    chosen = 0
    for r in runs[:count]:
        runs[chosen] = r
        chosen += _key(bits[r * L], names[r * L]) <= bound
    return runs[:chosen]


# ---- few items: a tree of losers -----------------------------------------------------------------------------------


@_inlined
def _enter(bits: HostArray, names: HostArray, L: int, runs: HostArray, nodes: HostArray) -> Any:
    """Let the first items of runs play, and return the winner; player i enters at leaf ``nodes.size + i``."""
    width = nodes.size
    keys, who = np.empty(2 * width, np.uint64), np.empty(2 * width, np.uint64)
    for i in range(width):
        keys[width + i], who[width + i], nodes[i].ahead = NOTHING, i, NOTHING
        if i < runs.size:
            at = runs[i] * L
            nodes[i].at, nodes[i].end = at, at + L
            keys[width + i] = _key(bits[at], names[at])
            if L > 1:
                nodes[i].ahead = _key(bits[at + 1], names[at + 1])
    for match in range(width - 1, 0, -1):
        winner = 2 * match + (keys[2 * match + 1] < keys[2 * match])
        keys[match], who[match] = keys[winner], who[winner]
    for match in range(1, width):
        loser = 2 * match + (who[2 * match] == who[match])
        nodes[match].key, nodes[match].loser = keys[loser], who[loser]
    return who[1]


@_compiled
def _play(bits: HostArray, names: HostArray, R: int, best: HostArray, best_names: HostArray) -> None:
    """Write the first items of R runs of equal length, as many as `best` has room for."""
    L = bits.size // R
    runs = np.arange(R) if best.size >= R else _first_runs(bits, names, L, best.size)
    width = 1
    while width < runs.size:
        width *= 2
    nodes = np.empty(width, NODE)
    player = _enter(bits, names, L, runs, nodes)
    for rank in range(best.size):
        place, key = nodes[player].at, nodes[player].ahead
        best[rank], best_names[rank] = bits[place], names[place]
        place += _ONE
        nodes[player].at = place
        place += _ONE
        # The key after next is made here, where nobody waits for it: the matches are a chain of dependent steps.
        nodes[player].ahead = _key(bits[place], names[place]) if place < nodes[player].end else NOTHING
        match = (np.uint64(width) + player) >> _ONE
        while match:
            rival_key, rival = nodes[match].key, nodes[match].loser
            lost = rival_key < key
            nodes[match].key, nodes[match].loser = max(key, rival_key), player if lost else rival
            key, player = min(key, rival_key), rival if lost else player
            match >>= _ONE


@_inlined
def _rows(scores: HostArray, ids: HostArray, best: HostArray, best_ids: HostArray, q: int) -> Any:
    """Return what is read and written of the q-th merge, the scores as int32; what no item is left for is padded."""
    found = min(best.shape[1], scores.shape[1] * scores.shape[2])
    best[q, found:], best_ids[q, found:] = -np.inf, NO_ID
    bits, out = scores[q].reshape(-1).view(np.int32), best[q, :found].view(np.int32)
    return bits, ids[q].reshape(-1), out, best_ids[q, :found]


@_compiled
def _merge(scores: HostArray, ids: HostArray, best: HostArray, best_ids: HostArray) -> None:
    for q in range(scores.shape[0]):
        bits, names, out, out_names = _rows(scores, ids, best, best_ids, q)
        _play(bits, names, scores.shape[1], out, out_names)


# ---- nearly all: pairs of runs, eight keys at a time ---------------------------------------------------------------


@_inlined
def _fill(bits: HostArray, names: HostArray, keys: HostArray) -> Any:
    """Write items' keys, and what ends a run of `lar.simd.merging`; say if -0.0 is among them."""
    zeros = False
    for i in range(bits.size):
        zeros |= bits[i] == _INT32_MIN
        keys[i] = _key(bits[i], names[i])
    keys[bits.size :] = merging.END
    return zeros


@_inlined
def _write(keys: HostArray, bits: HostArray, names: HostArray) -> None:
    """Take keys apart."""
    for i in range(bits.size):
        bits[i] = _bits(keys[i])
        names[i] = np.uint32(keys[i] & np.uint64(2**32 - 1))


@_compiled
def _merge_whole(bits: HostArray, names: HostArray, R: int, best: HostArray, best_names: HostArray) -> Any:
    """Write the first items of R runs of equal length; say if that cannot be done here, since one of them is -0.0."""
    L = bits.size // R
    seen = min(L, best.size)
    room, zeros = merging.room(seen), False
    keys, spare = simd.empty_aligned(8 * R * room).view(np.uint64), simd.empty_aligned(8 * R * room).view(np.uint64)
    for r in range(R):
        some = slice(r * L, r * L + seen)
        zeros |= _fill(bits[some], names[some], keys[r * room : (r + 1) * room])
    if not zeros:
        _write(merging.merge_runs(keys, spare, np.full(R, seen), R), best, best_names)
    return zeros


@_compiled
def _merge_wide(scores: HostArray, ids: HostArray, best: HostArray, best_ids: HostArray) -> None:
    nq, R, L = scores.shape
    k = best.shape[1]
    dense = R > 1 and DENSE * min(k, R * L) > R * min(k, L)
    for q in range(nq):
        bits, names, out, out_names = _rows(scores, ids, best, best_ids, q)
        if not dense or _merge_whole(bits, names, R, out, out_names):
            _play(bits, names, R, out, out_names)
