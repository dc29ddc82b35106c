"""`pq-l2`'s CuPy kernel on a real GPU, at sizes that only a GPU is for; everything else is proved without one."""

from typing import Any

import numpy as np
import pytest
from tests.cuda import on_cpu
from tests.cuda import pq_l2_on_cpu as harness

from lar import catalog

_REASON = catalog.backend("cupy").available()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(_REASON is not None, reason=str(_REASON))]
KERNEL: Any = harness.kernel


@pytest.fixture(scope="module")
def cupy() -> Any:
    import cupy

    return cupy


def _run(cupy: Any, data: dict[str, Any], query: Any, **statics: int) -> tuple[Any, Any]:
    state = KERNEL.prepare(cupy, {name: cupy.asarray(array) for name, array in data.items()}, **statics)
    found: tuple[Any, Any] = KERNEL.run(cupy, state, cupy.asarray(query), **statics)
    return found


def _check_on_device(cupy: Any, data: dict[str, Any], query: Any, k: int, found: tuple[Any, Any]) -> None:
    """Hold a result against float64 on the device: millions of rows would take the host minutes."""
    codebook, codes = cupy.asarray(data["codebook"], dtype="float64"), cupy.asarray(data["codes"].T.copy())
    m, _, width = codebook.shape
    distances, ids = found
    for row, got, chosen in zip(cupy.asarray(query, dtype="float64"), distances, ids, strict=True):
        tables = ((row.reshape(m, 1, width) - codebook) ** 2).sum(axis=2)
        truth = sum(table[column] for table, column in zip(tables, codes, strict=True))
        best = cupy.sort(truth)[:k]
        tolerance = 4 * np.sqrt(query.shape[1]) * 2.0**-24 * cupy.maximum(best, 0.01)
        assert len(cupy.unique(chosen)) == k
        assert bool((got[:-1] <= got[1:]).all())
        for right in (best, truth[chosen.astype("int64")]):
            assert bool((cupy.abs(got - right) <= tolerance).all())


@pytest.mark.parametrize("case", list(harness.cases()), ids=str)
def test_every_case_of_the_cpu_is_right_on_the_device(cupy: Any, case: harness.Case) -> None:
    sizes, statics, kind = case
    data, query = harness.inputs(7, kind=kind, **sizes)
    found = tuple(cupy.asnumpy(part) for part in _run(cupy, data, query, **statics))
    harness.check(data, query, statics["k"], (found[0], found[1]))


@pytest.mark.parametrize(
    ("n", "m", "width", "nq", "k"),
    [
        (20_000, 16, 8, 1, 10),
        (20_000, 96, 8, 32, 10),
        (1_000_000, 16, 8, 1, 10),
        (1_000_000, 16, 16, 32, 10),
        (1_000_003, 96, 8, 5, 100),
        (3_000_001, 7, 3, 2, 1_000),
        (300_000, 256, 4, 3, 10),  # tables in slices
        (300_000, 16, 8, 2, 5_000),  # past the longest list
    ],
)
def test_large_data_is_right(cupy: Any, n: int, m: int, width: int, nq: int, k: int) -> None:
    data, query = harness.inputs(8, n=n, m=m, width=width, nq=nq)
    _check_on_device(cupy, data, query, k, _run(cupy, data, query, k=k))


@pytest.mark.parametrize("kind", ["descending", "equal"])
def test_the_worst_orders_are_right(cupy: Any, kind: str) -> None:
    data, query = harness.inputs(9, n=500_000, m=8, width=4, nq=1, kind=kind)
    _check_on_device(cupy, data, query, 10, _run(cupy, data, query, k=10))


def test_every_option_gives_the_same_bits_every_time(cupy: Any) -> None:
    data, query = harness.inputs(10, n=400_000, m=16, width=8, nq=32)
    arrays = {name: cupy.asarray(array) for name, array in data.items()}
    state, queries = KERNEL.prepare(cupy, arrays, k=10), cupy.asarray(query)
    first = KERNEL.run(cupy, state, queries, k=10)
    options = [
        {"queries": q, "rows": r, "resident": b}
        for q in KERNEL.SPACE["queries"]
        for r in KERNEL.SPACE["rows"]
        for b in KERNEL.SPACE["resident"]
    ]
    results = [KERNEL.run(cupy, state, queries, k=10, **option) for option in options * 5]  # queued without a wait
    for distances, ids in results:
        assert bool((distances == first[0]).all())
        assert bool((ids == first[1]).all())


def test_the_device_gives_the_bits_that_the_cpu_gives(cupy: Any) -> None:
    if on_cpu.unavailable() is not None:
        pytest.skip(str(on_cpu.unavailable()))
    run = harness.Run(on_cpu.Library(on_cpu.build(KERNEL.source())))
    data, query = harness.inputs(11, n=3_000, m=6, width=5, nq=3)
    options = {"k": 20, "queries": 0, "rows": 0, "resident": 2}
    state = KERNEL.prepare(np, data, **options)
    expected = KERNEL.execute(np, run, harness.GPU, state, query, **options)
    for got, right in zip(_run(cupy, data, query, k=20), expected, strict=True):
        assert np.array_equal(cupy.asnumpy(got), right)
