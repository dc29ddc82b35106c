"""`topk-merge`'s JAX kernel: right wherever it leaves runs or blocks out, and where ids decide."""

import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import Case, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
TARGET = catalog.target("topk-merge")
KERNEL: Any = catalog.load_kernel("topk-merge", catalog.kernel_path("topk-merge", "tuned", "jax"))
SHAPES = {
    "all items": (3, 5, 15),
    "padding": (3, 5, 20),
    "few runs of many": (40, 6, 5),
    "blocks": (16, 400, 320),
    "blocks and what is left behind them": (16, 325, 325),
    "both": (100, 80, 80),
    "one item": (1, 1, 1),
    "heads alone": (9, 1, 3),
}


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


@functools.cache
def _compiled(k: int) -> Any:
    return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k))


def _case(distribution: str, R: int, L: int, k: int) -> Case:
    sizes = {"R": R, "L": L, "k": k, "nq": 2}
    return Case(f"{distribution}/test", distribution, sizes, 5, {"k": k}, 2, f"{distribution}/{R}x{L}")


def _ask(case: Case) -> Any:
    (query,) = TARGET.queries(case, TARGET.data(case), 6, 1)
    return query


def _run(query: Any, k: int) -> tuple[HostArray, ...]:
    arrays = {name: jax.numpy.asarray(array) for name, array in query.items()}
    return tuple(np.asarray(part) for part in _compiled(k)(KERNEL.prepare(jax.numpy, {}, k=k), arrays))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "distribution", ["random", "sorted", "ascending", "ties", "identical", "zeros", "wide", "ends"]
)
def test_right_wherever_items_are_left_out(distribution: str, shape: str) -> None:
    case = _case(distribution, *SHAPES[shape])
    query = _ask(case)
    verdict = oracle.judge(TARGET.reference(case, {}, query), TARGET.outputs(case), _run(query, case.shape["k"]))
    assert verdict.passed, verdict.failure


def test_blocks_and_runs_are_left_out_in_these_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test before would hold less than it says."""
    seen: list[tuple[int, int]] = []
    best = KERNEL._best

    def noted(bits: Any, names: Any, k: int) -> Any:
        seen.append((bits.size, k))
        return best(bits, names, k)

    monkeypatch.setattr(KERNEL, "_best", noted)
    expected = {"all items": 1, "few runs of many": 2, "blocks": 2, "blocks and what is left behind them": 2, "both": 3}
    for name, selections in expected.items():
        R, L, k = SHAPES[name]
        seen.clear()
        runs = jax.ShapeDtypeStruct((R, min(L, k)), "int32")
        jax.eval_shape(functools.partial(KERNEL._merge, k=k), runs, runs)
        assert len(seen) == selections, (name, seen)


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    query = _ask(_case("ties", 4, 30, 30))
    arrays = {name: jax.numpy.asarray(array) for name, array in query.items()}
    outputs = KERNEL.run(jax.numpy, {}, arrays, k=30)
    for got, compiled in zip(outputs, _run(query, 30), strict=True):
        assert np.array_equal(np.asarray(got), compiled)
    assert all(np.array_equal(np.asarray(arrays[name]), query[name]) for name in arrays)
