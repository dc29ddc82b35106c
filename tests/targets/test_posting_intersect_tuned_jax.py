"""`posting-intersect`'s JAX kernel: right however ids lie in their buckets, for few rows together and row by row."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import NO_ID

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("posting-intersect", catalog.kernel_path("posting-intersect", "tuned", "jax"))
TOP = 2**32
KINDS = ("even", "one bucket", "two ends", "runs", "squares", "empty", "last ids", "one id")


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def make(kind: str, n: int, lists: int = 5) -> list[Host]:
    rng = np.random.default_rng([n, KINDS.index(kind)])
    near = [np.unique(rng.integers(0, 2 * n, n)) for _ in range(lists)]
    if kind == "one bucket":  # all but one id in the first of them
        return [np.append(one, TOP - 1) for one in near]
    if kind == "two ends":
        return [np.concatenate([one[: n // 3], TOP - 1 - one[: n // 3][::-1]]) for one in near]
    if kind == "runs":
        return [np.unique((one[: n // 20] * 1_000_003 % TOP)[:, None] // 32 * 32 + np.arange(20)) for one in near]
    if kind == "squares":
        return [one**2 for one in near]
    if kind == "empty":
        return [one[: len(one) * (i % 2)] for i, one in enumerate(near)]
    if kind == "last ids":
        return [np.append(TOP - 1 - one[one > 0][::-1], TOP - 1) for one in near]
    return [one[:1] + i % 2 for i, one in enumerate(near)] if kind == "one id" else near


def answer(lists: list[Host], query: Host, capacity: int, shortest: int = 0) -> tuple[Host, Host]:
    """Run the kernel compiled."""
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    data = {"ids": np.concatenate(lists).astype(np.uint32), "offsets": offsets}
    longest = max(1, *map(len, lists))
    statics = {"capacity": capacity, "shortest": shortest or longest, "longest": longest}
    arrays = {name: jax.numpy.asarray(array) for name, array in data.items()}
    state = KERNEL.prepare(jax.numpy, arrays, **statics)
    run = jax.jit(functools.partial(KERNEL.run, jax.numpy, **statics))
    found, counts = run(state, jax.numpy.asarray(query))
    return np.asarray(found), np.asarray(counts)


def hold(lists: list[Host], query: Host, capacity: int, shortest: int = 0) -> None:
    found, counts = answer(lists, query, capacity, shortest)
    assert (found.dtype.name, counts.dtype.name) == ("uint32", "int32")
    assert found.shape == (len(query), capacity)
    for numbers, ids, count in zip(query, found, counts, strict=True):
        common = functools.reduce(np.intersect1d, [lists[number] for number in numbers])
        assert count == len(common)
        np.testing.assert_array_equal(ids, np.append(common, [NO_ID] * capacity)[:capacity])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("together", [True, False])
def test_right_however_ids_lie(kind: str, together: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KERNEL, "_TOGETHER", 1 << 20 if together else 0)
    query = np.random.default_rng(3).integers(0, 5, (8, 3)).astype(np.int32)
    hold(make(kind, 600), query, 900)


@pytest.mark.parametrize("K", [1, 2, 6])
def test_any_number_of_lists_and_an_overflow(K: int) -> None:
    hold(make("even", 300), np.random.default_rng(K).integers(0, 5, (5, K)).astype(np.int32), 17)


def test_a_short_list_at_any_place_of_the_query() -> None:
    lists = [np.arange(0, 9_000, 7), np.arange(0, 9_000, 3), np.arange(0, 9_000, 900), np.arange(9_000)]
    hold(lists, np.array([[2, 0, 1], [0, 2, 3], [3, 1, 2], [2, 2, 2]], np.int32), 12, shortest=10)


def test_it_searches_no_longer_than_the_fullest_bucket_asks() -> None:
    even, crowded = (
        KERNEL.prepare(
            jax.numpy,
            {"ids": jax.numpy.asarray(ids.astype(np.uint32)), "offsets": jax.numpy.asarray([0, 1_024], dtype="int32")},
            capacity=1,
            shortest=1_024,
            longest=1_024,
        )["steps"].shape[0]
        for ids in (np.arange(0, 4_096, 4), np.append(np.arange(1_023), TOP - 1))
    )
    assert (even, crowded) == (1, 10)


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    statics = {"capacity": 5, "shortest": 4, "longest": 4}
    data = {"ids": np.array([1, 2, 5, 6, 0, 2, 6, NO_ID], np.uint32), "offsets": np.array([0, 4, 8], np.int32)}
    state = KERNEL.prepare(jax.numpy, {name: jax.numpy.asarray(array) for name, array in data.items()}, **statics)
    before = [np.array(part) for part in state.values()]
    found, counts = KERNEL.run(jax.numpy, state, jax.numpy.asarray([[0, 1]], dtype="int32"), **statics)
    assert np.asarray(found).tolist() == [[2, 6, NO_ID, NO_ID, NO_ID]]
    assert np.asarray(counts).tolist() == [2]
    assert all(np.array_equal(part, old) for part, old in zip(state.values(), before, strict=True))
