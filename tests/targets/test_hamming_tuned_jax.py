"""`hamming`'s JAX kernel: right on every distribution and at every size at which it changes its way."""

import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
TARGET = catalog.target("hamming")
KERNEL: Any = catalog.load_kernel("hamming", catalog.kernel_path("hamming", "tuned", "jax"))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def _case(distribution: str, n: int, nq: int, k: int, B: int = 12) -> Case:
    sizes = {"B": B, "N": n, "nq": nq, "k": k}
    return Case(f"{distribution}/test", distribution, sizes, 11, {"k": k}, nq, f"{distribution}/{n}/{B}")


@functools.cache
def _compiled(k: int) -> Any:
    return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k))


def _run(case: Case, data: Data, query: HostArray) -> tuple[HostArray, ...]:
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, **case.statics)
    return tuple(np.asarray(part) for part in _compiled(case.shape["k"])(state, query))


def _judge(case: Case) -> None:
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    verdict = oracle.judge(
        TARGET.reference(case, data, query), TARGET.outputs(case), _run(case, data, query), case.name
    )
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize(
    "distribution", ["random", "clustered", "duplicates", "identical", "opposite", "descending", "tail", "exact"]
)
def test_right_on_every_distribution(distribution: str) -> None:
    _judge(_case(distribution, 1_003, 3, 10))


@pytest.mark.parametrize(
    ("n", "nq", "k"), [(1, 1, 1), (5, 33, 5), (257, 2, 257), (640, 1, 10), (639, 2, 10), (999, 3, 100)]
)
def test_any_number_of_rows_queries_and_results(n: int, nq: int, k: int) -> None:
    _judge(_case("clustered", n, nq, k))


@pytest.mark.parametrize("B", [1, 3, 4, 5, 33, 128])
def test_any_width(B: int) -> None:
    _judge(_case("opposite", 700, 2, 10, B))


def test_what_exceeds_the_rows_is_padded() -> None:
    data = {"codes": np.array([[255, 0], [0, 0]], np.uint8)}
    distances, ids = _run(_case("none", 2, 1, 4, 2), data, np.zeros((1, 2), np.uint8))
    assert distances.dtype == ids.dtype == np.uint32
    assert distances.tolist() == [[0, 8, NO_ID, NO_ID]]
    assert ids.tolist() == [[1, 0, NO_ID, NO_ID]]


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    case = _case("clustered", 700, 2, 10)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    state = KERNEL.prepare(jax.numpy, {"codes": jax.numpy.asarray(data["codes"])}, k=10)
    before = [np.array(part) for part in state.values()]
    outputs = KERNEL.run(jax.numpy, state, jax.numpy.asarray(query), k=10)
    for got, compiled in zip(outputs, _run(case, data, query), strict=True):
        np.testing.assert_array_equal(np.asarray(got), compiled)
    assert all(np.array_equal(part, old) for part, old in zip(state.values(), before, strict=True))
