"""Sums of bytes against plain integer arithmetic, and as bounds of the sums that they stand for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import bounds
from lar.simd.bounds import EVERYTHING, GROUP
from lar.simd.tables import TILE

Host = npt.NDArray[Any]
needs_lookup = pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")


@njit
def add_up(panels: Host, m: int, first: int, steps: Host, together: int, sums: Host) -> None:
    bounds.add_up(panels, m, first, steps, together, sums)


@njit
def quantise(table: Host, low: Host, inverse: float, steps: Host) -> None:
    bounds.quantise(table, low, inverse, steps)


@njit
def find(sums: Host, limit: int, blocks: Host) -> Any:
    return bounds.find(sums, limit, blocks)


@njit
def find_by_level(sums: Host, levels: Host, first: int, line: Any, blocks: Host) -> Any:
    return bounds.find_by_level(sums, levels, first, line, blocks)


def panels_of(codes: Host) -> Host:
    N, m = codes.shape
    panels = np.full(-(-N // GROUP) * GROUP * m, 99, np.uint8)
    bounds.fill_panels(codes, panels)
    np.testing.assert_array_equal(bounds.panels_of(codes), panels)
    return panels


def in_order(sums: Host) -> Host:
    """Sums by row: of each 64 the even rows come first."""
    return sums.reshape(-1, 2, 32).transpose(0, 2, 1).reshape(-1)


@pytest.mark.parametrize(("N", "m"), [(1, 1), (255, 16), (256, 17), (700, 40)])
def test_panels_hold_every_code_once_and_zeros_behind_them(N: int, m: int) -> None:
    codes = np.random.default_rng(N).integers(0, 256, (N, m)).astype(np.uint8)
    groups = -(-N // GROUP)
    padded = np.zeros((groups * GROUP, m), np.uint8)
    padded[:N] = codes
    panels, at = panels_of(codes), 0
    for first in range(0, m, TILE):
        width = min(TILE, m - first)
        panel = panels[at : at + groups * width * GROUP].reshape(groups, width, GROUP)
        np.testing.assert_array_equal(panel.transpose(0, 2, 1).reshape(-1, width), padded[:, first : first + width])
        at += panel.size
    assert at == panels.size


@needs_lookup
@pytest.mark.parametrize("m", [1, 2, 5, 16, 17, 48, 100])
@pytest.mark.parametrize("together", [1, 2, 3, 16])
@pytest.mark.parametrize("largest", [9, 255])
def test_sums_saturate_in_bytes_and_then_in_words(m: int, together: int, largest: int) -> None:
    rng = np.random.default_rng(m * together)
    codes = rng.integers(0, 256, (3 * GROUP, m)).astype(np.uint8)
    steps = rng.integers(0, largest, (m, 256), endpoint=True).astype(np.uint8)
    entries = steps[np.arange(m), codes].astype(np.int64)
    expected = np.zeros(len(codes), np.int64)
    for first in range(0, m, TILE):
        tile = entries[:, first : first + TILE]
        for j in range(0, tile.shape[1], together):
            expected += np.minimum(tile[:, j : j + together].sum(axis=1), 255)
    sums = np.full(2 * GROUP, 77, np.uint16)
    add_up(panels_of(codes), m, 1, steps.reshape(-1), together, sums)
    np.testing.assert_array_equal(in_order(sums), np.minimum(expected, EVERYTHING)[GROUP:])


@needs_lookup
def test_words_stay_at_their_largest() -> None:
    m = 300
    codes, steps = np.zeros((GROUP, m), np.uint8), np.full(m * 256, 255, np.uint8)
    sums = np.empty(GROUP, np.uint16)
    add_up(panels_of(codes), m, 0, steps, 1, sums)
    assert set(sums) == {EVERYTHING}


def test_quantise_rounds_down_and_saturates() -> None:
    rng = np.random.default_rng(4)
    table = rng.random((5, 256)).astype(np.float32)
    low = table.min(axis=1)
    steps = np.empty(5 * 256, np.uint8)
    quantise(table.reshape(-1), low, np.float32(400.0), steps)
    above = (table - low[:, None]) * np.float32(400.0)
    np.testing.assert_array_equal(steps.reshape(5, 256), np.minimum(above, 255).astype(np.uint8))
    assert steps.max() == 255
    assert (steps.reshape(5, 256).min(axis=1) == 0).all()


def test_quantise_gives_nan_and_infinity_the_most_steps() -> None:
    table = np.zeros(256, np.float32)
    table[[3, 4]] = np.nan, np.inf
    steps = np.empty(256, np.uint8)
    for inverse in (0.0, 1.0):
        quantise(table, np.zeros(1, np.float32), np.float32(inverse), steps)
        assert steps[[3, 4]].tolist() == [255, 255]
        assert steps.sum() == 510


@pytest.mark.parametrize("limit", [0, 1, 500, 998, EVERYTHING])
def test_find_lists_exactly_the_rows_within_the_limit(limit: int) -> None:
    rng = np.random.default_rng(limit)
    by_row = rng.integers(1, 999, 4 * GROUP).astype(np.uint16)
    by_row[rng.random(by_row.size) < 0.7] = 999
    sums = np.ascontiguousarray(by_row.reshape(-1, 32, 2).transpose(0, 2, 1)).reshape(-1)
    np.testing.assert_array_equal(in_order(sums), by_row)
    blocks = np.empty((sums.size // 64 + 1, 2), np.uint64)
    found, near = find(sums, limit, blocks)
    rows = {
        int(start) + bounds.row_of(bit) for mask, start in blocks[:found] for bit in range(64) if int(mask) >> bit & 1
    }
    assert rows == set(np.flatnonzero(by_row <= limit).tolist())
    assert near == len(rows)
    assert all(blocks[:found, 0])


@pytest.mark.parametrize("N", [1, 63, 64, 256, 700])
def test_values_by_row_lie_in_the_order_of_sums(N: int) -> None:
    values = np.arange(N).astype(np.uint16)
    laid = bounds.in_order_of_sums(values, 9_999)
    assert laid.dtype == np.uint16
    assert laid.size == -(-N // GROUP) * GROUP
    by_row = in_order(laid)
    np.testing.assert_array_equal(by_row[:N], values)
    assert set(by_row[N:]) <= {9_999}


@pytest.mark.parametrize("most", [0, 700, 998, EVERYTHING])
@pytest.mark.parametrize("slope", [0, 1, 500, EVERYTHING])
@pytest.mark.parametrize("flip", [0, EVERYTHING])
def test_find_by_level_holds_each_row_against_its_own_limit(most: int, slope: int, flip: int) -> None:
    rng = np.random.default_rng([most, slope])
    by_row = rng.integers(0, 999, 4 * GROUP).astype(np.uint16)
    levels = rng.integers(0, EVERYTHING, 6 * GROUP, endpoint=True).astype(np.uint16)
    levels[: 5 * GROUP : 7], levels[1 : 5 * GROUP : 7] = 0, EVERYTHING
    sums = bounds.in_order_of_sums(by_row, 0)
    blocks = np.empty((sums.size // 64 + 1, 2), np.uint64)
    found, near = find_by_level(sums, bounds.in_order_of_sums(levels, 0), 2 * GROUP, (most, slope, flip), blocks)
    rows = {
        int(start) + bounds.row_of(bit) for mask, start in blocks[:found] for bit in range(64) if int(mask) >> bit & 1
    }
    fall = (levels[2 * GROUP :].astype(np.int64) ^ flip) * slope >> 16
    assert rows == set(np.flatnonzero(by_row <= np.maximum(most - fall, 0)).tolist())
    assert near == len(rows)
    assert all(blocks[:found, 0])


@pytest.mark.parametrize("wanted", [1, 7, 64, 500])
@pytest.mark.parametrize("largest", [0, 3, 60_000])
def test_rank_is_the_smallest_limit_that_holds_so_many(wanted: int, largest: int) -> None:
    sums = np.random.default_rng(wanted).integers(0, largest, 2 * GROUP, endpoint=True).astype(np.uint16)
    ordered = np.sort(sums)
    assert bounds.rank(sums, wanted, EVERYTHING) == ordered[wanted - 1]
    below = int(ordered[wanted - 1]) - 1
    if below >= 0:
        assert bounds.rank(sums, wanted, below) == below  # fewer are within it: the limit stays
    if wanted <= 64:
        limit = bounds.rank_of_lanes(sums, wanted, EVERYTHING)
        assert ordered[wanted - 1] <= limit
        assert (sums <= limit).sum() >= wanted
