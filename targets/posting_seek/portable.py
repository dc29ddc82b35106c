"""`posting-seek` once, against the array API: find the block in the side table, decode it, count what is below.

Every seek decodes the one block that it lands in, all of them side by side. Ids are kept with their highest bit flipped
(`ops.ordered`), so that int32 sorts as uint32 does; flipping is adding 2**31, so gaps may be added to them as they are.
"""

from typing import Any

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

_BLOCK = 128
_INT32_MAX = 2**31 - 1


def prepare(xp: Any, data: Data, *, n: int) -> Tree:
    """Read all words as int32, the side table so that it sorts as uint32.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``words`` uint32 (L,), ``first`` uint32 (B,), ``width`` and ``start`` int32 (B,).
    n : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``words``, ``first``, ``width`` and ``start``, all int32.
    """
    del n
    return {
        "words": ops.bitcast(xp, data["words"], xp.int32),
        "first": ops.ordered(xp, data["first"]),
        "width": data["width"],
        "start": data["start"],
    }


def run(xp: Any, state: Tree, query: Query, /, *, n: int) -> tuple[Array, Array]:
    """Find the first id that is not below each target.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint32 (S,), in any order.
    n : int
        How many ids the list has.

    Returns
    -------
    ids : array
        uint32 (S,), 2**32 - 1 where there is none.
    found : array
        bool (S,).
    """
    if n == 0:
        device = ops.device_of(query)
        return xp.full_like(query, NO_ID), xp.zeros(query.shape, dtype=xp.bool, device=device)
    target, first = ops.ordered(xp, query), state["first"]
    # The last block that does not begin above the target: its ids are below it, or the answer, or behind the answer.
    before = xp.astype(xp.searchsorted(first, target, side="right"), xp.int32) - 1
    block = xp.maximum(before, xp.zeros_like(before))
    ids = xp.take(first, block)[:, None] + ops.cumsum32(xp, _gaps(xp, state, block))
    lanes = ops.iota(xp, _BLOCK, target)[None, :]
    held = xp.minimum(n - block * _BLOCK, xp.full_like(block, _BLOCK))
    below = ops.count(xp, (lanes < held[:, None]) & (ids < target[:, None]))
    here = below < held
    place = ops.iota(xp, block.shape[0], target) * _BLOCK + xp.where(here, below, 0)
    last = first.shape[0] - 1
    found = here | (block < last)
    following = xp.take(first, xp.where(block < last, block + 1, last))
    chosen = xp.where(here, xp.take(xp.reshape(ids, (-1,)), place), following)
    return ops.unordered(xp, xp.where(found, chosen, xp.full_like(chosen, _INT32_MAX))), found


def _gaps(xp: Any, state: Tree, block: Array) -> Array:
    """Return int32 (S, 128): the gaps of each seek's block, unpacked."""
    width = xp.take(state["width"], block)[:, None]
    bit = ops.iota(xp, _BLOCK, block)[None, :] * width
    at = xp.take(state["start"], block)[:, None] + (bit >> 5)
    low = xp.reshape(xp.take(state["words"], xp.reshape(at, (-1,))), at.shape)
    high = xp.reshape(xp.take(state["words"], xp.reshape(at + 1, (-1,))), at.shape)
    shift = bit & 31
    word = ops.lsr(xp, low, shift) | ((high << (31 - shift)) << 1)  # in two steps, since a shift by 32 is undefined
    unused = xp.where(width == 0, 31, 32 - width)
    mask = xp.where(width == 0, 0, ops.lsr(xp, xp.full_like(width, -1), unused))
    return word & mask
