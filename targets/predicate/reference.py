"""The exact truth of `predicate`, one row after the other, in SQL's three truth values.

ISO/IEC 9075-2:2016 (SQL), 6.39, boolean value expression: the truth tables of ``and``; 8.2, comparison predicate: a
comparison with a null is unknown; 7.12, where clause: a row is kept if the condition is true, and neither if it is
false nor if it is unknown. IEEE 754-2019, 5.11: a NaN compares unordered, so that ``<>`` holds and all else does not;
-0.0 equals 0.0. numba compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import NO_ID, Case, Data, Exact, HostArray, Query

from .form import CODES, Term, terms

FALSE, TRUE, UNKNOWN = 0, 1, 2
_NUMBERS = {"=": 0, "<>": 1, "<": 2, "<=": 3, ">": 4, ">=": 5}


@njit
def bit(bitmap: HostArray, i: int) -> bool:
    """Return bit i of a bitmap of bytes, the least significant bit of each first."""
    return bool(bitmap[i // 8] >> (i % 8) & 1)


@njit
def compared(x: float, operator: int, constant: float) -> bool:
    """Return what a comparison of two numbers says."""
    if operator == 0:
        return bool(x == constant)
    if operator == 1:
        return bool(x != constant)
    if operator == 2:
        return bool(x < constant)
    if operator == 3:
        return bool(x <= constant)
    if operator == 4:
        return bool(x > constant)
    return bool(x >= constant)


@njit
def comparison(values: HostArray, valid: HostArray, operator: int, constant: float) -> HostArray:
    """Return the truth value of ``value operator constant`` for each row."""
    out = np.empty(values.shape[0], np.uint8)
    for i in range(values.shape[0]):
        if not bit(valid, i):
            out[i] = UNKNOWN
        else:
            out[i] = TRUE if compared(values[i], operator, constant) else FALSE
    return out


@njit
def membership(values: HostArray, valid: HostArray, constants: HostArray) -> HostArray:
    """Return the truth value of ``value in (constants)`` for each row: of ``value = c1 or value = c2 or ...``."""
    out = np.empty(values.shape[0], np.uint8)
    for i in range(values.shape[0]):
        if not bit(valid, i):
            out[i] = UNKNOWN
            continue
        out[i] = FALSE
        for constant in constants:
            if values[i] == constant:
                out[i] = TRUE
    return out


@njit
def code_in_set(codes: HostArray, valid: HostArray, chosen: HostArray) -> HostArray:
    """Return for each row whether its code is in a bitmap of codes; a code without validity may be any."""
    out = np.empty(codes.shape[0], np.uint8)
    for i in range(codes.shape[0]):
        if not bit(valid, i):
            out[i] = UNKNOWN
        else:
            out[i] = TRUE if bit(chosen, codes[i]) else FALSE
    return out


@njit
def nullness(rows: int, valid: HostArray, wanted: bool) -> HostArray:
    """Return for each row whether ``value is null`` is as wanted: never unknown."""
    out = np.empty(rows, np.uint8)
    for i in range(rows):
        out[i] = TRUE if (not bit(valid, i)) == wanted else FALSE
    return out


@njit
def both(one: HostArray, other: HostArray) -> HostArray:
    """Return ``one and other``: false if either is, else unknown if either is."""
    out = np.empty(one.shape[0], np.uint8)
    for i in range(one.shape[0]):
        if one[i] == FALSE or other[i] == FALSE:
            out[i] = FALSE
        elif one[i] == UNKNOWN or other[i] == UNKNOWN:
            out[i] = UNKNOWN
        else:
            out[i] = TRUE
    return out


@njit
def kept(truth: HostArray, mask: HostArray, ids: HostArray) -> int:
    """Write the mask and the ids of the rows for which the condition is true, and return how many they are."""
    mask[:] = 0
    ids[:] = NO_ID
    count = 0
    for i in range(truth.shape[0]):
        if truth[i] == TRUE:
            mask[i // 8] |= np.uint8(1 << (i % 8))
            ids[count] = i
            count += 1
    return count


def numbers(array: HostArray, kind: str) -> HostArray:
    """Return values or constants in a type that holds them all exactly and compares them: int64, or float64."""
    if kind == "i64":  # a low and a high word of 32 bits; the high one has the sign
        return (array[:, 1].astype(np.int64) << 32) + (array[:, 0].astype(np.int64) & 0xFFFFFFFF)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return array.astype(np.float64 if kind == "f32" else np.int64)


def condition(term: Term, data: Data, query: Query) -> HostArray:
    """Return the truth value of a term for each row: uint8 (n,)."""
    values, valid, constants = data[term.column], data[term.bitmap], query[term.column]
    if term.operator == "is null":
        return np.asarray(nullness(values.shape[0], valid, bool(constants[0])))
    if term.kind in CODES:
        return np.asarray(code_in_set(values, valid, constants))
    exact, asked = numbers(values, term.kind), numbers(constants, term.kind)
    if term.operator == "in":
        return np.asarray(membership(exact, valid, asked))
    return np.asarray(comparison(exact, valid, _NUMBERS[term.operator], asked[0]))


def selected(case: Case, data: Data, query: Query) -> tuple[HostArray, HostArray, HostArray]:
    """Return (mask, ids, count) of one call."""
    n = case.shape["n"]
    conditions = [condition(term, data, query) for term in terms(str(case.statics["predicate"]))]
    truth = conditions[0] if len(conditions) == 1 else both(*conditions)
    mask, ids = np.empty((n + 7) // 8, np.uint8), np.empty(n, np.uint32)
    count = kept(truth, mask, ids)
    return mask, ids, np.array(count, np.int32)


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    return Exact(selected(case, data, query))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked: a look at every row is cheap enough for every call."""
    found = [selected(case, data, query) for query in queries]
    mask, ids, count = (np.stack(column) for column in zip(*found, strict=True))
    return Exact((mask, ids, count))
