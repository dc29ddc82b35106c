"""What a search of nearest rows is told of a metric, and what it notes of a query.

A distance is made of a row's *sum*: of m tables the entry that the row's code names, in float32 (`lar.simd.tables`).
Where the distance is that sum itself, the functions here do for all but filling the tables.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from lar.simd import bounds, shortlist
from lar.simd.bounds import EVERYTHING
from lar.simd.shortlist import NOTHING

SCAN = np.dtype(
    [
        ("bias", "f8"),
        ("relative", "f8"),
        ("absolute", "f8"),
        ("span", "f8"),
        ("inverse", "f8"),
        ("bound", "u8"),
        ("filled", "i8"),
        ("together", "i8"),
    ]
)
"""Where a search stands.

Noted by the metric's `fill`: *bias*, no more than the exact sum of the table's minima; *relative* and *absolute*, by
which a row's exact sum of entries may exceed its float32 sum; *span*, the largest range of a sub-space's entries. Then
steps per unit of distance; the bound and the length of its shortlist; and how many sub-spaces' bytes are added before
they are widened."""

_inlined = njit(nogil=True, forceinline=True)


class Search(NamedTuple):
    """What belongs to one query: table, the same in steps, the minima of its sub-spaces, shortlist, k and `SCAN`."""

    table: Any
    steps: Any
    low: Any
    keys: Any
    k: int
    scan: Any


class Metric(NamedTuple):
    """What a search is told of a metric: compiled functions, of which `extra` is whatever the kernel keeps by row.

    Attributes
    ----------
    fill : function
        ``(search, query, columns)``: fill the search's table and minima, and note bias, margins and span in its scan.
    find : function
        ``(search, extra, first, sums, blocks) -> (found, near, limit)``: list the rows, from row `first` on, whose sums
        of steps do not rule them out, as `lar.simd.bounds.find` does; no row in question has more steps than `limit`.
    excess : function
        ``(search, extra) -> float``: the most by which the sum of entries of a row worth telling apart exceeds the
        bias.
    distance : function
        ``(extra, total, row) -> float32``: a row's distance from its float32 sum of entries.
    """

    fill: Any
    find: Any
    excess: Any
    distance: Any


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def sum_itself(extra: Any, total: Any, row: Any) -> Any:  # noqa: ARG001 - numba cannot `del` what is not used
    """Return the sum as the distance."""
    return total


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def excess(search: Any, extra: Any) -> Any:  # noqa: ARG001 - numba cannot `del` what is not used
    """Return the most by which a row's exact sum of entries exceeds the bias while its float32 sum is in the bound."""
    scan = search.scan
    most = np.float64(shortlist.distance_of(scan.bound))
    return most + abs(most) * scan.relative + scan.absolute - scan.bias


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def limit(search: Any) -> Any:
    """Return the most steps of a row within the bound: a byte is at most (entry - low) inverse (1 + 2**-24)**2."""
    if search.scan.bound == NOTHING:
        return EVERYTHING
    steps = excess(search, ()) * search.scan.inverse * (1 + 2.0**-20)
    return np.int64(max(steps, 0.0)) if steps < EVERYTHING else EVERYTHING


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def find(search: Any, extra: Any, first: Any, sums: Any, blocks: Any) -> Any:  # noqa: ARG001 - as above
    """Hold all rows against one limit."""
    most = limit(search)
    found, near = bounds.find(sums, most, blocks)
    return found, near, most


@_inlined  # type: ignore[untyped-decorator]  # numba ships no types
def note_signed(search: Any, span: Any, magnitude: Any) -> None:
    """Note bias and margins of a table with entries of either sign, of whose sums none exceeds `magnitude`.

    A float32 sum none of whose terms passes through more than m / 16 + 9 additions is off by at most (m + 16) 2**-24 of
    the terms' magnitude. The bias is added up in float64, to m 2**-53 of it.
    """
    scan, m = search.scan, search.low.size
    scan.span, scan.bias = span, 0.0
    for low in search.low:
        scan.bias += low
    scan.bias -= magnitude * m * 2.0**-52
    scan.relative, scan.absolute = 0.0, magnitude * (m + 16) * 2.0**-24
