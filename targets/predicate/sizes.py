"""What the sizes of `predicate` say: bytes, cases of a user's own arrays, cases along one size."""

from collections.abc import Mapping
from typing import Any

from lar.contracts import Case, Data, Growth, Query

from .form import CODES, terms
from .inputs import case_of

WIDTHS = {"i32": 4, "i64": 8, "f32": 4, "u8": 1, "u16": 2}
"""Bytes of a value."""
_ROWS = 65_536
_LENGTHS = (1, 2, 4, 8, 16, 32, 64)


def data_bytes(case: Case) -> int:
    """Return the bytes of a data set."""
    n = case.shape["n"]
    return sum(n * WIDTHS[term.kind] + (n + 7) // 8 + 2 for term in terms(str(case.statics["predicate"])))


def recorded(name: str, data: Data, query: Query, statics: Mapping[str, Any]) -> Case:
    """Describe a user's own arrays.

    A dictionary has as many entries as its set has bits: 8 a byte, since a bitmap tells no more.
    """
    predicate = str(statics["predicate"])
    sizes = {"n": len(data["a"])}
    for term in terms(predicate):
        if term.operator == "in" and term.kind not in CODES:
            sizes["L"] = len(query[term.column])
        if term.kind in CODES:
            sizes["K"] = 8 * len(query[term.column]) if term.operator == "in" else 2 ** (8 * WIDTHS[term.kind])
    return Case(name, "recorded", sizes, 0, {"predicate": predicate}, sizes["n"], f"recorded/n{sizes['n']}/{name}")


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along the rows of a comparison, and along the constants of an IN list."""
    rows = [n for n in (1_024 * 4**i for i in range(9)) if 5 * n <= most]
    return {
        "n": Growth(tuple(case_of("random", "i32 < ?", n, seed) for n in rows)),
        "L": Growth(tuple(case_of("random", "i32 in ?", _ROWS, seed, length) for length in _LENGTHS)),
    }
