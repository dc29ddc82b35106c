"""`pq-l2`'s JAX kernel: right on every distribution, in every form it takes on one platform or another."""

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
loops: Any = pytest.importorskip("lar.pq.tuned.jax")
TARGET = catalog.target("pq-l2")
KERNEL: Any = catalog.load_kernel("pq-l2", catalog.kernel_path("pq-l2", "tuned", "jax"))
FORMS = {
    "cpu": loops.CPU,
    "gpu": loops.GPU,
    "blocks": dataclasses.replace(loops.CPU, block=300),
}


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def _case(distribution: str, n: int, nq: int, k: int, shape: tuple[int, int, int] = (16, 4, 64)) -> Case:
    dim, m, centroids = shape
    sizes = {"dim": dim, "m": m, "K": centroids, "N": n, "nq": nq, "k": k}
    return Case(f"{distribution}/test", distribution, sizes, 11, {"k": k}, nq, f"{distribution}/{n}/{shape}")


@functools.cache
def _compiled(form: str, k: int) -> Any:
    if form == "cpu":
        return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k))
    return jax.jit(
        lambda state, query: loops.search(
            KERNEL.METRIC, (state["codebook"], state["columns"], None), query, k=k, form=FORMS[form]
        )
    )


def _run(case: Case, data: Data, query: HostArray, form: str = "cpu") -> tuple[HostArray, ...]:
    """Run the kernel compiled, as if this platform liked `form`; forms but the CPU's have no padding."""
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, **case.statics)
    distances, ids = _compiled(form, case.shape["k"])(state, query)
    return np.asarray(distances), np.asarray(ids).astype(np.uint32, casting="unsafe")


def _judge(case: Case, form: str = "cpu") -> None:
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), _run(case, data, query, form))
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("distribution", ["gaussian", "offset", "duplicates", "identical", "nearly-zero", "descending"])
def test_every_form_is_right_on_every_distribution(distribution: str, form: str) -> None:
    _judge(_case(distribution, 1_003, 32 if form == "blocks" else 35, 10), form)  # a tile, and three alone


@pytest.mark.parametrize(("form", "nq"), [("cpu", 8), ("cpu", 9), ("cpu", 64)])
def test_queries_alone_in_tiles_and_in_a_filled_tile(form: str, nq: int) -> None:
    _judge(_case("gaussian", 1_000, nq, 10), form)


@pytest.mark.parametrize(
    ("form", "n", "nq", "k"),
    [
        *(
            ("cpu", *sizes)
            for sizes in [(1, 1, 1), (5, 33, 5), (257, 2, 257), (640, 1, 10), (639, 32, 10), (999, 32, 100)]
        ),
        *(("blocks", *sizes) for sizes in [(300, 32, 20), (301, 32, 301), (900, 32, 5)]),
    ],
)
def test_any_number_of_rows_and_results(form: str, n: int, nq: int, k: int) -> None:
    _judge(_case("gaussian", n, nq, k), form)


@pytest.mark.parametrize(
    ("form", "nq", "shape"),
    [
        *(("cpu", 2, shape) for shape in [(3, 1, 16), (66, 33, 16), (68, 4, 32)]),
        *(("cpu", 32, shape) for shape in [(7, 7, 16), (36, 9, 16), (17, 1, 32)]),
        *(("gpu", nq, (40, 20, 16)) for nq in (2, 32)),
    ],
)
def test_any_number_of_subspaces_and_components(form: str, nq: int, shape: tuple[int, int, int]) -> None:
    _judge(_case("gaussian", 700, nq, 10, shape), form)


def test_what_exceeds_the_rows_is_padded() -> None:
    case = _case("gaussian", 7, 3, 7)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    exact = _run(case, data, query)
    padded = _compiled("cpu", 12)(KERNEL.prepare(jax.numpy, data, k=12), query)
    distances, ids = (np.asarray(part) for part in padded)
    assert distances.dtype == np.float32
    assert ids.dtype == np.uint32
    assert np.array_equal(distances[:, :7], exact[0])
    assert np.array_equal(ids[:, :7], exact[1])
    assert np.all(distances[:, 7:] == np.inf)
    assert np.all(ids[:, 7:] == NO_ID)


def test_rows_at_infinite_distance_are_still_rows() -> None:
    case = _case("gaussian", 700, 1, 10)
    data = TARGET.data(case)
    distances, ids = _run(case, data, np.full((33, case.shape["dim"]), 1e30, np.float32))
    assert np.all(distances == np.inf)
    assert all(len(set(row)) == 10 and max(row) < 700 for row in ids.tolist())


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    case = _case("gaussian", 400, 3, 10)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, k=10)
    before = [np.array(part) for part in state.values()]
    outputs = KERNEL.run(jax.numpy, state, jax.numpy.asarray(query), k=10)
    for got, compiled in zip(outputs, _run(case, data, query), strict=True):
        np.testing.assert_allclose(np.asarray(got), compiled, rtol=1e-6)
    assert all(np.array_equal(part, old) for part, old in zip(state.values(), before, strict=True))
