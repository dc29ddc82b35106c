"""`topk-merge`: the k best of R sorted runs of (score, id), in order; equal scores go by id.

``scores f32[nq, R, L], ids u32[nq, R, L] -> scores f32[nq, k] descending, ids u32[nq, k]``. Each run is sorted by
score, the largest first, and by ascending id where scores are equal; the ids of one merge are distinct, no score is
NaN, and -0.0 equals 0.0. Scores are returned as they stand in the runs, to the bit. Where k exceeds R * L, the rest is
padded with -inf and 2**32 - 1; both are legal in a run, so what is padding is told by the sizes alone.

The runs are the query, since in a store they are the answers of partitions to one. A data set is the pool of sorted
runs that queries are put together from; a kernel is handed it like any other, and has nothing to prepare from it.
"""

import numpy as np

from lar import forms
from lar.contracts import Case, Cost, Data, HostArray, Query, Spec, Target
from lar.errors import BadInputError

from . import inputs, reference, shapes


def outputs(case: Case) -> tuple[Spec, ...]:
    """Return the specs of (scores, ids)."""
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "float32"), Spec(shape, "uint32")


def cost(case: Case) -> Cost:
    """Return the least work of one call.

    The scores and ids of the k best are read and written. Of every run that they do not use up, one score more is
    read: without it, nothing says that the run has no better one. Only the run of the k-th best itself needs none. Each
    score that is read is compared once, counted as an operation on bytes. What lies further down is left out.
    """
    s = case.shape
    found = min(s["k"], s["R"] * s["L"])
    scores = found + s["R"] - 1 - (found - 1) // s["L"]
    return Cost(s["nq"] * (4 * scores + 4 * found + 8 * s["k"]), {"u8": s["nq"] * scores})


def check(case: Case, data: Data) -> None:
    """Hold a pool of runs against the contract.

    Raises
    ------
    BadInputError
        Wrong dtype or shape, a score that is NaN, a run that is not sorted, or an id that occurs twice, with its place.
    """
    forms.hold_sizes(case, R=forms.LARGEST, L=forms.LARGEST, k=forms.LARGEST, nq=forms.LARGEST)
    shape = inputs.pool_shape(case)
    forms.hold(case, "scores", data["scores"], "float32", shape)
    forms.hold(case, "ids", data["ids"], "uint32", shape)
    fault = _unordered(data["scores"], data["ids"]) or _repeated(data["ids"])
    if fault:
        raise BadInputError(f"{case.name}: {fault}")


def check_query(case: Case, data: Data, query: Query) -> None:
    """Hold the runs of a call against the contract.

    Raises
    ------
    BadInputError
        What `check` raises of a pool; an id may be in two merges of a call, but in each only once.
    """
    del data
    shape = tuple(case.shape[name] for name in ("nq", "R", "L"))
    forms.hold(case, "query/scores", query["scores"], "float32", shape)
    forms.hold(case, "query/ids", query["ids"], "uint32", shape)
    for number in range(shape[0]):
        scores, ids = query["scores"][number], query["ids"][number]
        fault = _unordered(scores, ids) or _repeated(ids)
        if fault:
            raise BadInputError(f"{case.name}: merge {number}: {fault}")


def _unordered(scores: HostArray, ids: HostArray) -> str:
    """Say where a score is NaN, or a run is not sorted; nothing if all is well."""
    place = forms.first(np.isnan(scores))
    if place:
        return f"scores{list(place)} is nan, expected a number"
    one, next_one = scores[:, :-1], scores[:, 1:]
    place = forms.first(one < next_one)
    if place:
        after = (place[0], place[1] + 1)
        return (
            f"scores{list(after)} is {scores[after]} after {scores[place]}, expected a run sorted by descending score"
        )
    place = forms.first((one == next_one) & (ids[:, :-1] >= ids[:, 1:]))
    if place:
        after = (place[0], place[1] + 1)
        return f"ids{list(after)} is {ids[after]} after {ids[place]} at equal scores, expected ascending ids"
    return ""


def _repeated(ids: HostArray) -> str:
    """Say which id occurs twice; nothing if none does."""
    order = np.argsort(ids, axis=None, kind="stable")
    in_order = ids.reshape(-1)[order]
    for twice in np.flatnonzero(in_order[1:] == in_order[:-1]):
        first, second = ([int(i) for i in np.unravel_index(order[twice + i], ids.shape)] for i in (0, 1))
        return f"ids{second} is {in_order[twice]}, which is also ids{first}, expected distinct ids"
    return ""


TARGET = Target(
    name="topk-merge",
    summary="the k best of sorted runs of (score, id), equal scores by id",
    source="Knuth: The Art of Computer Programming, volume 3, 2nd edition, 1998, section 5.4.1 (multiway merging)",
    operation="merge",
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
