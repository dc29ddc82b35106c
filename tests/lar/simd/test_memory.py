"""Loads and stores at any place and alignment; arrays that start at a cache line."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from numba.core.errors import TypingError

from lar import simd
from lar.simd import f32x16, u8x64

Host = npt.NDArray[Any]


@njit
def move(source: Host, at: int, target: Host, to: int) -> None:
    simd.store(target, to, simd.load(u8x64, source, at))


@pytest.mark.parametrize(("at", "to"), [(0, 0), (1, 0), (63, 7), (36, 36)])
def test_moves_64_bytes_at_any_alignment_and_touches_no_others(at: int, to: int) -> None:
    source = np.arange(128, dtype=np.uint8)
    target = np.full(128, 255, np.uint8)
    move(source, at, target, to)
    expected = np.full(128, 255, np.uint8)
    expected[to : to + 64] = source[at : at + 64]
    np.testing.assert_array_equal(target, expected)


def test_indices_count_items_of_the_flattened_array() -> None:
    @njit
    def run(table: Host, out: Host) -> None:
        simd.store(out, 0, simd.load(f32x16, table, 3))

    table, out = np.arange(40, dtype=np.float32).reshape(4, 10), np.empty(16, np.float32)
    run(table, out)
    np.testing.assert_array_equal(out, np.arange(3, 19, dtype=np.float32))


def test_reads_but_never_writes_a_read_only_array() -> None:
    source, target = np.arange(64, dtype=np.uint8), np.zeros(64, np.uint8)
    source.setflags(write=False)
    move(source, 0, target, 0)
    np.testing.assert_array_equal(target, source)
    target.setflags(write=False)
    with pytest.raises(TypingError):
        move(source, 0, target, 0)


def test_refuses_other_item_types_and_strides() -> None:
    target = np.zeros(128, np.uint8)
    for wrong in (np.zeros(64, np.int8), np.zeros(128, np.uint8)[::2]):
        with pytest.raises(TypingError):
            move(wrong, 0, target, 0)


@pytest.mark.parametrize("shape", [(1,), (64,), (3, 5, 7), (2_000_000,)])
def test_aligned_arrays_start_at_a_cache_line(shape: tuple[int, ...]) -> None:
    out = simd.aligned(shape, np.float32)
    assert (out.shape, out.dtype, out.ctypes.data % simd.LINE) == (shape, np.float32, 0)
    assert out.flags.c_contiguous
    assert out.flags.writeable


def test_aligned_arrays_inside_numba() -> None:
    @njit
    def run(size: int) -> Any:
        out = simd.empty_aligned(size)
        out[:] = 7
        return out

    for size in (1, 63, 64, 65, 100_000):
        out = run(size)
        assert (out.shape, out.dtype, out.ctypes.data % simd.LINE) == ((size,), np.uint8, 0)
        assert (out == 7).all()
