"""Masks from words, bytes packed and spread, and lanes that occur elsewhere, against NumPy."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit, types
from numba.core.errors import TypingError

from lar import simd
from lar.simd import masks, u8x64, u16x32, u32x16, u64x8
from lar.simd.vector import Vector

Host = npt.NDArray[Any]
WORDS = (0, 1, 2**63, 2**64 - 1, 0x8000_0001_0000_0001, 0x0123_4567_89AB_CDEF)
NEEDS_BYTES = pytest.mark.skipif(not simd.supports("expand8"), reason="this processor packs and spreads no bytes")


@pytest.mark.parametrize("word", WORDS)
def test_a_mask_of_a_word_is_its_bits(word: int) -> None:
    @njit
    def run(word: Any, out: Host) -> Any:
        mask = masks.mask64(word)
        simd.store(out, 0, simd.select(mask, simd.splat(u8x64, 1), simd.splat(u8x64, 0)))
        return simd.bits(mask)

    out = np.empty(64, np.uint8)
    assert run(np.uint64(word), out) == word
    assert sum(int(bit) << i for i, bit in enumerate(out)) == word


def test_a_mask_is_of_an_unsigned_word() -> None:
    with pytest.raises(TypingError):
        njit(lambda: simd.bits(masks.mask64(1)))()


@NEEDS_BYTES
@pytest.mark.parametrize("word", WORDS)
def test_bytes_are_packed_and_spread_by_a_mask(word: int) -> None:
    @njit
    def run(word: Any, values: Host, packed: Host, spread: Host) -> None:
        mask = masks.mask64(word)
        simd.store(packed, 0, masks.compress8(mask, simd.load(u8x64, values, 0)))
        simd.store(spread, 0, masks.expand8(mask, simd.load(u8x64, values, 0)))

    values = np.random.default_rng(5).integers(1, 256, 64).astype(np.uint8)
    kept = np.array([word >> i & 1 for i in range(64)], bool)
    packed, spread = np.full(64, 99, np.uint8), np.full(64, 99, np.uint8)
    run(np.uint64(word), values, packed, spread)
    np.testing.assert_array_equal(packed, np.append(values[kept], np.zeros(64 - kept.sum(), np.uint8)))
    expected = np.zeros(64, np.uint8)
    expected[kept] = values[: kept.sum()]
    np.testing.assert_array_equal(spread, expected)


@pytest.mark.parametrize(
    ("vector", "dtype"),
    [
        (u32x16, np.uint32),
        (Vector(types.uint32, 8), np.uint32),
        (Vector(types.int32, 4), np.int32),
        (u16x32, np.uint16),
        (u64x8, np.uint64),
    ],
)
def test_lanes_that_occur_in_another_vector(vector: Any, dtype: Any) -> None:
    @njit
    def run(a: Host, b: Host) -> Any:
        return simd.bits(masks.occurs(simd.load(vector, a, 0), simd.load(vector, b, 0)))

    rng = np.random.default_rng(6)
    ends = np.iinfo(dtype)
    for most in (2, 10, 60, 20_000):
        a, b = (rng.integers(0, most, vector.lanes).astype(dtype) for _ in range(2))
        a[0], b[-1] = ends.max, ends.max if most > 10 else ends.min
        a[-1], b[0] = ends.min, ends.max
        assert run(a, b) == sum(1 << i for i, there in enumerate(np.isin(a, b)) if there)
        assert run(a, a[::-1].copy()) == 2**vector.lanes - 1


def test_unequal_vectors_and_floats_do_not_occur_in_each_other() -> None:
    @njit
    def unequal() -> Any:
        return simd.bits(masks.occurs(simd.splat(u32x16, 1), simd.splat(u64x8, 1)))

    @njit
    def floats() -> Any:
        return simd.bits(masks.occurs(simd.splat(simd.f32x16, 1), simd.splat(simd.f32x16, 1)))

    for wrong in (unequal, floats):
        with pytest.raises(TypingError):
            wrong()


def test_generic_operations_compile_for_a_generic_processor() -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "mask_of or lanes", __file__]
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(WORDS) + 5} passed" in done.stdout
