"""Comparisons as intervals of integers: ``x < c`` is ``MIN <= x <= c - 1``, which is one test without a sign.

A float32 has an int32 as its key, which sorts as it does; both zeros have 0. The keys of NaN lie beyond those of the
infinities, hence in no interval.
"""

import numpy as np
from lar.targets.predicate.form import CODES, Term

from lar.contracts import HostArray

_INFINITY = 0x7F800000


def laid_out(term: Term, constants: HostArray) -> HostArray:
    """Return a term's constants as a vector kernel wants them.

    Returns
    -------
    array
        Of a comparison what `interval` says, in unsigned words of the column's width; of a list its keys; of a set
        a byte for every code there can be, 1 where it is in the set.
    """
    if term.kind in CODES:
        table = np.zeros(256 if term.kind == "u8" else 65_536, np.uint8)
        table[: 8 * len(constants)] = np.unpackbits(constants, bitorder="little")
        return table
    if term.operator == "in":
        return _long(constants).view(np.uint64) if term.kind == "i64" else keys_of(term, constants).view(np.uint32)
    if term.kind == "i64":
        return np.array(interval(term.operator, int(_long(constants)[0]), -(2**63), 64), np.uint64)
    key = int(keys_of(term, constants)[0])
    number = None if key == -(2**31) and term.kind == "f32" else key
    least = -_INFINITY if term.kind == "f32" else -(2**31)
    return np.array(interval(term.operator, number, least, 32), np.uint32)


def _long(constants: HostArray) -> HostArray:
    """Return int64 of low and high words, which may begin anywhere."""
    return np.require(np.ascontiguousarray(constants).view(np.int64).reshape(-1), requirements="A")


def keys_of(term: Term, constants: HostArray) -> HostArray:
    """Return int32 that sort as the constants do; for a NaN the one that no float32 has."""
    found: HostArray = np.require(constants.view(np.int32), requirements=["C", "A"])
    if term.kind == "i32":
        return found
    magnitude = found & 0x7FFFFFFF
    found = np.where(found < 0, -magnitude, magnitude)
    return np.where(magnitude > _INFINITY, np.int32(-(2**31)), found)


def interval(operator: str, constant: int | None, least: int, width: int) -> tuple[int, int, int]:
    """Return a comparison as an interval of keys.

    Parameters
    ----------
    operator : str
        A comparison.
    constant : int or None
        Its key; None for a NaN.
    least : int
        The smallest key that any operator selects: that of -infinity, or the smallest integer.
    width : int
        Bits of a key.

    Returns
    -------
    low, span, outside : int
        The operator selects ``(x - low) mod 2**width <= span``, or where `outside` is 1 what is not in there.
    """
    most = -least if least == -_INFINITY else -least - 1
    first, last = 1, 0  # nothing
    if constant is not None:
        first, last = {
            "<": (least, constant - 1),
            "<=": (least, constant),
            ">": (constant + 1, most),
            ">=": (constant, most),
        }.get(operator, (constant, constant))
    outside = operator == "<>"
    if first > last:
        first, last, outside = -(2 ** (width - 1)), 2 ** (width - 1) - 1, not outside
    return first % 2**width, last - first, int(outside)
