"""`shift`: `axpy` on vectors so short that drawing and checking inputs takes no longer than a call."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lar import sampling
from lar.contracts import Bounded, Case, Cost, Data, Query, Spec, Target


def _case(n: int, seed: int) -> Case:
    return Case(f"uniform/{n}", "uniform", {"n": n}, seed, {}, 1, f"uniform/{n}/s{seed}")


def _battery(seed: int) -> Sequence[Case]:
    return [_case(n, seed) for n in (1, 100)]


def _workloads(seed: int, scale: str, nq: Sequence[int]) -> Sequence[Case]:
    del nq
    return [_case({"small": 256, "standard": 1_024, "large": 4_096}[scale], seed)]


def _draw(case: Case, key: int, count: int) -> Any:
    return (sampling.uniform(key, (count, case.shape["n"])) - 0.5).astype(np.float32)


def _data(case: Case) -> Data:
    return {"b": _draw(case, sampling.key(case.seed, "shift"), 1)[0]}


def _queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    del data
    return list(_draw(case, sampling.key(seed, "shift", "queries"), count))


def _disguise(case: Case, data: Data, seed: int) -> Data:
    return {"b": data["b"][sampling.permutation(seed, case.shape["n"])]}


def _outputs(case: Case) -> tuple[Spec, ...]:
    return (Spec((case.shape["n"],), "float32"),)


def _reference(case: Case, data: Data, query: Query) -> Bounded:
    del case
    q, b = np.asarray(query, np.float64), np.asarray(data["b"], np.float64)
    return Bounded((2.0 * q + b,), (np.abs(2.0 * q) + np.abs(b),), terms=2)


def _audit(case: Case, data: Data, queries: Sequence[Query]) -> Bounded:
    return _reference(case, data, np.stack(queries))


def _cost(case: Case) -> Cost:
    return Cost(12 * case.shape["n"], {"f32": 2 * case.shape["n"]})


def _check(case: Case, data: Data) -> None:
    del case, data


TARGET = Target(
    name="shift",
    summary="two times a short vector plus another",
    source="Lawson, Hanson, Kincaid, Krogh: Basic Linear Algebra Subprograms for Fortran usage, 1979",
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
