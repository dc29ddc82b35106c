"""The k best against a stable sort in float64, on data that is unkind to selections."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lar import ops

Host = npt.NDArray[Any]
N = 20_000  # several blocks, and a tail that is no whole one


def floats() -> dict[str, Host]:
    rng = np.random.default_rng(7)
    bits = rng.integers(-(2**31), 2**31, N).astype(np.int32).view(np.float32)
    data = {
        "normal": rng.normal(size=N),
        "two values": rng.integers(0, 2, N),
        "all equal": np.ones(N),
        "mostly equal": np.where(rng.random(N) < 0.99, 1, rng.normal(size=N)),
        "zeros": rng.choice([0.0, -0.0], N),
        "infinities": rng.choice([np.inf, -np.inf, 0.0, -0.0], N),
        "subnormals": rng.choice([1e-42, -1e-42, 0, -0.0, 2e-42], N),
        "bits": np.where(np.isnan(bits), 1, bits),
        "ascending": np.arange(N),
        "best last": np.where(np.arange(N) < N - 5, 1.0, np.arange(N) - 1.5 * N),
        "one block": np.where(np.arange(N) // 64 == 9, rng.normal(size=N), 100),
    }
    return {name: values.astype(np.float32) for name, values in data.items()}


FLOATS = floats()


def expected(x: Host, k: int, *, largest: bool) -> tuple[Host, Host]:
    key = -x.astype(np.float64) if largest else x.astype(np.float64)
    order = np.argsort(key, kind="stable")[:k]
    missing = k - len(order)
    values = np.concatenate([x[order], np.full(missing, -np.inf if largest else np.inf, np.float32)])
    return values, np.concatenate([order, np.full(missing, -1)]).astype(np.int32)


def same(got: Host, want: Host) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(got.view(np.int32), want.view(np.int32))  # -0.0 is not 0.0 in what is returned


def tell_apart(runner: Any, name: str) -> bool:
    return runner.subnormals or name not in {"subnormals", "bits"}


@pytest.mark.parametrize("largest", [False, True], ids=["smallest", "largest"])
@pytest.mark.parametrize("k", [1, 300])
def test_top_k(runner: Any, k: int, largest: bool) -> None:
    for name, x in FLOATS.items():
        if tell_apart(runner, name):
            for got, want in zip(
                runner(ops.top_k, x, k=k, largest=largest), expected(x, k, largest=largest), strict=True
            ):
                same(got, want)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (0, 3), (1, 1), (50, 0), (50, 60)])
def test_top_k_of_few_is_padded(runner: Any, n: int, k: int) -> None:
    x = FLOATS["two values"][:n]
    for largest in (False, True):
        for got, want in zip(runner(ops.top_k, x, k=k, largest=largest), expected(x, k, largest=largest), strict=True):
            same(got, want)


@pytest.mark.parametrize("n", [4097, 8193])
def test_top_k_of_all(runner: Any, n: int) -> None:
    x = FLOATS["mostly equal"][:n]
    for got, want in zip(runner(ops.top_k, x, k=n, largest=True), expected(x, n, largest=True), strict=True):
        same(got, want)


def keys() -> dict[str, Host]:
    rng = np.random.default_rng(8)
    data = {
        "wide": rng.integers(-(2**31), 2**31, N),
        "limits": rng.choice([-(2**31), 2**31 - 1, 0, -1], N),
        "narrow": rng.integers(-5, 120, N),
        "equal": np.full(N, 3),
    }
    return {name: values.astype(np.int32) for name, values in data.items()}


KEYS = keys()


@pytest.mark.parametrize("name", KEYS)
def test_smallest_k(runner: Any, name: str) -> None:
    key = KEYS[name]
    ranges = [{}] if name in {"wide", "limits"} else [{}, {"low": -5, "high": 119}]
    for k in (0, 50, 3000):
        want = np.argsort(key, kind="stable")[:k].astype(np.int32)
        for within in ranges:
            same(runner(ops.smallest_k, key, k=k, **within), want)
    same(runner(ops.smallest_k, key[:9], k=20), np.argsort(key[:9], kind="stable").astype(np.int32))


def kth_of_array(xp: Any, key: Any, k: Any, **within: int) -> Any:
    return ops.kth_smallest(xp, key, k, **within)


@pytest.mark.parametrize("name", KEYS)
def test_kth_smallest(runner: Any, name: str) -> None:
    key = KEYS[name]
    ordered = np.sort(key)
    ranges = [{}] if name in {"wide", "limits"} else [{"low": -5, "high": 119}, {"low": -6, "high": 2**31 - 1}]
    for within in ranges:
        got = runner(ops.kth_smallest, key, k=7, **within)
        assert got.shape == ()
        same(got, ordered[6])
        for k in (1, N // 2, N):
            same(runner(kth_of_array, key, np.array(k, np.int32), **within), ordered[k - 1])
    same(runner(ops.kth_smallest, key[:1], k=1), key[0])


def test_kth_smallest_of_a_range_at_the_upper_limit(runner: Any) -> None:
    key = np.array([2**31 - 1, 2**31 - 2, 2**31 - 7], np.int32)
    for k in (1, 2, 3):
        same(runner(ops.kth_smallest, key, k=k, low=2**31 - 7, high=2**31 - 1), np.sort(key)[k - 1])
    same(runner(ops.kth_smallest, key[:1], k=1, low=2**31 - 1, high=2**31 - 1), key[0])


def numpy_with(argsort: Callable[..., Host]) -> types.ModuleType:
    """Return a namespace that is not known to be NumPy and sorts in its own way."""
    namespace = types.ModuleType("unknown")
    vars(namespace).update({name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
    vars(namespace)["argsort"] = argsort
    return namespace


def test_zeros_are_equal_where_a_sort_tells_them_apart() -> None:
    """A radix sort of floats, as GPUs do it, puts -0.0 before 0.0."""

    def by_bits(x: Host, **how: Any) -> Host:
        bits = x.view(np.int32)
        return np.argsort(np.where(bits < 0, bits ^ 0x7FFFFFFF, bits), **how)

    for n in (50, N):
        for largest in (False, True):
            x = FLOATS["zeros"][:n]
            got = ops.top_k(numpy_with(by_bits), x, 10, largest=largest)
            for one, want in zip(got, expected(x, 10, largest=largest), strict=True):
                same(one, want)


def test_work_does_not_depend_on_the_data() -> None:
    """Neither ties nor order may make the selection sort more: what it sorts is counted, not timed."""
    sorted_sizes: list[int] = []

    def argsort(x: Host, **how: Any) -> Host:
        sorted_sizes.append(x.shape[0])
        return np.argsort(x, **how)

    counting = numpy_with(argsort)
    seen = set()
    for x in FLOATS.values():
        sorted_sizes.clear()
        ops.top_k(counting, x, 10, largest=False)
        seen.add(tuple(sorted_sizes))
    assert len(seen) == 1
    assert sum(seen.pop()) < N // 8


def test_a_nan_leaves_the_shapes_right(runner: Any) -> None:
    x = np.full(N, np.nan, np.float32)
    for n in (5, N):
        values, positions = runner(ops.top_k, x[:n], k=4, largest=False)
        assert values.shape == positions.shape == (4,)
        assert (positions >= 0).all()
        assert (positions < n).all()
        assert np.isnan(values).all()


@given(
    hnp.arrays(
        np.float32, st.integers(0, 40), elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-45, np.inf, -np.inf])
    ),
    st.integers(0, 45),
    st.booleans(),
)
def test_top_k_is_a_stable_sort_cut_off(x: Host, k: int, largest: bool) -> None:
    want = expected(x, k, largest=largest)
    for got, one in zip(ops.top_k(np, x, k, largest=largest), want, strict=True):
        same(got, one)
    with ops.standard_only():
        for got, one in zip(ops.top_k(np, x, k, largest=largest), want, strict=True):
            same(got, one)


@given(hnp.arrays(np.int32, st.integers(1, 60)), st.data())
def test_kth_smallest_is_where_sorting_puts_it(key: Host, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(key)))
    same(ops.kth_smallest(np, key, k), np.sort(key)[k - 1])
    low, high = int(key.min()), int(key.max())
    same(ops.kth_smallest(np, key, np.array(k, np.int32), low, high), np.sort(key)[k - 1])
