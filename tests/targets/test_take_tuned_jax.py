"""The JAX kernel of `take`: right for every width and size, compiled or not, and safe where an id is no row's."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("take", catalog.kernel_path("take", "tuned", "jax"))
COMPILED = jax.jit(lambda state, ids: KERNEL.run(jax.numpy, state, ids))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def table(N: int, width: int) -> Host:
    words = np.random.default_rng([N, width]).integers(-(2**31), 2**31, (N, width))
    return words.astype(np.int32)


def take(values: Host, ids: Host, *, compiled: bool = True) -> Host:
    state = KERNEL.prepare(jax.numpy, {"values": jax.numpy.asarray(values)})
    run = COMPILED if compiled else lambda state, ids: KERNEL.run(jax.numpy, state, ids)
    (rows,) = run(state, jax.numpy.asarray(ids))
    assert rows.dtype == np.int32
    return np.asarray(rows)


@pytest.mark.parametrize("width", [1, 2, 3, 16, 17, 128])
@pytest.mark.parametrize("n", [1, 33, 1_030])
def test_right_for_every_width_and_size(width: int, n: int) -> None:
    for N in (1, 700):
        values = table(N, width)
        ids = np.random.default_rng(n).integers(0, N, n).astype(np.uint32)
        np.testing.assert_array_equal(take(values, ids), values[ids])


@pytest.mark.parametrize("width", [1, 2, 128])
def test_it_runs_uncompiled_and_keeps_every_bit(width: int) -> None:
    values = np.resize(np.array([0x7F800001, -(2**31), 1, -1, 2**31 - 1, 0x7FC00001], np.int32), (40, width))
    ids = np.array([39, 0, 0, 17], np.uint32)
    for compiled in (False, True):
        np.testing.assert_array_equal(take(values, ids, compiled=compiled), values[ids])


@pytest.mark.parametrize("width", [1, 2, 128])
def test_an_id_that_is_no_rows_reads_nothing_outside_the_table(width: int) -> None:
    """JAX cannot raise: such an id is answered by the first or the last row, the other ids as ever."""
    values = table(50, width)
    ids = np.array([3, 50, 2**31 - 1, 2**31, 2**32 - 1, 7], np.uint32)
    rows = take(values, ids)
    np.testing.assert_array_equal(rows[[0, 5]], values[[3, 7]])
    ends = {values[0].tobytes(), values[-1].tobytes()}
    assert {row.tobytes() for row in rows[1:5]} <= ends
