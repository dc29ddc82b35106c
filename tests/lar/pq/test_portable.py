"""The look-up of portable kernels, in every library that is here."""

import numpy as np
import pytest
from tests.conformance.conftest import opened

from lar.pq import portable


@pytest.mark.parametrize("name", ["numpy", "numpy_readonly", "strict", "jax", "torch"])
@pytest.mark.parametrize("m", [1, 5])
def test_a_probe_adds_up_each_rows_entries(name: str, m: int) -> None:
    backend = opened(name)
    rng = np.random.default_rng(m)
    table = rng.integers(-9, 10, (m, 256)).astype(np.float32)
    codes = rng.integers(0, 256, (70, m)).astype(np.uint8)
    rows = portable.columns(backend.xp, backend.put(codes))
    sums = backend.get(portable.probe(backend.xp, backend.put(table), rows))
    assert sums.dtype == np.float32
    np.testing.assert_array_equal(sums, table[np.arange(m), codes].sum(axis=1))
    np.testing.assert_array_equal(backend.get(rows), codes.T)


def test_columns_are_contiguous() -> None:
    rows = portable.columns(np, np.zeros((9, 4), np.uint8))
    assert rows.flags.c_contiguous
    assert rows.shape == (4, 9)
