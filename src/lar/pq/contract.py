"""What every target over product-quantised rows promises: the form of its data and of its results, the least work.

``query f32[nq, dim], codebook f32[m, K, dim/m], codes u8[N, m] -> distances f32[nq, k] ascending, ids u32[nq, k]``.
"""

import numpy as np

from lar import forms
from lar.contracts import Case, Cost, Data, HostArray, Query, Spec
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
        Wrong dtype or shape, no rows or no results to return, a component that is not finite, or a code outside the
        codebook, with its place.
    """
    codebook, codes = data["codebook"], data["codes"]
    s = case.shape
    forms.hold_sizes(case, **dict.fromkeys(("dim", "m", "K", "N", "nq", "k"), forms.LARGEST))
    forms.hold(case, "codebook", codebook, "float32", (s["m"], s["K"], s["dim"] // s["m"]))
    forms.hold(case, "codes", codes, "uint8", (s["N"], s["m"]))
    _finite(case, "codebook", codebook)
    place = forms.first(codes >= s["K"]) if s["K"] < 256 else None
    if place:
        raise BadInputError(f"{case.name}: codes{list(place)} is {codes[place]}, expected a code below K = {s['K']}")


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, or a component that is not finite, with its place.
    """
    del data
    forms.hold(case, "the query", query, "float32", (case.shape["nq"], case.shape["dim"]))
    _finite(case, "query", query)


def _finite(case: Case, name: str, array: HostArray) -> None:
    place = forms.first(~np.isfinite(array))
    if place:
        raise BadInputError(f"{case.name}: {name}{list(place)} is {array[place]}, expected a finite number")
