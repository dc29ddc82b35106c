"""`pq-dot`: the k nearest rows of a product-quantised data set by inner product, as the distance 1 - q.x.

``query f32[nq, dim], codebook f32[m, K, dim/m], codes u8[N, m] -> distances f32[nq, k] ascending, ids u32[nq, k]``.
The query stays exact, x is a row's decoded vector. A distance may have either sign: nothing is normalised here. Where k
exceeds N, the rest is padded with +inf and 2**32 - 1.
"""

from lar.contracts import Case, Cost, Target
from lar.pq import contract, sizes

from . import inputs, reference


def cost(case: Case) -> Cost:
    """Return the least work of one call; a table entry takes a product and a sum for each component."""
    return contract.cost(case, operations=2)


TARGET = Target(
    name="pq-dot",
    summary="k nearest rows by 1 - inner product over product-quantised codes",
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
    check=contract.check,
    check_query=contract.check_query,
    recorded=sizes.recorded,
    growth=sizes.growth,
    data_bytes=sizes.data_bytes,
)
