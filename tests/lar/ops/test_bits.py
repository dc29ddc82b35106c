"""Words, keys and bitmaps against Python's own integers and NumPy's views."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lar import ops

Host = npt.NDArray[Any]
FLOATS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.1, 1.5e-38, 3.4028235e38, -3.4028235e38, np.inf, -np.inf, 2.0**-126, 16777217.0],
    dtype=np.float32,
)
SUBNORMALS = np.array([1e-45, -1e-45, 1e-42, 1.1754942e-38, -1.1754942e-38], dtype=np.float32)
WORDS = np.array(
    [0, 1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 0x55555555, 0xDEADBEEF, 0x00800000, 0x807FFFFF], dtype=np.uint32
)
RANDOM = np.random.default_rng(1).integers(0, 2**32, 500, dtype=np.uint32)


def same(got: Host, want: Host) -> None:
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def cast(xp: Any, x: Any, *, dtype: str) -> Any:
    return ops.bitcast(xp, x, getattr(xp, dtype))


@pytest.mark.parametrize("dtype", ["uint32", "int32", "float32"])
def test_bitcast(runner: Any, dtype: str) -> None:
    some = RANDOM[(RANDOM >> 23) % 256 % 255 != 0]  # neither NaN nor subnormal
    words = np.concatenate([WORDS[:1], FLOATS.view(np.uint32), some])
    if runner.subnormals:
        words = np.concatenate([words, WORDS[WORDS < 0x7F800000], SUBNORMALS.view(np.uint32)])
    for source in {"uint32", "int32", "float32"} - {dtype}:
        got = runner(cast, words.view(source), dtype=dtype)
        assert got.dtype == dtype
        same(got.view(np.uint32), words)
    for shape in ((), (0,), (2, 3)):
        few = np.resize(FLOATS, shape)
        same(runner(cast, few, dtype=dtype), few.view(dtype))


def test_bitcast_keeps_nan_a_nan(runner: Any) -> None:
    nan = np.array([np.nan, -np.nan], dtype=np.float32)
    bits = runner(cast, nan, dtype="uint32")
    assert np.isnan(bits.view(np.float32)).all()
    assert np.isnan(runner(cast, nan.view(np.int32), dtype="float32")).all()


def test_ordered_sorts_as_unsigned(runner: Any) -> None:
    words = np.concatenate([WORDS, RANDOM])
    key = runner(ops.ordered, words)
    same(key, (words.astype(np.int64) - 2**31).astype(np.int32))
    same(runner(ops.unordered, key), words)


def test_float_key_sorts_as_floats(runner: Any) -> None:
    x = np.concatenate([FLOATS, np.random.default_rng(2).normal(size=200).astype(np.float32)])
    if runner.subnormals:
        x = np.concatenate([x, SUBNORMALS])
    key = runner(ops.float_key, x)
    assert key.dtype == np.int32
    np.testing.assert_array_equal(key[:, None] < key, x[:, None] < x)
    np.testing.assert_array_equal(key[:, None] == key, x[:, None] == x)


@pytest.mark.parametrize("shift", [0, 1, 5, 16, 30, 31])
def test_lsr(runner: Any, shift: int) -> None:
    words = np.concatenate([WORDS, RANDOM])
    same(runner(ops.lsr, words.view(np.int32), shift=shift), (words >> np.uint32(shift)).view(np.int32))


def test_lsr_by_arrays(runner: Any) -> None:
    shifts = np.arange(32, dtype=np.int32)
    want = (WORDS[:, None] >> shifts.astype(np.uint32)[None, :]).view(np.int32)
    same(runner(ops.lsr, np.repeat(WORDS.view(np.int32)[:, None], 32, 1), shifts[None, :]), want)


def test_popcount(runner: Any) -> None:
    words = np.concatenate([WORDS, RANDOM])
    want = np.array([int(word).bit_count() for word in words], dtype=np.int32)
    same(runner(ops.popcount, words.view(np.int32)), want)
    same(runner(ops.popcount, np.zeros((0, 3), np.int32)), np.zeros((0, 3), np.int32))


@pytest.mark.parametrize("n", [0, 8, 203])
def test_bitmaps(runner: Any, n: int) -> None:
    mask = np.random.default_rng(n).random(n) < 0.5
    packed = np.packbits(mask, bitorder="little")
    same(runner(ops.pack_bits, mask), packed)
    poisoned = np.concatenate([packed, np.array([0xAB], np.uint8)])
    if n % 8:
        poisoned[n // 8] |= 0xFF << n % 8 & 0xFF
    same(runner(ops.unpack_bits, poisoned, n=n), mask)


@given(hnp.arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32, allow_nan=False)))
def test_fallback_finds_the_bits_of_every_float(x: Host) -> None:
    with ops.standard_only():
        bits = ops.bitcast(np, x, np.int32)
        back = ops.bitcast(np, bits, np.float32)
    same(bits, x.view(np.int32))
    same(back.view(np.int32), x.view(np.int32))


@given(hnp.arrays(np.float32, 2, elements=st.floats(width=32, allow_nan=False)))
def test_keys_compare_as_floats_do(pair: Host) -> None:
    first, second = ops.float_key(np, pair)
    assert (first < second) == (pair[0] < pair[1])
    assert (first == second) == (pair[0] == pair[1])


@given(hnp.arrays(np.bool_, st.integers(0, 100)))
def test_packing_is_undone_by_unpacking(mask: Host) -> None:
    for way in (ops.standard_only, np.errstate):
        with way():
            packed = ops.pack_bits(np, mask)
            same(ops.unpack_bits(np, packed, mask.shape[0]), mask)
        assert packed.shape == ((mask.shape[0] + 7) // 8,)
