"""Runs of sorted words become one, whatever their lengths, and nothing is read or written beyond them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from lar.simd import aligned, load, merging, store
from lar.simd.vector import u64x8

Host = npt.NDArray[Any]
WORD = st.one_of(st.integers(0, 7), st.integers(0, 2**64 - 2))
GUARD = np.uint64(0xCDCDCDCDCDCDCDCD)


def merged(runs: list[list[int]]) -> tuple[Host, Host]:
    """Return what comes of `runs`: the whole room of the merged one, and what lies behind both arrays' room."""
    sizes = [len(run) for run in runs]
    total = sum(merging.room(size) for size in sizes)
    source, target = (aligned((total + merging.LANES,), np.uint64) for _ in range(2))
    source[:], target[:] = GUARD, GUARD
    at = 0
    for run in runs:
        source[at : at + merging.room(len(run))] = merging.END
        source[at : at + len(run)] = np.sort(np.array(run, np.uint64))
        at += merging.room(len(run))
    out = merging.merge_runs(source[:total], target[:total], np.array(sizes), len(runs))
    return out[: merging.room(sum(sizes))], np.concatenate([source[total:], target[total:]])


def hold(runs: list[list[int]]) -> None:
    out, behind = merged(runs)
    words = np.sort(np.array([word for run in runs for word in run], np.uint64))
    np.testing.assert_array_equal(out[: words.size], words)
    assert np.all(out[words.size :] == merging.END)
    assert np.all(behind == GUARD)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(WORD, min_size=1, max_size=40), min_size=1, max_size=9))
def test_runs_of_any_words_become_one(runs: list[list[int]]) -> None:
    hold(runs)


@pytest.mark.parametrize("ones", [1, 7, 8, 9, 15, 16, 17, 64])
@pytest.mark.parametrize("others", [1, 7, 8, 9, 15, 16, 17, 64])
def test_one_run_before_the_other_and_in_turn(ones: int, others: int) -> None:
    low, high = [*range(ones)], [*range(1_000, 1_000 + others)]
    hold([low, high])
    hold([high, low])
    hold([[2 * word for word in low], [2 * word + 1 for word in range(others)]])
    hold([low, [*range(others)]])
    hold([low, high, low])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_long_runs(count: int) -> None:
    rng = np.random.default_rng(count)
    hold([rng.integers(0, 2**64 - 1, rng.integers(1, 3_000), np.uint64).tolist() for _ in range(count)])


@njit
def applied(values: Host, settled: bool) -> Host:
    out = np.empty(8, np.uint64)
    vector = load(u64x8, values, 0)
    store(out, 0, merging.settle(vector) if settled else merging.reverse(vector))
    return out


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("falls", [False, True])
def test_lanes_that_rise_and_fall_are_settled(turn: int, falls: bool) -> None:
    values = np.random.default_rng(turn).permutation(np.arange(8, dtype=np.uint64) << np.uint64(60))
    rising, falling = np.sort(values[:turn]), np.sort(values[turn:])[::-1]
    lanes = np.concatenate([falling, rising] if falls else [rising, falling])
    np.testing.assert_array_equal(applied(lanes, True), np.sort(values))
    np.testing.assert_array_equal(applied(lanes, False), lanes[::-1])


def test_a_run_has_room_for_whole_vectors_and_one_that_ends_it() -> None:
    assert [merging.room(words) for words in (1, 7, 8, 9, 16)] == [16, 16, 16, 24, 24]
