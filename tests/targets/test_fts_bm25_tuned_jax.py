"""`fts-bm25`'s JAX kernel: right on every kind of index, at the ends of its blocks, and at every size of a result."""

import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, HostArray

jax = pytest.importorskip("jax", reason="jax is not installed")
TARGET = catalog.target("fts-bm25")
KERNEL: Any = catalog.load_kernel("fts-bm25", catalog.kernel_path("fts-bm25", "tuned", "jax"))
BLOCK, CHUNK = KERNEL._BLOCK, KERNEL._CHUNK


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


@functools.cache
def _compiled(k: int) -> Any:
    return jax.jit(functools.partial(KERNEL.run, jax.numpy, k=k, k1=1.2, b=0.75, capacity=1))


def _prepared(data: Data, k: int) -> Any:
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    return KERNEL.prepare(jax.numpy, arrays, k=k, k1=1.2, b=0.75, capacity=1)


def _run(data: Data, query: HostArray, k: int) -> tuple[HostArray, ...]:
    return tuple(np.asarray(part) for part in _compiled(k)(_prepared(data, k), query))


def _judge(case: Case, data: Data, query: HostArray) -> None:
    outputs = _run(data, query, case.shape["k"])
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs, case.name)
    assert verdict.passed, verdict.failure


def _own(sizes: list[int], N: int, query: Any, k: int) -> tuple[Case, Data, HostArray]:
    """Return a case of terms whose lists have these sizes."""
    rng, P = np.random.default_rng([N, *sizes]), sum(sizes)
    lists = [np.sort(rng.choice(N, size, replace=False)) for size in sizes]
    data = {
        "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "documents": np.concatenate(lists).astype(np.uint32),
        "frequencies": rng.geometric(0.7, P).astype(np.int32),
        "lengths": rng.integers(0, 200, N).astype(np.int32),
        "average": np.array([100.0], np.float32),
        "idf": rng.random(len(sizes)).astype(np.float32),
    }
    asked = np.array(query, np.uint32)
    nq, T = asked.shape
    shape = {"N": N, "V": len(sizes), "T": T, "nq": nq, "k": k, "capacity": 1}
    return Case("own", "own", shape, 0, {"k": k, "k1": 1.2, "b": 0.75, "capacity": 1}, nq, "own/x"), data, asked


KINDS = ("giant/n1000/t5/k10/q3", "nothing/n1000/t5/k10/q3", "tied/n257/t3/k257/q2", "lengths/n257/t3/k257/q2")


@pytest.mark.parametrize("name", [*KINDS, "scarce/n64/t2/k70/q1", "giant/n1/t1/k1/q1"])
def test_right_on_every_kind_of_index(name: str) -> None:
    case = next(case for case in TARGET.battery(0) if case.name == name)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    _judge(case, data, query)


def test_right_at_the_ends_of_blocks() -> None:
    sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK - 1, 2]
    terms = [[t, (t + 3) % len(sizes)] for t in range(len(sizes))]
    _judge(*_own(sizes, 1_000, terms, 20))


@pytest.mark.parametrize(("N", "k"), [(1, 1), (3, 3), (CHUNK * 4, 2), (CHUNK * 4 + 5, 2), (CHUNK * 4 - 1, 2)])
def test_right_at_every_number_of_documents(N: int, k: int) -> None:
    _judge(*_own([N, -(-N // 2), 1], N, [[0, 1], [1, 2]], k))


@pytest.mark.parametrize("nq", [1, 33])
def test_right_for_any_number_of_queries(nq: int) -> None:
    _judge(*_own([400, 30, 7], 1_000, np.random.default_rng(nq).integers(0, 3, (nq, 3)), 10))


def test_what_exceeds_the_documents_is_padded() -> None:
    _, data, query = _own([2, 1], 3, [[0, 1]], 5)
    scores, found = _run(data, query, 5)
    assert (scores.dtype, found.dtype) == (np.dtype(np.float32), np.dtype(np.uint32))
    assert scores[0, 3:].tolist() == [-np.inf, -np.inf]
    assert found[0, 3:].tolist() == [NO_ID, NO_ID]
    assert sorted(found[0, :3].tolist()) == [0, 1, 2]


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    _, data, query = _own([400, 30, 7], 1_000, [[0, 1], [2, 2]], 10)
    state = _prepared(data, 10)
    before = [np.array(part) for part in state.values()]
    outputs = KERNEL.run(jax.numpy, state, jax.numpy.asarray(query), k=10, k1=1.2, b=0.75, capacity=1)
    for got, compiled in zip(outputs, _run(data, query, 10), strict=True):
        np.testing.assert_allclose(np.asarray(got), compiled, rtol=1e-6)
    assert all(np.array_equal(part, old) for part, old in zip(state.values(), before, strict=True))
