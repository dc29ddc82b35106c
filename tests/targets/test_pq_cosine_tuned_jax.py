"""`pq-cosine`'s JAX kernel: right on every distribution, in every form it takes on one platform or another."""

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
loops: Any = pytest.importorskip("lar.pq.tuned.jax")
TARGET = catalog.target("pq-cosine")
KERNEL: Any = catalog.load_kernel("pq-cosine", catalog.kernel_path("pq-cosine", "tuned", "jax"))
FORMS = {"gpu": loops.GPU, "blocks": dataclasses.replace(loops.CPU, block=300)}
DISTRIBUTIONS = (
    "gaussian",
    "offset",
    "duplicates",
    "negative",
    "wide-norms",
    "zero-rows",
    "zero-queries",
    "nearly-zero",
)


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
    if form == "as it is":
        return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k))

    def search(state: Any, query: Any) -> Any:
        rows = (state["codebook"], state["columns"], state["inverse"])
        return loops.search(KERNEL.METRIC, rows, KERNEL.unit(jax.numpy, query), k=k, form=FORMS[form])

    return jax.jit(search)


def _run(case: Case, data: Data, query: HostArray, form: str = "as it is") -> tuple[HostArray, ...]:
    """Run the kernel compiled, as if this platform liked `form`; forms have no padding."""
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, **case.statics)
    distances, ids = _compiled(form, case.shape["k"])(state, jax.numpy.asarray(query))
    return np.asarray(distances), np.asarray(ids).astype(np.uint32, casting="unsafe")


def _judge(case: Case, form: str = "as it is") -> None:
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), _run(case, data, query, form))
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_right_on_every_distribution(distribution: str) -> None:
    _judge(_case(distribution, 1_003, 35, 10))  # a tile, and three alone


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("distribution", ["gaussian", "zero-rows"])
def test_right_in_every_form(distribution: str, form: str) -> None:
    _judge(_case(distribution, 1_003, 32, 10), form)


@pytest.mark.parametrize(("n", "nq", "k", "shape"), [(1, 1, 1, (3, 1, 16)), (257, 2, 257, (36, 9, 16))])
def test_right_for_other_sizes(n: int, nq: int, k: int, shape: tuple[int, int, int]) -> None:
    _judge(_case("gaussian", n, nq, k, shape))


def test_what_exceeds_the_rows_is_padded() -> None:
    case = _case("gaussian", 7, 3, 12)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    distances, ids = _run(case, data, query)
    assert np.isfinite(distances[:, :7]).all()
    assert np.all(distances[:, 7:] == np.inf)
    assert np.all(ids[:, 7:] == NO_ID)


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    case = _case("gaussian", 400, 3, 10)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, k=10)
    before = [np.array(part) for part in state.values()]
    outputs = KERNEL.run(jax.numpy, state, jax.numpy.asarray(query), k=10)
    for got, compiled in zip(outputs, _run(case, data, query), strict=True):
        np.testing.assert_allclose(np.asarray(got), compiled, rtol=1e-5)
    assert all(np.array_equal(part, old) for part, old in zip(state.values(), before, strict=True))
