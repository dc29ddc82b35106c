"""`take` once, against the array API: one `take` along the rows.

The standard's only integer types that every library indexes with are signed, so the ids' bits are read as int32: the
contract keeps them below 2**31.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data) -> Tree:
    """Keep the rows as they are.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``values`` int32 (N, W).

    Returns
    -------
    dict of arrays
        ``values`` as given.
    """
    del xp
    return {"values": data["values"]}


def run(xp: Any, state: Tree, query: Query, /) -> tuple[Array]:
    """Return the row of each id.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint32 (n,), each below N. One that is not is refused by `check_ids`; here the library decides what it does
        (NumPy and torch raise, JAX fills in a number, CuPy wraps).

    Returns
    -------
    rows : array
        int32 (n, W).
    """
    return (xp.take(state["values"], ops.bitcast(xp, query, xp.int32), axis=0),)
