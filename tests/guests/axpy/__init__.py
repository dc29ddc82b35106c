"""`axpy`: a target outside the house, as small as one can be. ``y = 2 q + b`` for float32 q and b of n components."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lar import sampling
from lar.contracts import Bounded, Case, Cost, Data, Query, Spec, Target


def _case(distribution: str, n: int, seed: int) -> Case:
    group = f"{distribution}/{n}"
    return Case(group, distribution, {"n": n}, seed, {}, 1, f"{group}/s{seed}")


def _battery(seed: int) -> Sequence[Case]:
    return [_case("normal", n, seed) for n in (1, 100)] + [_case("uniform", 100, seed)]


def _workloads(seed: int, scale: str, nq: Sequence[int]) -> Sequence[Case]:
    del nq
    n = {"small": 2_000, "standard": 100_000, "large": 1_000_000}[scale]
    return [_case("normal", n, seed), _case("uniform", n, seed)]


def _draw(case: Case, key: int, count: int) -> Any:
    draw = sampling.normal if case.distribution == "normal" else sampling.uniform
    return draw(key, (count, case.shape["n"])).astype(np.float32)


def _data(case: Case) -> Data:
    return {"b": _draw(case, sampling.key(case.seed, "axpy", case.distribution), 1)[0]}


def _queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    del data
    return list(_draw(case, sampling.key(seed, "axpy", "queries"), count))


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
    name="axpy",
    summary="two times a vector plus another",
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
