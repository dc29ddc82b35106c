"""`ivf-partition`: the nprobe centroids of an inverted file that are nearest to each query.

``query f32[nq, dim], centroids f32[C, dim], metric -> distances f32[nq, nprobe] ascending, ids u32[nq, nprobe]``. The
metric is ``l2``, the squared distance, or ``dot``, 1 less the inner product. nprobe is the static ``k``. Where a kernel
is asked for more than C, the rest is padded with +inf and 2**32 - 1.

There is no ``cosine``: a store that wants it normalises its centroids once and each query once, and asks for ``dot``.
"""

import numpy as np

from lar.contracts import Case, Cost, Data, HostArray, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, sizes

LARGEST = 1e15
"""No component exceeds it in absolute value: float32 then holds every distance."""

MOST_CENTROIDS = 2**31 - 1
"""Ids are computed in int32 and handed over in uint32."""


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (distances, ids)."""
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "float32"), Spec(shape, "uint32")


def cost(case: Case) -> Cost:
    """Return the least work of one call.

    Bounds rule centroids out. Among independent gaussian ones, no preparation is known that spares looking at every
    one, and a bit of each component is the least that is looked at. Where they cluster or repeat, what `prepare` knows
    of them can rule out many at once: a bit a centroid counts.
    """
    s = case.shape
    bits = s["C"] * s["dim"] if case.distribution == "gaussian" else s["C"]
    least = -(-bits // 8)
    return Cost(least + 4 * s["nq"] * s["dim"] + 8 * s["nq"] * s["k"], {"u8": s["nq"] * least})


def check(case: Case, data: Data) -> None:
    """Hold a data set, and what is asked of it, against the contract.

    Raises
    ------
    BadInputError
        An unknown metric; an nprobe below 1 or, of a user's own workload, above C; more centroids than ids; a wrong
        dtype or shape; a component that is not finite or too large to be squared, with its place.
    """
    s, metric = case.shape, case.statics["metric"]
    if metric not in inputs.METRICS:
        raise BadInputError(f"{case.name}: metric is {metric!r}, expected one of {', '.join(inputs.METRICS)}")
    if s["C"] > MOST_CENTROIDS:
        raise BadInputError(f"{case.name}: {s['C']} centroids, expected at most {MOST_CENTROIDS}: ids are uint32")
    if s["k"] < 1 or (case.recorded and s["k"] > s["C"]):
        raise BadInputError(f"{case.name}: nprobe (k) is {s['k']}, expected 1 to C = {s['C']}")
    _vectors(case, "centroids", data["centroids"], (s["C"], s["dim"]))


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold a query against the contract.

    Raises
    ------
    BadInputError
        A wrong dtype or shape; a component that is not finite or too large to be squared, with its place.
    """
    del data
    _vectors(case, "query", query, (case.shape["nq"], case.shape["dim"]))


def _vectors(case: Case, name: str, found: HostArray, shape: tuple[int, int]) -> None:
    if found.dtype != np.float32 or found.shape != shape:
        raise BadInputError(f"{case.name}: {name} is {found.dtype}{list(found.shape)}, expected float32{list(shape)}")
    # The extremes alone are looked at first: a NaN is either of them, and no array of another size is made.
    if found.size and not (float(found.min()) >= -LARGEST and float(found.max()) <= LARGEST):
        row, column = (int(i) for i in np.argwhere(~(np.abs(found) <= LARGEST))[0])
        raise BadInputError(
            f"{case.name}: {name}[{row}, {column}] is {found[row, column]!s}, expected a number of at most {LARGEST:g}"
        )


TARGET = Target(
    name="ivf-partition",
    summary="the centroids of an inverted file that are nearest to a query",
    source="Sivic, Zisserman: Video Google, ICCV 2003; Jegou, Douze, Schmid: IEEE TPAMI 33(1), 2011, section IV",
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
    recorded=sizes.recorded,
    growth=sizes.growth,
    data_bytes=sizes.data_bytes,
)
