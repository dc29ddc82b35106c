"""The loops do all the work they are counted for, and no more: else they would give a ceiling that is none."""

import numpy as np
import pytest

from lar.vector_loops import LINE, WIDTHS, byte_loop, copy_loop, float_loop, read_loop

LINES = 1 << 10


def _memory() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return random words that begin on a line."""
    words = LINES * LINE // 4
    whole = np.random.default_rng(5).integers(-(2**31), 2**31, words + LINE // 4, dtype=np.int32)
    start = -whole.ctypes.data % LINE // 4
    return whole[start : start + words]


@pytest.mark.parametrize("prefetch", [0, 2048])
@pytest.mark.parametrize("streams", [1, 2, 4, 8])
def test_read_touches_every_line_once_a_pass(streams: int, prefetch: int) -> None:
    memory, loop = _memory(), read_loop(streams, prefetch)
    blocks = memory.nbytes // loop.block
    once = int(np.bitwise_xor.reduce(memory.reshape(LINES, -1)[:, 0]))
    assert once != 0
    assert loop.call(memory.ctypes.data, blocks, 1) == once
    assert loop.call(memory.ctypes.data, blocks, 2) == 0
    assert loop.call(memory.ctypes.data, blocks, 3) == once
    memory[-LINE // 4] ^= 1
    assert loop.call(memory.ctypes.data, blocks, 1) == once ^ 1


@pytest.mark.parametrize("past_caches", [False, True])
@pytest.mark.parametrize("prefetch", [0, 2048])
@pytest.mark.parametrize("loads", [1, 2])
def test_copy_reads_one_part_and_writes_the_other(loads: int, prefetch: int, past_caches: bool) -> None:
    memory, loop = _memory(), copy_loop(loads, prefetch, past_caches=past_caches)
    before = memory.reshape(LINES, -1).copy()
    blocks = memory.nbytes // loop.block
    loop.call(memory.ctypes.data, blocks, 2)
    after = memory.reshape(LINES, -1)
    written = blocks * loop.block // LINE // (loads + 1)
    read = written * loads
    np.testing.assert_array_equal(after[:read], before[:read])
    expected = np.bitwise_xor.reduce(before[:read].reshape(written, loads, -1), axis=1)
    np.testing.assert_array_equal(after[read : read + written], expected)
    np.testing.assert_array_equal(after[read + written :], before[read + written :])
    assert read + written > LINES - 3 * (loads + 1) * 4


def _as_int32(values: list[np.float32]) -> int:
    return int(np.bitwise_xor.reduce(np.array(values, np.float32).view(np.int32)))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("additions", [0, 1, 2])
def test_float_loop_does_the_operations_it_counts(width: int, additions: int) -> None:
    loop, blocks, passes = float_loop(width, additions), 3, 2
    products, sums = 8, 6 if additions else 0
    values = [np.float32(i / 8) for i in range(products + sums)]
    each_fused, each_added = 48 // products, 24 * additions // sums if sums else 0
    for _ in range(blocks * passes):
        for i in range(products):
            for _time in range(each_fused):
                values[i] = values[i] * np.float32(0.5) + np.float32(0.25)
        for i in range(products, products + sums):
            for _time in range(each_added):
                values[i] += np.float32(0.25)
    assert loop.call(0, blocks, passes) == _as_int32(values)
    assert loop.block == (products * each_fused * 2 + sums * each_added) * width // 4


@pytest.mark.parametrize("width", WIDTHS)
def test_byte_loop_does_the_operations_it_counts(width: int) -> None:
    loop, blocks, passes = byte_loop(width), 3, 5
    values = np.arange(10, dtype=np.uint8)
    for _ in range(blocks * passes * 4):
        values = (values + np.uint8(1)) ^ np.uint8(85)
    assert loop.call(0, blocks, passes) == int(np.bitwise_xor.reduce(values))
    assert int(np.bitwise_xor.reduce(values)) != 0
    assert loop.block == 10 * 4 * 2 * width
