"""Common values of sorted arrays against NumPy's, by every way to find them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import simd
from lar.simd import sorted_ids
from lar.simd.sorted_ids import SLACK

Host = npt.NDArray[Any]
WAYS = ("intersect", "merge_narrow", "merge_wide", "search")
TOP = 2**32 - 1


def common(way: str, a: Host, b: Host) -> Host:
    """Intersect, in memory that shows what is written too far."""
    out = np.full(a.size + SLACK + 1, 77, np.uint32)
    arguments = (a, b, out) if way != "search" else (a, b, out, np.uint64(0))
    count = int(getattr(sorted_ids, way)(*arguments))
    assert out[-1] == 77
    return out[:count]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    if request.param == "merge_wide" and not simd.supports("compress"):
        pytest.skip("this processor does not compress")
    return str(request.param)


def draw(rng: Any, size: int, universe: int) -> Host:
    return np.sort(rng.choice(universe, size, replace=False)).astype(np.uint32)


@pytest.mark.parametrize(
    "sizes",
    [(0, 0), (0, 40), (1, 1), (7, 8), (8, 8), (8, 9), (15, 16), (16, 16), (16, 17), (17, 300), (31, 33), (500, 503)],
)
@pytest.mark.parametrize("times", [1.0, 1.5, 4.0, 300.0])
def test_random_arrays_of_any_size(way: str, sizes: tuple[int, int], times: float) -> None:
    rng = np.random.default_rng([*sizes, int(times)])
    universe = int(times * max(sizes)) + 1
    a, b = (draw(rng, size, universe) for size in sizes)
    np.testing.assert_array_equal(common(way, a, b), np.intersect1d(a, b))


def test_the_ends_of_the_type(way: str) -> None:
    rng = np.random.default_rng(1)
    a, b = (
        np.unique(np.concatenate([[0, TOP], rng.integers(0, 2**32, 200), TOP - draw(rng, 50, 99)])) for _ in range(2)
    )
    a, b = a.astype(np.uint32), b.astype(np.uint32)
    for one, other in ((a, b), (a[:-1], b), (a, b[:-1]), (a[1:], b), (a, b[1:])):
        np.testing.assert_array_equal(common(way, one, other), np.intersect1d(one, other))


@pytest.mark.parametrize("shift", [0, 1, 15, 16, 17, 160, 10_000])
def test_runs_that_overlap_by_any_number(way: str, shift: int) -> None:
    a = np.arange(5, 205, dtype=np.uint32)
    b = a + np.uint32(shift)
    np.testing.assert_array_equal(common(way, a, b), np.intersect1d(a, b))


def test_a_short_array_anywhere_in_a_long_one(way: str) -> None:
    many = np.arange(0, 30_000, 3, dtype=np.uint32)
    for few in ([0], [29_997], [29_998], [1, 2, 3], [0, 15_000, 29_997], range(0, 30_000, 2_000)):
        a = np.array(few, np.uint32)
        np.testing.assert_array_equal(common(way, a, many), np.intersect1d(a, many))


def test_two_in_turn_and_two_far_apart(way: str) -> None:
    evens = np.arange(0, 2_000, 2, dtype=np.uint32)
    assert common(way, evens, evens + np.uint32(1)).size == 0
    assert common(way, evens, evens + np.uint32(2**31)).size == 0
    assert common(way, evens + np.uint32(2**31), evens).size == 0


def test_reads_read_only_arrays_and_leaves_them_alone() -> None:
    a, b = np.arange(0, 100, 2, dtype=np.uint32), np.arange(0, 100, 5, dtype=np.uint32)
    a.setflags(write=False)
    b.setflags(write=False)
    np.testing.assert_array_equal(common("intersect", b, a), np.arange(0, 100, 10))


def test_searching_in_place() -> None:
    a, b = np.arange(0, 100, 2, dtype=np.uint32), np.arange(0, 100, 5, dtype=np.uint32)
    count = int(sorted_ids.search(a, b, a, np.uint64(0)))
    np.testing.assert_array_equal(a[:count], np.arange(0, 100, 10))


def test_the_way_is_chosen_by_what_the_processor_can_do() -> None:
    wide = simd.supports("compress", "vp2intersect")
    assert sorted_ids._merge is (sorted_ids.merge_wide if wide else sorted_ids.merge_narrow)
