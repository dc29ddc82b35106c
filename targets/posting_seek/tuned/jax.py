"""`posting-seek` in JAX: the list decoded once, then bisected for all targets side by side.

The portable kernel decodes 128 ids for every seek; here `prepare` decodes all of them, and a seek reads as many ids as
the list's length has bits. The steps are written out: as a loop of XLA each costs a dispatch of its own.
"""

from typing import Any

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

_BLOCK = 128


def prepare(xp: Any, data: Data, *, n: int) -> Tree:
    """Decode the list.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``words`` uint32 (L,), ``first`` uint32 (B,), ``width`` and ``start`` int32 (B,).
    n : int
        How many ids the list has.

    Returns
    -------
    dict of arrays
        ``ids`` uint32 (n + 1,): the ids, and 2**32 - 1 behind them.
    """
    width = data["width"][:, None]
    bit = ops.iota(xp, _BLOCK, width)[None, :] * width
    at, shift = data["start"][:, None] + (bit >> 5), xp.astype(bit & 31, xp.uint32)
    low, high = data["words"][at], data["words"][at + 1]
    word = (low >> shift) | ((high << (31 - shift)) << 1)
    unused = xp.astype(xp.minimum(32 - width, 31), xp.uint32)
    gaps = xp.where(width == 0, xp.uint32(0), word & (xp.uint32(NO_ID) >> unused))
    sums = ops.cumsum32(xp, ops.bitcast(xp, gaps, xp.int32))
    ids = data["first"][:, None] + ops.bitcast(xp, sums, xp.uint32)
    return {"ids": xp.concat([xp.reshape(ids, (-1,))[:n], xp.full((1,), NO_ID, dtype=xp.uint32)])}


def run(xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
    """Find the first id that is not below each target; arguments and results are those of ``run`` in `portable.py`."""
    ids = state["ids"]
    place = xp.zeros(query.shape, dtype=xp.int32)  # so many ids are known to be below the target
    step = 1 << n.bit_length()
    while step > 1:
        step //= 2
        tried = xp.minimum(place + step, n)
        below = ids.at[tried - 1].get(mode="promise_in_bounds") < query
        place = xp.where(below & (tried > place), tried, place)
    return ids.at[place].get(mode="promise_in_bounds"), place < n
