"""What every target over product-quantised rows promises: the form of its data and of its results, the least work.

``query f32[nq, dim], codebook f32[m, K, dim/m], codes u8[N, m] -> distances f32[nq, k] ascending, ids u32[nq, k]``.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, Query, Spec
from lar.errors import BadInputError


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (distances, ids)."""
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "float32"), Spec(shape, "uint32")


def cost(case: Case, operations: int) -> Cost:
    """Return the least work of one call: read every code once for all queries, build each query's table, add per code.

    An addition per code is counted as an operation on bytes, since a filter may add quantised table entries. Tables
    are counted for no more centroids than there are rows.

    Parameters
    ----------
    case : Case
        The case.
    operations : int
        Additions and multiplications of float32 that a table entry takes per component.
    """
    s = case.shape
    components = s["m"] * min(s["K"], s["N"]) * (s["dim"] // s["m"])
    moved = s["N"] * s["m"] + 4 * s["K"] * s["dim"] + 4 * s["nq"] * s["dim"] + 8 * s["nq"] * s["k"]
    return Cost(moved, {"f32": operations * s["nq"] * components, "u8": s["nq"] * s["N"] * s["m"]})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a component that is not finite, or a code outside the codebook, with its place.
    """
    codebook, codes = data["codebook"], data["codes"]
    s = case.shape
    for name, array, dtype, shape in (
        ("codebook", codebook, np.float32, (s["m"], s["K"], s["dim"] // s["m"])),
        ("codes", codes, np.uint8, (s["N"], s["m"])),
    ):
        if array.dtype != dtype or array.shape != shape:
            raise BadInputError(
                f"{case.name}: {name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype)}{list(shape)}"
            )
    if not np.all(np.isfinite(codebook)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(codebook))[0])
        raise BadInputError(f"{case.name}: codebook{list(where)} is {codebook[where]}, expected a finite number")
    if s["K"] < 256 and int(codes.max(initial=0)) >= s["K"]:
        row, column = (int(i) for i in np.argwhere(codes >= s["K"])[0])
        raise BadInputError(
            f"{case.name}: codes[{row}, {column}] is {codes[row, column]}, expected a code below K = {s['K']}"
        )


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or a component that is not finite, with its place.
    """
    del data
    shape = (case.shape["nq"], case.shape["dim"])
    if query.dtype != np.float32 or query.shape != shape:
        found = f"{query.dtype}{list(query.shape)}"
        raise BadInputError(f"{case.name}: the query is {found}, expected float32{list(shape)}")
    if not np.all(np.isfinite(query)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(query))[0])
        raise BadInputError(f"{case.name}: query{list(where)} is {query[where]}, expected a finite number")
