"""Positions, counts and segments against loops in plain Python."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lar import ops

Host = npt.NDArray[Any]


def same(got: Host, want: Any, dtype: str = "int32") -> None:
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.asarray(want, dtype=dtype))


def wrapped(values: list[int]) -> list[int]:
    return [(value + 2**31) % 2**32 - 2**31 for value in values]


def masks(n: int) -> dict[str, Host]:
    rng = np.random.default_rng(n)
    return {
        "none": np.zeros(n, bool),
        "all": np.ones(n, bool),
        "half": rng.random(n) < 0.5,
        "few": rng.random(n) < 0.01,
    }


def test_iota(runner: Any) -> None:
    same(runner(lambda xp, like: ops.iota(xp, 5, like), np.zeros(2, np.uint8)), range(5))
    same(runner(lambda xp, like: ops.iota(xp, 0, like), np.zeros(2, np.float32)), [])


def test_count(runner: Any) -> None:
    for mask in masks(999).values():
        got = runner(ops.count, mask)
        assert got.shape == ()
        same(got, sum(mask.tolist()))
    same(runner(ops.count, np.zeros((0,), bool)), 0)
    same(runner(ops.count, masks(60)["half"].reshape(3, 20)), masks(60)["half"].reshape(3, 20).sum(axis=1))


def test_cumsum32(runner: Any) -> None:
    x = np.random.default_rng(3).integers(-(2**31), 2**31, 1000).astype(np.int32)
    same(runner(ops.cumsum32, x), wrapped(np.cumsum(x, dtype=np.int64).tolist()))
    same(runner(ops.cumsum32, x[:60].reshape(3, 20) >> 8), np.cumsum(x[:60].reshape(3, 20) >> 8, axis=1))
    same(runner(ops.cumsum32, np.full(300, 255, np.uint8)), np.arange(1, 301) * 255)
    same(runner(ops.cumsum32, np.ones(70, bool)), np.arange(1, 71))
    same(runner(ops.cumsum32, np.zeros(0, np.int32)), [])


@pytest.mark.parametrize("n", [0, 100, 8193])
def test_compact(runner: Any, n: int) -> None:
    for name, mask in masks(n).items():
        hits = [i for i, hit in enumerate(mask.tolist()) if hit]
        for size in (0, 5, n) if name == "half" else (n,):
            positions, number = runner(ops.compact, mask, size=size, fill=-1)
            assert number.shape == ()
            same(number, len(hits))  # above the size it tells of the overflow
            same(positions, (hits + [-1] * size)[:size])


@pytest.mark.parametrize(
    "counts",
    [[3], [0, 0, 4, 0, 1, 0], [0] * 6, [1] * 6, [2, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 9]],
    ids=str,
)
def test_expand(runner: Any, counts: list[int]) -> None:
    owners = [i for i, number in enumerate(counts) for _ in range(number)]
    for size in (9, 3):
        want = (owners + [len(counts) - 1] * size)[:size]
        same(runner(ops.expand, np.array(counts, np.int32), size=size), want)


def test_expand_much(runner: Any) -> None:
    counts = np.random.default_rng(4).poisson(2, 5000).astype(np.int32)
    total = int(counts.sum())
    same(runner(ops.expand, counts, size=total), np.repeat(np.arange(5000), counts))
    same(runner(ops.expand, counts, size=0), [])


def test_running_max(runner: Any) -> None:
    x = np.random.default_rng(5).integers(-(2**31), 2**31, 1000).astype(np.int32)
    for values in (x, np.sort(x)[::-1].copy(), x[:1], x[:0]):
        same(runner(ops.running_max, values), [max(values[: i + 1].tolist()) for i in range(len(values))])


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_segment_sum(runner: Any, dtype: str) -> None:
    rng = np.random.default_rng(6)
    values = rng.integers(-1000, 1000, 2000).astype(dtype)  # float32 adds such integers exactly, in every order
    for segments in (rng.integers(0, 50, 2000), rng.integers(-3, 60, 2000), np.full(2000, 7), np.full(2000, -1)):
        want = [int(values[segments == s].astype(np.int64).sum()) for s in range(50)]
        same(runner(ops.segment_sum, values, segments.astype(np.int32), size=50), want, dtype)
    same(runner(ops.segment_sum, values[:0], np.zeros(0, np.int32), size=3), [0, 0, 0], dtype)
    same(runner(ops.segment_sum, values[:4], np.array([5, -1, 1, 0], np.int32), size=0), [], dtype)


def test_segment_sum_does_not_cancel(runner: Any) -> None:
    values = np.array([1e8, 1e8, 1e-3, 2e-3, 1e8], dtype=np.float32)
    got = runner(ops.segment_sum, values, np.array([0, 0, 1, 1, 2], np.int32), size=3)
    np.testing.assert_allclose(got, [2e8, 3e-3, 1e8], rtol=1e-6)


@given(hnp.arrays(np.bool_, st.integers(0, 60)), st.integers(0, 70))
def test_compact_says_the_same_without_dispatch(mask: Host, size: int) -> None:
    direct = ops.compact(np, mask, size, -7)
    with ops.standard_only():
        fallback = ops.compact(np, mask, size, -7)
    for one, other in zip(direct, fallback, strict=True):
        same(one, other)
    assert int(direct[1]) == int(mask.sum())


@given(hnp.arrays(np.int32, st.integers(1, 30), elements=st.integers(0, 6)), st.integers(0, 100))
def test_every_owner_has_its_slots(counts: Host, size: int) -> None:
    direct = ops.expand(np, counts, size)
    with ops.standard_only():
        same(ops.expand(np, counts, size), direct)
    owned = np.bincount(direct[: counts.sum()], minlength=len(counts))
    if counts.sum() <= size:
        np.testing.assert_array_equal(owned, counts)
    assert (np.diff(direct) >= 0).all()
