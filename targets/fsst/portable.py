"""`fsst` once, against the array API: what every code stands for is found at once, then every byte its source.

Whether a 255 is an escape depends on all 255 before it, and yet needs no loop: in a run of them the first, third, ...
are escapes, so the distance to the last other byte tells by its parity. No string ends in an escape, so that strings
need no attention either. A symbol takes its length in the text, an escape nothing, an escaped byte one; sums of these
say where every code's bytes begin, and each byte of the text is then one look-up in the symbols, behind which all 256
bytes stand for those escaped.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_ESCAPE = 255
_WIDTH = 8


def prepare(xp: Any, data: Data, *, capacity: int) -> Tree:
    """Lay the table out.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``symbols`` uint8 (S, 8) and ``lengths`` uint8 (S,).
    capacity : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``bytes`` uint8 (256 * 8 + 256,), the symbols by their codes and then every byte; ``lengths`` int32 (256,), 0
        for the escape and for codes without a symbol.
    """
    del capacity
    device = ops.device_of(data["symbols"])
    missing = _ESCAPE + 1 - data["lengths"].shape[0]
    padding = xp.zeros((missing * _WIDTH,), dtype=xp.uint8, device=device)
    every = xp.astype(xp.arange(_ESCAPE + 1, dtype=xp.int32, device=device), xp.uint8)
    return {
        "bytes": xp.concat([xp.reshape(data["symbols"], (-1,)), padding, every]),
        "lengths": xp.concat(
            [xp.astype(data["lengths"], xp.int32), xp.zeros((missing,), dtype=xp.int32, device=device)]
        ),
    }


def run(xp: Any, state: Tree, query: Query, /, *, capacity: int) -> tuple[Array, Array]:
    """Decode a page.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : dict of arrays
        ``codes`` uint8 (bytes,), anything behind the last string; ``offsets`` int32 (n + 1,), the first one 0.
    capacity : int
        Bytes of text to return.

    Returns
    -------
    text : array
        uint8 (capacity,), zeros behind the last string; what exceeds it is cut off.
    offsets : array
        int32 (n + 1,), of the whole text.
    """
    codes, offsets = xp.astype(query["codes"], xp.int32), query["offsets"]
    n = codes.shape[0]
    place = ops.iota(xp, n, codes)
    escape = codes == _ESCAPE
    behind = place - ops.running_max(xp, xp.where(escape, -1, place))
    escape = escape & ((behind & 1) == 1)
    literal = xp.concat([xp.zeros((1,), dtype=xp.bool, device=ops.device_of(codes)), escape[:-1]])

    lengths = xp.where(literal, 1, xp.take(state["lengths"], codes))
    lengths = xp.where(place < offsets[-1], lengths, 0)
    zero = xp.zeros((1,), dtype=xp.int32, device=ops.device_of(codes))
    starts = xp.concat([zero, ops.cumsum32(xp, lengths)])

    sources = xp.where(literal, codes + (_ESCAPE + 1) * _WIDTH, codes * _WIDTH) - starts[:-1]
    owner = ops.expand(xp, lengths, capacity)
    at = ops.iota(xp, capacity, codes)
    inside = at < starts[-1]
    source = xp.where(inside, at + xp.take(sources, owner), 0)
    text = xp.where(inside, xp.take(state["bytes"], source), xp.zeros_like(source, dtype=xp.uint8))
    return text, xp.take(starts, offsets)
