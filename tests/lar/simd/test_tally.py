"""The k best rows by a small integer, whatever the order in which they are offered."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from lar.simd import tally

Host = npt.NDArray[Any]
NO_ID = 2**32 - 1
LARGEST = 200


@njit
def listed(distances: Host, k: int, room: int, shown: int, first: int, states: Host) -> Any:
    """Offer all distances; return the bound after each of them, the most ever held, and what is written."""
    keys, counts = np.empty(room, np.uint64), np.full(LARGEST + 2, 99, np.int64)
    state = states[0]
    tally.begin(counts, state)
    bounds, most = np.empty(distances.size, np.int64), 0
    for row in range(distances.size):
        tally.offer(keys, counts, state, k, distances[row], first + row)
        bounds[row] = state.bound
        most = max(most, state.filled)
    out, ids = np.empty(shown, np.uint32), np.empty(shown, np.uint32)
    tally.write(keys, counts, state, k, out, ids)
    return bounds, most, out, ids


def hold(distances: Host, k: int, room: int, first: int = 0) -> int:
    """Hold a run against a stable sort and return the most keys ever held."""
    bounds, most, out, ids = listed(distances, k, room, k + 2, first, np.zeros(1, tally.STATE))
    order = np.argsort(distances, kind="stable")[:k]
    padding = np.full(k + 2 - len(order), NO_ID)
    np.testing.assert_array_equal(ids, np.concatenate([first + order, padding]))
    np.testing.assert_array_equal(out, np.concatenate([distances[order], padding]))
    for row in range(len(distances)):
        seen = np.sort(distances[: row + 1])
        assert bounds[row] == (seen[k - 1] if row + 1 >= k else LARGEST + 1)
    return int(most)


ORDERS: dict[str, Callable[[Host], Host]] = {
    "random": lambda x: x,
    "ascending": np.sort,
    "descending": lambda x: np.sort(x)[::-1],
    "organ pipes": lambda x: np.concatenate([np.sort(x)[::2], np.sort(x)[1::2][::-1]]),
    "equal": lambda x: np.full_like(x, 7),
    "few distinct": lambda x: x // 60,
    "the ends": lambda x: np.where(x < LARGEST // 2, 0, LARGEST),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("N", "k"), [(1, 1), (5, 9), (100, 1), (600, 10), (300, 299), (300, 300)])
def test_keeps_the_k_smallest_equal_ones_by_row(N: int, k: int, order: str) -> None:
    draws = np.random.default_rng(N + k).integers(0, LARGEST + 1, N)
    hold(np.ascontiguousarray(ORDERS[order](draws)), k, 2 * k + 7)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(st.integers(0, LARGEST), min_size=1, max_size=80), st.integers(1, 40), st.integers(1, 40))
def test_any_distances_and_any_room(values: list[int], k: int, spare: int) -> None:
    assert hold(np.array(values), k, k + spare) <= k + spare


def test_a_row_as_far_as_the_bound_is_not_taken() -> None:
    assert hold(np.full(500, 3), 10, 400) == 10


def test_no_more_than_k_rows_are_taken_for_each_step_of_the_bound() -> None:
    falling = np.repeat(np.arange(LARGEST, -1, -1), 20)
    assert hold(falling, 4, 10_000) <= 4 * (LARGEST + 1)


def test_rows_up_to_the_largest_id() -> None:
    hold(np.array([5, 3, 9, 3]), 2, 8, first=2**32 - 5)
