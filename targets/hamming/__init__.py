"""`hamming`: the k nearest rows of a set of binary codes by the number of differing bits.

``query u8[nq, B], codes u8[N, B] -> distances u32[nq, k] ascending, ids u32[nq, k]``. A code is B bytes of eight bits
each; which bit of a byte is the first does not matter. Where k exceeds N, the rest is padded with 2**32 - 1, both
distances and ids.
"""

from lar import forms
from lar.contracts import Case, Cost, Data, Query, Spec, Target

from . import inputs, reference, shapes


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (distances, ids)."""
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "uint32"), Spec(shape, "uint32")


def cost(case: Case) -> Cost:
    """Return the least work of one call.

    A row is ruled out once it differs in as many bits as the k-th best row. Among independent random bits that is more
    than a quarter of a code, and no preparation is known that spares reading them: so a quarter of the bytes counts,
    each read once for all queries and operated on once for each. Where rows cluster or repeat, what `prepare` knows of
    them can rule out many at once: a bit a row counts.
    """
    s = case.shape
    least = s["N"] * s["B"] // 4 if case.distribution == "random" else -(-s["N"] // 8)
    return Cost(least + s["nq"] * s["B"] + 8 * s["nq"] * s["k"], {"u8": s["nq"] * least})


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract; every byte is a legal one.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, no rows, or no results to return.
    """
    forms.hold_sizes(case, N=forms.LARGEST, B=forms.LARGEST // 8, nq=forms.LARGEST, k=forms.LARGEST)
    forms.hold(case, "codes", data["codes"], "uint8", (case.shape["N"], case.shape["B"]))


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape.
    """
    del data
    forms.hold(case, "the query", query, "uint8", (case.shape["nq"], case.shape["B"]))


TARGET = Target(
    name="hamming",
    summary="k nearest rows by the number of differing bits",
    source="Hamming: Error detecting and error correcting codes, Bell System Technical Journal 29(2), 1950, section 5",
    operation="query",
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
