"""`nearest`: the k nearest rows by squared L2 distance; the smallest target with data, a ranked output and statics.

``rows f32[N, dim], query f32[nq, dim] -> distances f32[nq, k] ascending, ids u32[nq, k]``, with k at most N.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Cost, Data, HostArray, Query, Ranked, Spec, Target

_DIM = 32
_ROWS = {"small": 2_048, "standard": 20_000, "large": 200_000}


def _case(distribution: str, n: int, nq: int, k: int, seed: int) -> Case:
    group = f"{distribution}/{n}"
    shape = {"N": n, "dim": _DIM, "nq": nq, "k": k}
    return Case(f"{group}/q{nq}", distribution, shape, seed, {"k": k}, nq, f"{group}/s{seed}")


def _battery(seed: int) -> Sequence[Case]:
    return [_case("normal", 7, 2, 7, seed), _case("normal", 300, 2, 5, seed), _case("copies", 300, 2, 5, seed)]


def _workloads(seed: int, scale: str, nq: Sequence[int]) -> Sequence[Case]:
    return [_case("normal", _ROWS[scale], count, 5, seed) for count in nq]


def _data(case: Case) -> Data:
    n = case.shape["N"]
    rows = sampling.normal(sampling.key(case.seed, "nearest", case.distribution, n), (n, _DIM)).astype(np.float32)
    if case.distribution == "copies":  # every distance occurs many times
        rows = rows[np.arange(n) % 7]
    return {"rows": rows}


def _queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    del data
    shape = (count, case.shape["nq"], _DIM)
    return list(sampling.normal(sampling.key(seed, "nearest", "queries"), shape).astype(np.float32))


def _disguise(case: Case, data: Data, seed: int) -> Data:
    return {"rows": data["rows"][sampling.permutation(seed, case.shape["N"])]}


def _outputs(case: Case) -> tuple[Spec, ...]:
    shape = (case.shape["nq"], case.shape["k"])
    return Spec(shape, "float32"), Spec(shape, "uint32")


def _reference(case: Case, data: Data, query: Query) -> Ranked:
    rows = data["rows"].astype(np.float64)
    distances = np.stack([np.sum((rows - one.astype(np.float64)) ** 2, axis=1) for one in query])
    return _ranked(case, data, query, np.sort(distances, axis=1)[:, : case.shape["k"]])


def _audit(case: Case, data: Data, queries: Sequence[Query]) -> Ranked:
    return _ranked(case, data, np.stack(queries), None)


def _ranked(case: Case, data: Data, queries: HostArray, best: HostArray | None) -> Ranked:
    def score_of(ids: HostArray) -> tuple[HostArray, HostArray]:
        difference = data["rows"][ids].astype(np.float64) - queries[..., None, :].astype(np.float64)
        score = np.sum(difference**2, axis=-1)
        return score, score

    return Ranked(best, best, score_of, rows=case.shape["N"], terms=_DIM)


def _cost(case: Case) -> Cost:
    s = case.shape
    return Cost(4 * s["N"] * _DIM + 4 * s["nq"] * (_DIM + 2 * s["k"]), {"f32": 3 * s["nq"] * s["N"] * _DIM})


def _check(case: Case, data: Data) -> None:
    del case, data


TARGET = Target(
    name="nearest",
    summary="k nearest rows by squared L2 distance",
    source="Knuth: The Art of Computer Programming, volume 3, 1973, section 6.5 (the post-office problem)",
    operation="query",
    battery=_battery,
    workloads=_workloads,
    data=_data,
    queries=_queries,
    disguise=_disguise,
    outputs=_outputs,
    reference=_reference,
    audit=_audit,
    cost=_cost,
    check=_check,
)
