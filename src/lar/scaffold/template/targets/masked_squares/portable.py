"""`masked-squares` once, against the array API: unpack, choose, square, add up in groups.

What is not selected is replaced before it is squared: multiplied by zero, a NaN or an infinity would stay one. Groups
are added up, then the groups' sums: in one long running sum of equal values, all roundings fall the same way.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_GROUP = 64


def prepare(xp: Any, data: Data) -> Tree:
    """Keep the values as they are.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``values`` float32 (n,).

    Returns
    -------
    dict of arrays
        ``values`` as given.
    """
    del xp
    return {"values": data["values"]}


def run(xp: Any, state: Tree, query: Query, /) -> tuple[Array]:
    """Add up the squares of the values that each bitmap selects.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint8 (nq, ceil(n/8)), least significant bit first.

    Returns
    -------
    sums : array
        float32 (nq,).
    """
    values = state["values"]

    def one(bitmap: Array) -> tuple[Array]:
        selected = ops.unpack_bits(xp, bitmap, values.shape[0])
        kept = xp.where(selected, values, xp.zeros_like(values))
        return (_sum(xp, kept * kept),)

    (sums,) = ops.map_rows(xp, one, query)
    return (sums,)


def _sum(xp: Any, terms: Array) -> Array:
    """Return the sum of float32 (n,), n at least 1, as an array without axes."""
    while terms.shape[0] > 1:
        missing = xp.zeros(-terms.shape[0] % _GROUP, dtype=xp.float32, device=ops.device_of(terms))
        groups = xp.reshape(xp.concat([terms, missing]), (-1, _GROUP))
        terms = xp.sum(groups, axis=1, dtype=xp.float32)
    return terms[0]
