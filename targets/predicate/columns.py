"""Columns of `predicate`: values by their ranks, rows without a value, and what stands at the ends of each type."""

import numpy as np

from lar import sampling
from lar.contracts import Case, HostArray

from .form import CODES, Term

PATTERNS = ("alternating", "blocks", "all", "none")
"""Distributions in which the row's place says whether it is selected."""
LIMITS = ("limits-low", "limits-high", "limits-zero", "limits-nan")
"""Distributions of a few values at both ends and round zero, compared with those at one of these places."""
EQUALITY = ("=", "<>", "in")
RUN = 64
"""Mean length of a run."""
_CHUNK = 1 << 20
_MIN = -(2**31)
_INTEGERS = (_MIN, _MIN + 1, -(2**16), -1, 0, 1, 2**16, -_MIN - 2, -_MIN - 1)
_LONG = (-(2**63), 1 - 2**63, -(2**32) - 1, -(2**32), -(2**31), -1, 0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 2, 2**63 - 1)
_FLOATS = (0xFF800000, 0xFF7FFFFF, 0xBF800000, 0x80800000, 0x807FFFFF, 0x80000001, 0x80000000)
"""-inf, the lowest number, -1, the last normal and the first and last subnormal number below zero, -0.0."""
_NANS = (0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFFFFFFF)
_SPECIAL = np.array([*_FLOATS, *(bits ^ 1 << 31 for bits in _FLOATS), *_NANS], np.uint32).view(np.float32)


def column(case: Case, term: Term, own: int) -> tuple[HostArray, HostArray]:
    """Return a column's values and its bitmap, which is longer than it must be by up to two bytes."""
    n = case.shape["n"]
    shape = (n, 2) if term.kind == "i64" else (n,)
    dtype = {"f32": np.float32, "u8": np.uint8, "u16": np.uint16}.get(term.kind, np.int32)
    values, valid = np.empty(shape, dtype), np.empty(n, bool)
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        key = sampling.key(own, start)
        values[start:stop] = _values(case, term, key, (start, stop))
        valid[start:stop] = _valid(case, term, sampling.key(key, "valid"), stop - start)
    if term.kind in CODES:
        values[~valid] = 255 if term.kind == "u8" else 65_535
    return values, packed(valid, (n + 7) // 8 + n % 3)


def packed(valid: HostArray, size: int) -> HostArray:
    """Return a bitmap of `size` bytes, all bits set that belong to no row."""
    bits = np.ones(8 * size, bool)
    bits[: len(valid)] = valid
    return np.packbits(bits, bitorder="little")


def _runs(key: int, drawn: HostArray) -> HostArray:
    """Return what was drawn, each of it repeated up to where the next run begins."""
    begins = sampling.integers(key, drawn.shape, RUN) == 0
    return drawn[np.maximum.accumulate(np.where(begins, np.arange(len(drawn)), 0))]


def _valid(case: Case, term: Term, key: int, rows: int) -> HostArray:
    share = {"no-null": 0.0, "all": 0.0, "none": 0.0, "all-null": 1.0, "half-null": 0.5}.get(case.distribution)
    if share is None:
        share = case.shape["selected"] / 1000 if term.operator == "is null" else 0.05
    drawn = sampling.uniform(key, (rows,))
    if case.distribution == "runs":
        drawn = _runs(sampling.key(key, "runs"), drawn)
    valid: HostArray = drawn >= share
    return valid


def _ranks(case: Case, key: int, within: tuple[int, int]) -> HostArray:
    """Return u in [0, 1) of rows ``start..stop - 1``; of the patterns, below 1/4 is selected and from 3/4 on is not."""
    rows = np.arange(*within)
    drawn = sampling.uniform(key, rows.shape)
    match case.distribution:
        case "runs":
            return _runs(sampling.key(key, "runs"), drawn)
        case "sorted":
            return (rows + drawn) / case.shape["n"]
        case "alternating":
            return np.where(rows % 2 == 1, 0.0, 0.75) + drawn / 4
        case "blocks":
            return np.where(rows // 64 % 2 == 1, 0.0, 0.75) + drawn / 4
        case "all":
            return drawn / 4
        case "none":
            return 0.75 + drawn / 4
        case _:
            return drawn


def _values(case: Case, term: Term, key: int, within: tuple[int, int]) -> HostArray:
    u, more = _ranks(case, key, within), sampling.key(key, "more")
    if case.distribution in LIMITS:
        choices = limits(term.kind)
        return choices[sampling.integers(key, u.shape, len(choices))]
    if term.kind in CODES:
        return (u * case.shape["K"]).astype(np.int64)
    if term.operator in EQUALITY:
        found = distinct(term.kind, (u * categories(case, term)).astype(np.int64))
        if term.kind == "f32":
            found[(found == 0) & (sampling.uniform(more, u.shape) < 0.5)] = -0.0
        return found
    found = of_rank(term.kind, turned(term, u), more)
    if term.kind == "f32" and case.distribution not in PATTERNS:
        place = np.flatnonzero(sampling.integers(sampling.key(key, "place"), u.shape, 64) == 0)
        found[place] = _SPECIAL[sampling.integers(sampling.key(key, "special"), place.shape, len(_SPECIAL))]
    return found


def turned(term: Term, u: HostArray) -> HostArray:
    """Return ranks of which the low ones are selected by ``<``, the high ones by ``>``."""
    return 1 - 2.0**-53 - u if term.operator in {">", ">="} else u


def of_rank(kind: str, u: HostArray, key: int) -> HostArray:
    """Return values of ranks, spread over the whole of an integer type, or over -1 to 1."""
    if kind == "f32":
        return (2 * u - 1).astype(np.float32)
    high = (np.floor(u * 2.0**32) + _MIN).astype(np.int64)
    if kind == "i32":
        return high.astype(np.int32)
    low = sampling.words(key, u.size).astype(np.uint32).reshape(u.shape).view(np.int32)
    return np.stack([low, high.astype(np.int32)], axis=-1)


def categories(case: Case, term: Term) -> int:
    """Return how many distinct values a column has that is asked by equality."""
    length = case.shape["L"] if term.operator == "in" else 1
    if case.distribution in PATTERNS:
        return 4 * length
    return max(length + 1, round(1000 * length / case.shape["selected"]))


def distinct(kind: str, number: HostArray) -> HostArray:
    """Return distinct values by their numbers: scattered integers, the halves round zero."""
    if kind == "f32":
        return ((number - 1) / 2).astype(np.float32)
    low = (number * 2_654_435_769 + 12_345).astype(np.uint32).view(np.int32)
    if kind == "i32":
        return low
    return np.stack([low, (number // 2 * 0x5EBCA6B).astype(np.uint32).view(np.int32)], axis=-1)  # two share a high word


def limits(kind: str) -> HostArray:
    """Return the values at both ends of a type and round zero."""
    if kind == "f32":
        return _SPECIAL
    if kind == "i32":
        return np.array(_INTEGERS, np.int32)
    return np.array(_LONG, np.int64).astype("<i8").view("<i4").reshape(-1, 2).astype(np.int32)
