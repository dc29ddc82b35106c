"""`predicate` once, against the array API: a boolean a row, from int32 keys; then its ids, and its bits.

Every comparison is one of int32, since that is what all libraries do alike: a float32 is compared by its key
(`lar.ops.float_key`), for XLA takes subnormals for zero; an i64 by its high word and, where that is equal, by its low
one. Rows without a value are taken out at the end of each term, which is what unknown comes to under ``and``.
"""

from typing import Any

from lar.targets.predicate.form import CODES, Term, terms

from lar import ops
from lar.contracts import Array, Data, Query, Tree

_MAGNITUDE = 0x7FFFFFFF
_INFINITY = 0x7F800000


def prepare(xp: Any, data: Data, *, predicate: str) -> Tree:
    """Keep the columns as they are.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        For each term's column ``a`` or ``b``: ``a`` int32 (n,), float32 (n,), int32 (n, 2) as low and high words,
        uint8 (n,) or uint16 (n,); ``a_valid`` uint8, at least ``ceil(n / 8)`` bytes, the least significant bit first.
    predicate : str
        The form, see ``form.py``.

    Returns
    -------
    dict of arrays
        The same.
    """
    del xp, predicate
    return dict(data)


def run(xp: Any, state: Tree, query: Query, /, *, predicate: str) -> tuple[Array, Array, Array]:
    """Return the rows for which the predicate is true.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : dict of arrays
        For each term's column its constants: of the column's type, (L,) or (L, 2), one of them for a comparison;
        for codes the set, a bitmap of uint8; for ``is null`` int32 (1,), 1 or 0.
    predicate : str
        The form.

    Returns
    -------
    mask : array
        uint8 (ceil(n / 8),): bit i, the least significant of a byte first, is set where row i is selected; behind row
        n - 1 it is 0.
    ids : array
        uint32 (n,): the selected rows, ascending, then 2**32 - 1.
    count : array
        int32, 0-d: how many they are.
    """
    hits = [_hits(xp, state, query, term) for term in terms(predicate)]
    mask = hits[0] if len(hits) == 1 else hits[0] & hits[1]
    ids, count = ops.compact(xp, mask, mask.shape[0], -1)
    return ops.pack_bits(xp, mask), ops.bitcast(xp, ids, xp.uint32), count


def _hits(xp: Any, state: Tree, query: Query, term: Term) -> Array:
    """Return bool (n,): where a term is true."""
    values, constants = state[term.column], query[term.column]
    valid = ops.unpack_bits(xp, state[term.bitmap], values.shape[0])
    if term.operator == "is null":
        return xp.logical_xor(valid, constants == 1)
    return valid & matches(xp, values, constants, term)


def matches(xp: Any, values: Array, constants: Array, term: Term) -> Array:
    """Return bool (n,): where a term that asks for values would be true, were every value one.

    Parameters
    ----------
    xp : module
        The array namespace.
    values, constants : array
        As `prepare` and `run` are given them.
    term : Term
        Any but ``is null``.
    """
    if term.kind in CODES:
        return _in_set(xp, values, constants)
    if term.operator == "in":
        found = _compared(xp, values, constants[:1, ...], "=", term.kind)
        for i in range(1, constants.shape[0]):
            found = found | _compared(xp, values, constants[i : i + 1, ...], "=", term.kind)
        return found
    return _compared(xp, values, constants, term.operator, term.kind)


def _in_set(xp: Any, codes: Array, bitmap: Array) -> Array:
    """Return where a code is in a set; a code where there is no value may be any, and is brought into range."""
    size = 8 * bitmap.shape[0]
    chosen = ops.unpack_bits(xp, bitmap, size)
    codes = xp.astype(codes, xp.int32)
    return xp.take(chosen, xp.minimum(codes, xp.full_like(codes, size - 1)), axis=0)


def _compared(xp: Any, values: Array, constant: Array, operator: str, kind: str) -> Array:
    """Return bool (n,): ``value operator constant``, the constant (1,) or (1, 2)."""
    match operator:
        case "<>":
            return xp.logical_not(_compared(xp, values, constant, "=", kind))
        case ">":
            return _less(xp, constant, values, kind)
        case "<":
            return _less(xp, values, constant, kind)
        case ">=":
            return _less(xp, constant, values, kind) | _equal(xp, values, constant, kind)
        case "<=":
            return _less(xp, values, constant, kind) | _equal(xp, values, constant, kind)
        case _:
            return _equal(xp, values, constant, kind)


def _less(xp: Any, x: Array, y: Array, kind: str) -> Array:
    if kind == "i64":
        high, other = x[:, 1], y[:, 1]
        return (high < other) | ((high == other) & ((x[:, 0] ^ -(2**31)) < (y[:, 0] ^ -(2**31))))
    if kind == "f32":
        return (ops.float_key(xp, x) < ops.float_key(xp, y)) & _numbers(xp, x) & _numbers(xp, y)
    return x < y


def _equal(xp: Any, x: Array, y: Array, kind: str) -> Array:
    if kind == "i64":
        return (x[:, 0] == y[:, 0]) & (x[:, 1] == y[:, 1])
    if kind == "f32":
        return (ops.float_key(xp, x) == ops.float_key(xp, y)) & _numbers(xp, x)
    return x == y


def _numbers(xp: Any, x: Array) -> Array:
    """Return where a float32 is not NaN, by its bits."""
    return (ops.bitcast(xp, x, xp.int32) & _MAGNITUDE) <= _INFINITY
