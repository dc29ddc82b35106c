"""`take`: the rows of a table that a list of row ids names, in the order of the list.

``values i32[N, W], ids u32[n] -> rows i32[n, W]``. A row is W words of 32 bits whose meaning is nobody's business here:
a float, a timestamp of 8 bytes, a vector of 128 floats. An id may come any number of times. Every id is below N; one
that is not is an error that `check_ids` states before any kernel runs.
"""

import math

import numpy as np

from lar.contracts import Case, Cost, Data, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference
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
    """Hold a data set against the contract; `check_ids` does so for a query.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or more rows than an int32 counts.
    """
    values, N, width = data["values"], case.shape["N"], case.shape["W"]
    if values.dtype != np.int32 or values.shape != (N, width):
        raise BadInputError(f"{case.name}: values is {values.dtype}{list(values.shape)}, expected int32[{N}, {width}]")
    if N >= 2**31:
        raise BadInputError(f"{case.name}: values has {N} rows, expected fewer than 2**31")


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
)
