"""`ivf-partition`'s JAX kernel: right on every distribution and at every size at which it changes its way."""

import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
TARGET = catalog.target("ivf-partition")
KERNEL: Any = catalog.load_kernel("ivf-partition", catalog.kernel_path("ivf-partition", "tuned", "jax"))
DISTRIBUTIONS = tuple(dict.fromkeys(case.distribution for case in TARGET.battery(0)))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def _case(distribution: str, C: int, nq: int, k: int, dim: int = 12, metric: str = "l2") -> Case:
    sizes = {"dim": dim, "C": C, "nq": nq, "k": k}
    statics = {"k": k, "metric": metric}
    return Case(f"{distribution}/test", distribution, sizes, 11, statics, nq, f"{distribution}/{C}/{dim}")


@functools.cache
def _compiled(k: int, metric: str) -> Any:
    return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k, metric=metric))


def _run(case: Case, data: Data, query: HostArray) -> tuple[HostArray, ...]:
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, **case.statics)
    return tuple(np.asarray(part) for part in _compiled(**case.statics)(state, query))


def _judge(case: Case) -> None:
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    verdict = oracle.judge(
        TARGET.reference(case, data, query), TARGET.outputs(case), _run(case, data, query), case.name
    )
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize(("metric", "nq"), [("l2", 1), ("l2", 5), ("dot", 5)])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_right_on_every_distribution(distribution: str, nq: int, metric: str) -> None:
    if (distribution, metric) != ("nearly-zero", "dot"):  # all of its products are nearly zero, too
        _judge(_case(distribution, 1_003, nq, 10, 12, metric))


@pytest.mark.parametrize(
    ("C", "nq", "k"), [(1, 1, 1), (5, 33, 5), (257, 2, 257), (640, 1, 10), (639, 8, 10), (999, 4, 100)]
)
def test_any_number_of_centroids_queries_and_results(C: int, nq: int, k: int) -> None:
    _judge(_case("clustered", C, nq, k))


@pytest.mark.parametrize("dim", [1, 3, 20, 128])
def test_any_number_of_components(dim: int) -> None:
    _judge(_case("offset", 700, 5, 10, dim))


def test_several_blocks_and_none() -> None:
    _judge(_case("clustered", 2 * KERNEL._BLOCK + 3, 2, 10))
    many = KERNEL._LARGEST // KERNEL._FEWEST // 16  # so many components that no block is laid out
    case = _case("gaussian", 16 * KERNEL._FEWEST, 1, 3, many + 1)
    rows = np.random.default_rng(0).random((case.shape["C"], many + 1), np.float32)
    assert KERNEL.prepare(jax.numpy, {"centroids": rows[:, :5]}, k=3, metric="l2")["columns"]
    assert not KERNEL.prepare(jax.numpy, {"centroids": rows}, k=3, metric="l2")["columns"]
    got, ids = _run(case, {"centroids": rows}, rows[7:8])
    assert (got[0, 0], ids[0, 0]) == (0, 7)


def test_what_exceeds_the_centroids_is_padded() -> None:
    data = {"centroids": np.array([[1, 1], [0, 0]], np.float32)}
    distances, ids = _run(_case("none", 2, 1, 4, 2), data, np.zeros((1, 2), np.float32))
    assert distances.dtype == np.float32
    assert ids.dtype == np.uint32
    assert distances.tolist() == [[0, 2, np.inf, np.inf]]
    assert ids.tolist() == [[1, 0, NO_ID, NO_ID]]


@pytest.mark.parametrize(("distribution", "proved"), [("gaussian", True), ("narrow", False), ("identical", False)])
@pytest.mark.parametrize("metric", ["l2", "dot"])
def test_a_preselection_is_proved_or_not_taken(distribution: str, proved: bool, metric: str) -> None:
    case = _case(distribution, 3_000, 5, 10, 32, metric)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    state = KERNEL.prepare(jax.numpy, {"centroids": jax.numpy.asarray(data["centroids"])}, **case.statics)
    *_, found = KERNEL._preselected(state, jax.numpy.asarray(query), k=10, metric=metric)
    assert bool(found) == proved


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    case = _case("clustered", 700, 5, 10)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    state = KERNEL.prepare(jax.numpy, {"centroids": jax.numpy.asarray(data["centroids"])}, **case.statics)
    before = [np.array(part) for part in jax.tree.leaves(state)]
    outputs = KERNEL.run(jax.numpy, state, jax.numpy.asarray(query), **case.statics)
    for got, compiled in zip(outputs, _run(case, data, query), strict=True):
        np.testing.assert_allclose(np.asarray(got), compiled, rtol=1e-6)
    assert all(np.array_equal(part, old) for part, old in zip(jax.tree.leaves(state), before, strict=True))
