"""Tables of inner products against float64."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar.simd import products, tables

Host = npt.NDArray[Any]
UNIT_ROUNDOFF = 2.0**-24


@njit
def fill(query: Host, columns: Host, factor: float, start: float, table: Host, low: Host) -> Any:
    return products.fill(query, columns, np.float32(factor), np.float32(start), table, low)


def filled(codebook: Host, query: Host, factor: float, start: float) -> Any:
    m = len(codebook)
    table, low = np.empty(m * 256, np.float32), np.empty(m, np.float32)
    span, magnitude = fill(query, tables.columns_of(codebook), factor, start, table, low)
    return table.reshape(m, 256), low, span, magnitude


@pytest.mark.parametrize(("m", "width"), [(1, 1), (3, 2), (17, 8), (2, 100)])
@pytest.mark.parametrize(("factor", "start"), [(-1.0, 1.0), (-0.25, 0.0), (3.0, -2.0)])
@pytest.mark.parametrize("offset", [0.0, 10.0, -10.0])
def test_entries_minima_span_and_magnitude(m: int, width: int, factor: float, start: float, offset: float) -> None:
    rng = np.random.default_rng([m, width])
    codebook = (rng.standard_normal((m, 256, width)) + offset).astype(np.float32)
    query = rng.standard_normal(2 * m * width).astype(np.float32)[::2]  # any stride
    table, low, span, magnitude = filled(codebook, query, factor, start)
    terms = factor * codebook.astype(np.float64) * query.reshape(m, 1, width)
    expected, absolute = terms.sum(axis=2), np.abs(terms).sum(axis=2)
    expected[0] += start
    absolute[0] += abs(start)
    assert np.all(np.abs(table - expected) <= (width + 2) * UNIT_ROUNDOFF * absolute)
    np.testing.assert_array_equal(low, table.min(axis=1))
    assert span == np.max(table.max(axis=1) - low)
    assert magnitude >= np.abs(table.astype(np.float64)).max(axis=1).sum() * (1 - 1e-12)
    assert magnitude <= np.abs(table.astype(np.float64)).max(axis=1).sum() * (1 + 1e-12)


def test_a_factor_of_zero_makes_zeros_and_no_negative_ones() -> None:
    codebook = np.random.default_rng(1).standard_normal((4, 256, 3)).astype(np.float32)
    table, low, span, magnitude = filled(codebook, np.ones(12, np.float32), -0.0, 0.0)
    assert not table.view(np.uint32).any()
    assert (low.any(), span, magnitude) == (False, 0, 0)


def test_a_product_that_is_no_number_hides_no_other() -> None:
    codebook = np.ones((1, 256, 2), np.float32)
    codebook[0, :, 0] = np.linspace(-1, 1, 256)
    codebook[0, 64::16] = np.inf, -np.inf  # an infinity less an infinity
    table, low, span, _ = filled(codebook, np.ones(2, np.float32), -1.0, 0.0)
    assert np.isnan(table).any()
    assert low[0] == np.nanmin(table)
    assert span == np.nanmax(table) - np.nanmin(table)
