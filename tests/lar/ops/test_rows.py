"""One function over many rows."""

from typing import Any

import numpy as np
import pytest

from lar import ops


def sum_and_best(xp: Any, rows: Any) -> Any:
    def of_row(row: Any) -> tuple[Any, Any]:
        return xp.sum(row), ops.top_k(xp, row, 2, largest=True)[0]

    return ops.map_rows(xp, of_row, rows)


@pytest.mark.parametrize("count", [1, 3])
def test_map_rows(runner: Any, count: int) -> None:
    rows = np.arange(count * 5, dtype=np.float32).reshape(count, 5)
    sums, best = runner(sum_and_best, rows)
    np.testing.assert_array_equal(sums, rows.sum(axis=1))
    np.testing.assert_array_equal(best, rows[:, [4, 3]])
    assert best.dtype == np.float32


def test_rows_may_have_axes_of_their_own(runner: Any) -> None:
    grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    (sums,) = runner(lambda xp, rows: ops.map_rows(xp, lambda row: (xp.sum(row, axis=1),), rows), grid)
    np.testing.assert_array_equal(sums, grid.sum(axis=2))


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="one row or more"):
        ops.map_rows(np, lambda row: (row,), np.zeros((0, 3), np.float32))
