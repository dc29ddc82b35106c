"""`take`: the rows of a table that a list of row ids names, in the order of the list.

``values i32[N, W], ids u32[n] -> rows i32[n, W]``. A row is W words of 32 bits whose meaning is nobody's business here:
a float, a timestamp of 8 bytes, a vector of 128 floats. An id may come any number of times. Every id is below N; one
that is not is an error that `check_ids` states before any kernel runs.
"""

import math

from lar import forms
from lar.contracts import Case, Cost, Data, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, shapes
from .reference import check_ids

__all__ = ["TARGET", "check", "check_ids", "cost", "outputs"]


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the spec of the rows."""
    return (Spec((case.shape["n"], case.shape["W"]), "int32"),)


def cost(case: Case) -> Cost:
    """Return the least work of one call: read every id, read every row that is named once, write a row for each id.

    Of n random ids about ``N (1 - exp(-n / N))`` are distinct; a tenth less is counted, which no draw of a workload's
    size falls short of. Rows named again and again may all come from a cache, so duplicated ones are not counted.
    """
    N, width, n = (case.shape[letter] for letter in ("N", "W", "n"))
    drawn_anew = case.distribution in {"random", "sorted", "clustered"}
    distinct = int(0.9 * N * -math.expm1(-n / N)) if drawn_anew else 0
    return Cost(4 * n + 4 * width * (n + distinct), {})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, no rows or words, no ids to come, or more rows than an int32 counts.
    """
    N, width = case.shape["N"], case.shape["W"]
    forms.hold(case, "values", data["values"], "int32", (N, width))
    if N >= 2**31:
        raise BadInputError(f"{case.name}: values has {N} rows, expected fewer than 2**31")
    forms.hold_sizes(case, N=forms.LARGEST, W=forms.LARGEST, n=forms.LARGEST)


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a list of ids against the contract: what `check_ids` raises."""
    del data
    check_ids(case, query)


TARGET = Target(
    name="take",
    summary="the rows that a list of row ids names",
    source="Consortium for Python Data API Standards: Python array API standard, 2024.12, take(x, indices, axis=0)",
    operation="row",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=cost,
    check=check,
    check_query=check_query,
    recorded=shapes.recorded,
    growth=shapes.growth,
    data_bytes=shapes.data_bytes,
)
