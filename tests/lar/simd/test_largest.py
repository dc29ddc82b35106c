"""The k largest scores, whatever the order, and rows of score 0 where too few were offered."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar.simd import largest, shortlist

Host = npt.NDArray[Any]


@njit
def selected(scores: Host, size: int, k: int, least: Any, width: int) -> Any:
    """Offer `size` scores, `width` at a time, a multiple of 64; return (scores, ids, least) as written for k + 2."""
    keys = np.empty(2 * k + 8, np.uint64)
    filled, bound = 0, shortlist.NOTHING
    for first in range(0, scores.size, width):
        some = scores[first : first + width]
        filled, bound, least = largest.offer_above(keys, filled, bound, least, k, some, first)
    filled, bound = shortlist.cut(keys, filled, bound, k)
    out, ids = np.empty(k + 2, np.float32), np.empty(k + 2, np.uint32)
    largest.write(keys, filled, min(k, size), out, ids)
    return out, ids, least


def padded(scores: Host) -> Host:
    return np.concatenate([scores, np.full(-len(scores) % 64, -1)]).astype(np.float32)


def hold(scores: Host, k: int, least: float = -0.5, width: int = 128) -> None:
    scores = scores.astype(np.float32)
    out, ids, _ = selected(padded(scores), len(scores), k, np.float32(least), width)
    order = np.argsort(-scores, kind="stable")[:k]
    np.testing.assert_array_equal(ids[: len(order)], order)
    np.testing.assert_array_equal(out[: len(order)], scores[order])
    assert not np.any(np.signbit(out[: len(order)]))
    assert np.all(out[len(order) :] == -np.inf)
    assert np.all(ids[len(order) :] == 2**32 - 1)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200, 1_000])
@pytest.mark.parametrize("k", [1, 10, 64])
def test_the_largest_in_order_equal_ones_by_row(size: int, k: int) -> None:
    rng = np.random.default_rng([size, k])
    hold(rng.random(size), k)
    hold(rng.integers(0, 4, size), k)
    hold(np.sort(rng.random(size)), k)
    hold(np.sort(rng.random(size))[::-1], k)
    hold(np.zeros(size), k)
    hold(np.ones(size), k, width=64)


def test_what_is_known_of_the_kth_leaves_the_others_out() -> None:
    scores = np.random.default_rng(0).random(1_000).astype(np.float32)
    tenth = np.sort(scores)[-10]
    hold(scores, 10, np.nextafter(tenth, np.float32(0)))
    out, ids, least = selected(padded(scores), 1_000, 10, tenth, 128)
    assert np.all(out[:9] > tenth)
    assert least == tenth
    assert ids[9] == 0  # fewer than ten were offered: the lowest row that is not among them
    assert out[9] == 0.0


@pytest.mark.parametrize("rows", [[0], [1, 2], [5, 900], [0, 1, 2, 3], []])
def test_fewer_than_wanted_are_filled_up_by_the_lowest_rows(rows: list[int]) -> None:
    scores = np.zeros(1_000)
    scores[rows] = np.arange(len(rows)) + 1
    hold(scores, 4, 0.0)
