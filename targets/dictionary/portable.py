"""`dictionary` once, against the array API: an entry more, which is zeros or the empty string, stands for every null.

So nothing but codes is ever selected, and a null's own code is never followed. Strings are found backwards: each byte
of the result asks whose it is, and how far its string lies from where it is written.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, kind: str, capacity: int) -> Tree:
    """Put the entry of the nulls behind the others.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``values`` int32 (K, W), or ``offsets`` int32 (K + 1,) and ``bytes`` uint8 (S,).
    kind : str
        ``fixed`` or ``utf8``.
    capacity : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``values`` int32 (K + 1, W); or ``starts`` and ``lengths`` int32 (K + 1,) and ``bytes`` uint8 (S + 1,), whose
        last one is the zero behind the strings.
    """
    del capacity
    if kind == "fixed":
        values = data["values"]
        zeros = xp.zeros((1, values.shape[1]), dtype=xp.int32, device=ops.device_of(values))
        return {"values": xp.concat([values, zeros])}
    offsets, octets = data["offsets"], data["bytes"]
    zero = xp.zeros((1,), dtype=xp.int32, device=ops.device_of(offsets))
    end = xp.zeros((1,), dtype=xp.uint8, device=ops.device_of(octets))
    return {
        "starts": xp.concat([offsets[:-1], zero]),
        "lengths": xp.concat([offsets[1:] - offsets[:-1], zero]),
        "bytes": xp.concat([octets, end]),
    }


def run(xp: Any, state: Tree, query: Query, /, *, kind: str, capacity: int) -> tuple[Array, ...]:
    """Decode a page.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : dict
        ``codes`` uint8, uint16 or uint32 (n,), each below K where not null; ``validity`` uint8, at least
        ``(n + 7) // 8``, the least significant bit first, 0 for a null.
    kind : str
        ``fixed`` or ``utf8``.
    capacity : int
        Bytes of strings to return; 0 for fixed-width values.

    Returns
    -------
    tuple of arrays
        ``(values,)`` int32 (n, W), zeros for a null; or ``(bytes, offsets, total)``: uint8 (capacity,), zeros behind
        the last string; int32 (n + 1,); int32 (), above `capacity` where not all bytes fit.
    """
    codes = query["codes"]
    codes = ops.bitcast(xp, codes, xp.int32) if codes.dtype == xp.uint32 else xp.astype(codes, xp.int32)
    valid = ops.unpack_bits(xp, query["validity"], codes.shape[0])
    nulls = state["values" if kind == "fixed" else "starts"].shape[0] - 1
    entries = xp.where(valid, codes, nulls)
    if kind == "fixed":
        return (xp.take(state["values"], entries, axis=0),)
    ends = ops.cumsum32(xp, xp.take(state["lengths"], entries))
    offsets = xp.concat([xp.zeros_like(ends[:1]), ends])
    total = ends[-1, ...]
    away = xp.take(state["starts"], entries) - offsets[:-1]
    place = ops.iota(xp, capacity, codes)
    source = xp.take(away, ops.expand(xp, ends - offsets[:-1], capacity)) + place
    source = xp.where(place < total, source, state["bytes"].shape[0] - 1)
    return xp.take(state["bytes"], source), offsets, total
