"""`pq-cosine`: the k nearest rows of a product-quantised data set by cosine, as the distance 1 - q.x / (|q| |x|).

``query f32[nq, dim], codebook f32[m, K, dim/m], codes u8[N, m] -> distances f32[nq, k] ascending, ids u32[nq, k]``.
The query stays exact, x is a row's decoded vector, and |x| the norm of that, not of the vector that was encoded. A zero
vector has no direction: where q or x is zero, the distance is 1. Where k exceeds N, the rest is padded with +inf and
2**32 - 1.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, Target
from lar.errors import BadInputError
from lar.pq import contract, sizes

from . import inputs, reference

SHORTEST, LONGEST = 1e-12, 1e12
"""Norms other than 0 lie between them, of rows and of queries: float32 then holds the squares of all that matters."""


def cost(case: Case) -> Cost:
    """Return the least work of one call; a table entry takes a product and a sum for each component.

    Norms of rows are not counted: they depend on the data alone, and a kernel may have arranged rows by them.
    """
    return contract.cost(case, operations=2)


def check(case: Case, data: Data) -> None:
    """Hold a data set against the contract.

    Raises
    ------
    BadInputError
        As `lar.pq.contract.check` has it; or a row whose norm is neither 0 nor between `SHORTEST` and `LONGEST`.
    """
    contract.check(case, data)
    norms = reference.norms_of(data["codebook"], data["codes"])
    wrong = (norms > 0) & ((norms < SHORTEST) | (norms > LONGEST))
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise BadInputError(
            f"{case.name}: row {row} has norm {norms[row]:.3g}, expected 0 or {SHORTEST:g} to {LONGEST:g}"
        )


TARGET = Target(
    name="pq-cosine",
    summary="k nearest rows by 1 - cosine over product-quantised codes",
    source="Jegou, Douze, Schmid: Product quantization for nearest neighbor search, IEEE TPAMI 33(1), 2011",
    operation="query",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=contract.outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=cost,
    check=check,
    check_query=contract.check_query,
    recorded=sizes.recorded,
    growth=sizes.growth,
    data_bytes=sizes.data_bytes,
)
