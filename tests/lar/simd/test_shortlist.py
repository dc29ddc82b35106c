"""The k best keys, whatever the order in which they are offered."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from lar.simd import shortlist

Host = npt.NDArray[Any]
INF = np.float32(np.inf)


@njit
def shortlisted(distances: Host, k: int, room: int, one_by_one: bool) -> Any:
    """Offer all distances and return (keys in order, distances and ids as written, most ever held, bound)."""
    keys = np.empty(room, np.uint64)
    filled, bound = 0, shortlist.NOTHING
    N = distances.size
    if one_by_one:
        for row in range(N):
            filled, bound = shortlist.offer(keys, filled, bound, k, shortlist.key_of(distances[row], row))
        filled, bound = shortlist.cut(keys, filled, bound, k)
    else:
        padded = np.zeros(-(-N // 16) * 16, np.float32)  # padding that would be best of all
        padded[:N] = distances
        filled, bound = shortlist.offer_all(keys, filled, bound, k, padded, 0, N)
    out, ids = np.empty(k + 2, np.float32), np.empty(k + 2, np.uint32)
    shortlist.write(keys, filled, out, ids)
    return filled, bound, out, ids


def expected(distances: Host, k: int) -> tuple[Host, Host]:
    order = np.lexsort((np.arange(len(distances)), distances))[:k]
    padding = k + 2 - len(order)
    ids = np.concatenate([order, np.full(padding, 2**32 - 1)]).astype(np.uint32)
    return np.concatenate([distances[order], np.full(padding, INF)]).astype(np.float32), ids


@njit
def key_and_back(distance: Any, row: int) -> Any:
    key = shortlist.key_of(distance, row)
    return key, shortlist.distance_of(key), key & np.uint64(2**32 - 1)


ORDERS: dict[str, Callable[[Host], Host]] = {
    "random": lambda x: x,
    "ascending": np.sort,
    "descending": lambda x: np.sort(x)[::-1],
    "organ pipes": lambda x: np.concatenate([np.sort(x)[::2], np.sort(x)[1::2][::-1]]),
    "equal": lambda x: np.full_like(x, 0.5),
    "few distinct": lambda x: np.floor(4 * x),
    "either sign": lambda x: x - np.float32(0.5),
    "negative": lambda x: -x,
}


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("N", "k"), [(1, 1), (5, 9), (100, 1), (1_000, 10), (1_000, 64), (1_000, 999), (3_000, 3_000)])
def test_keeps_the_k_smallest_equal_ones_by_row(N: int, k: int, order: str, one_by_one: bool) -> None:
    draws = np.random.default_rng(N + k).random(N).astype(np.float32)
    distances = np.ascontiguousarray(ORDERS[order](draws)).astype(np.float32)
    filled, bound, out, ids = shortlisted(distances, k, 2 * k + 7, one_by_one)
    want, rows = expected(distances, k)
    np.testing.assert_array_equal(out, want)
    np.testing.assert_array_equal(ids, rows)
    assert filled == min(N, k)
    if k <= N:
        assert bound == key_and_back(want[k - 1], rows[k - 1])[0]
    else:
        assert bound == shortlist.NOTHING


@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=80),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
)
def test_any_distances(values: list[float], k: int, spare: int, one_by_one: bool) -> None:
    distances = np.array(values, np.float32)
    _, _, out, ids = shortlisted(distances, k, k + spare, one_by_one)
    want, rows = expected(distances, k)
    np.testing.assert_array_equal(out, want)
    np.testing.assert_array_equal(ids, rows)


def test_a_row_beyond_the_bound_is_not_held() -> None:
    @njit
    def run() -> Any:
        keys = np.empty(8, np.uint64)
        bound = shortlist.key_of(np.float32(2), 5)
        at = shortlist.offer(keys, 0, bound, 3, shortlist.key_of(np.float32(2), 6))[0]
        within = shortlist.offer(keys, 0, bound, 3, shortlist.key_of(np.float32(2), 5))[0]
        return at, within

    assert run() == (0, 1)


def test_keys_sort_as_distances_do_and_give_them_back() -> None:
    ascending = [-np.inf, -3e38, -1.0, -1e-45, 0.0, 1e-45, 1.0, 3e38, np.inf, np.nan]
    keys = []
    for distance in ascending:
        key, back, row = key_and_back(np.float32(distance), 2**32 - 1)
        np.testing.assert_array_equal(back, np.float32(distance))
        assert row == 2**32 - 1
        keys.append(int(key))
    assert keys == sorted(set(keys))
    assert keys[-1] < shortlist.NOTHING


def test_zeros_are_equal_and_nans_are_last_whatever_their_sign() -> None:
    assert key_and_back(np.float32(-0.0), 7) == key_and_back(np.float32(0.0), 7)
    negative = np.array([0xFFC00000], np.uint32).view(np.float32)[0]
    assert key_and_back(negative, 7)[0] == key_and_back(np.float32(np.nan), 7)[0]


def test_infinity_and_nan_come_last_and_are_not_lost() -> None:
    distances = np.array([np.nan, np.inf, 1.0, np.inf], np.float32)
    _, _, out, ids = shortlisted(distances, 4, 20, False)
    assert list(ids[:4]) == [2, 1, 3, 0]
    np.testing.assert_array_equal(out[:4], np.array([1.0, np.inf, np.inf, np.nan], np.float32))
