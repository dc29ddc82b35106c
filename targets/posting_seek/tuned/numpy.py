"""`posting-seek` by numba: the list decoded once, under a tree of 16 keys a node, searched for 64 targets side by side.

It must return exactly the first id that is not below each target, whatever the order of the targets, in a time that
depends on the length of the list and on nothing else.

- `prepare` decodes the list and lays a tree above it: the ids in nodes of sixteen, which is a cache line and a vector;
  above them the last id of each node, again in nodes of sixteen, up to one node. What is missing is filled up with
  2**32 - 1, and one node of nothing else stands behind the ids, so that no step leaves a level.
- A step counts the keys of a node that are below the target: a comparison and a population count, no branch. Steps of
  one level are made for all targets of a batch before those of the next, so that the misses of 64 seeks overlap.

All of it is generic LLVM code, so no processor needs another path.
"""

from typing import Any

import numpy as np
from numba import njit, types

from lar import simd
from lar.contracts import NO_ID, Array, Data, HostArray, Query, Tree
from lar.simd import u32x16

NODE = 16
BATCH = 64

_BLOCK = 128
_ID, _FOUND = np.dtype(np.uint32), np.dtype(np.bool_)
_READ = (types.uint32[::1], types.uint32[::1], types.int64[::1])  # targets, tree, levels
_WRITTEN = (types.uint32[::1], types.boolean[::1])
_compiled = njit(cache=True, nogil=True)


def prepare(xp: Any, data: Data, *, n: int) -> Tree:
    """Decode the list and build the tree above it.

    Parameters
    ----------
    xp : module
        Not used; every kernel is given it.
    data : dict
        ``words`` uint32 (L,), ``first`` uint32 (B,), ``width`` and ``start`` int32 (B,).
    n : int
        How many ids the list has.

    Returns
    -------
    dict of arrays
        ``tree`` uint32, all levels one behind the other, the ids first; ``levels`` int64 (depth + 1,): how many ids
        there are, then where each level begins, the topmost first.
    """
    del xp
    sizes = [-(-n // NODE) * NODE + NODE]
    while sizes[-1] > NODE:
        sizes.append(-(-sizes[-1] // NODE**2) * NODE)
    begins = np.cumsum([0, *sizes])
    tree = simd.aligned((int(begins[-1]),), _ID)
    tree[:] = NO_ID
    _decode(*(np.ascontiguousarray(data[name]) for name in ("words", "first", "width", "start")), tree[:n])
    for size, below, above in zip(sizes, begins[:-1], begins[1:], strict=True):
        tops = tree[below + NODE - 1 : below + size : NODE]
        if size > NODE:
            tree[above : above + len(tops)] = tops
    simd.compile_once(_seek, _READ, _WRITTEN)
    return {"tree": tree, "levels": np.array([n, *begins[-2::-1]], np.int64)}


def run(xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
    """Find the first id that is not below each target; arguments and results are those of ``run`` in `portable.py`."""
    del xp, n
    ids, found = np.empty(query.shape, _ID), np.empty(query.shape, _FOUND)
    _seek(np.ascontiguousarray(query), state["tree"], state["levels"], ids, found)
    return ids, found


@_compiled
def _decode(words: HostArray, first: HostArray, width: HostArray, start: HostArray, ids: HostArray) -> None:
    """Write the ids of a list; a word is read only where bits of it are needed."""
    for b in range(width.size):
        at, bits, held, known = np.int64(start[b]), np.uint64(width[b]), np.uint64(0), np.uint64(0)
        mask = (np.uint64(1) << bits) - np.uint64(1)
        previous = first[b]
        for i in range(b * _BLOCK, min((b + 1) * _BLOCK, ids.size)):
            if known < bits:
                held |= np.uint64(words[at]) << known
                known += np.uint64(32)
                at += 1
            previous += np.uint32(held & mask)
            held >>= bits
            known -= bits
            ids[i] = previous


@_compiled
def _seek(targets: HostArray, tree: HostArray, levels: HostArray, ids: HostArray, found: HostArray) -> None:
    places = np.empty(BATCH, np.int64)
    last = levels.size - 1
    for begin in range(0, targets.size, BATCH):
        here = targets[begin : begin + BATCH]
        places[:] = 0
        for level in range(1, last + 1):
            keys = levels[level]
            for i in range(here.size):
                node = simd.load(u32x16, tree, keys + places[i] * NODE)
                below = simd.bits(node < simd.splat(u32x16, here[i]))
                places[i] = places[i] * NODE + simd.count_ones(below)
        for i in range(here.size):
            ids[begin + i] = tree[levels[last] + places[i]]
            found[begin + i] = places[i] < levels[0]
