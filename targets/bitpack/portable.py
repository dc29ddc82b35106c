"""`bitpack` once, against the array API: every shift is a number known beforehand, and nothing is gathered.

In both layouts 32 values share as many words as a value has bits, and lie in them alike whichever 32 they are: the
plain layout's in neighbouring words, a lane's of FastLanes 32 words apart. So value j of all groups is taken out at
once, by two shifts and a mask, and the 32 results are stacked in the order in which they stand.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_ROWS = [8 * eight + s for s in range(8) for eight in (0, 2, 1, 3)]
"""The rows of a FastLanes block in the order in which its values stand."""


def prepare(xp: Any, data: Data, *, width: int, n: int, layout: str) -> Tree:
    """Keep nothing: one page says nothing about the next.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``packed`` uint32 (words,), a page of the same column.
    width, n, layout
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        An empty one.
    """
    del xp, data, width, n, layout
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, width: int, n: int, layout: str) -> tuple[Array]:
    """Unpack a page.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint32 (words,), at least as many as n values take; what lies behind is not read.
    width : int
        Bits of a value, 1 to 32.
    n : int
        Values in the page, 1 or more.
    layout : str
        ``plain`` or ``fastlanes``.

    Returns
    -------
    values : array
        uint32 (n,).
    """
    del state
    words = ops.bitcast(xp, query, xp.int32)
    if layout == "plain":
        groups, needed = -(-n // 32), -(-n * width // 32)
        words = words[:needed]
        missing = groups * width - needed
        if missing:
            zeros = xp.zeros((missing,), dtype=xp.int32, device=ops.device_of(words))
            words = xp.concat([words, zeros])
        grouped = xp.reshape(words, (groups, width))
        values = xp.stack([_value(xp, grouped, width, j) for j in range(32)], axis=1)
    else:
        blocks = -(-n // 1024)
        grouped = xp.reshape(words[: blocks * width * 32], (blocks, width, 32))
        values = xp.stack([_value(xp, grouped, width, row) for row in _ROWS], axis=1)
    return (ops.bitcast(xp, xp.reshape(values, (-1,))[:n], xp.uint32),)


def _value(xp: Any, grouped: Array, width: int, j: int) -> Array:
    """Return value j of each group, int32; the words of a group lie along axis 1."""
    word, shift = divmod(j * width, 32)
    value = ops.lsr(xp, grouped[:, word, ...], shift)
    if shift + width > 32:
        value = value | (grouped[:, word + 1, ...] << (32 - shift))
    return value if shift + width == 32 else value & ((1 << width) - 1)
