"""The exact truth of `take`, one word after the other, and the check of the ids it is asked for.

Python array API standard 2024.12, `take` with ``axis=0``: row i of the result is row ``ids[i]`` of the values. numba
compiles the loops; no kernel shares a line with them.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import forms
from lar.contracts import Case, Data, Exact, HostArray, Query
from lar.errors import BadInputError


@njit
def rows_of(values: HostArray, ids: HostArray) -> HostArray:
    """Return int32 (n, W): row ``ids[i]`` of values int32 (N, W) for each i."""
    n, width = ids.shape[0], values.shape[1]
    out = np.empty((n, width), np.int32)
    for i in range(n):
        row = ids[i]
        for j in range(width):
            out[i, j] = values[row, j]
    return out


def check_ids(case: Case, ids: HostArray) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or an id that is no row's, with its place.
    """
    N, n = case.shape["N"], case.shape["n"]
    forms.hold(case, "ids", ids, "uint32", (n,))
    if int(ids.max(initial=0)) >= N:
        place = int(np.argmax(ids >= N))
        raise BadInputError(f"{case.name}: ids[{place}] is {ids[place]}, expected a row below N = {N}")


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call; raises what `check_ids` does."""
    check_ids(case, query)
    return Exact((rows_of(data["values"], query),))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls, stacked: copying rows is cheap enough for every call."""
    for query in queries:
        check_ids(case, query)
    rows = rows_of(data["values"], np.concatenate(queries))
    return Exact((rows.reshape(len(queries), case.shape["n"], case.shape["W"]),))
