"""Look-ups by codes against NumPy's indexing; what needs features is not compiled where the processor lacks them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from numba.core.errors import TypingError

from lar import simd
from lar.simd import lookups, u8x64, u32x16
from lar.simd.permute import u32x8

Host = npt.NDArray[Any]


def needs(operation: str) -> None:
    if not simd.supports(operation):
        pytest.skip(f"this processor lacks {simd.FEATURES[operation]}, or numba is told not to use it")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_codes_of_every_width_from_any_place(dtype: Any) -> None:
    @njit
    def run(codes: Host, at: int, out: Host) -> None:
        simd.store(out, 0, lookups.load_codes(codes, at))

    codes = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, 40, dtype, endpoint=True)
    codes[3] = np.iinfo(dtype).max
    for at in (0, 1, 3, 24):
        out = np.empty(16, np.uint32)
        run(codes, at, out)
        np.testing.assert_array_equal(out, codes[at : at + 16])


def test_codes_are_unsigned() -> None:
    @njit
    def run(codes: Host, out: Host) -> None:
        simd.store(out, 0, lookups.load_codes(codes, 0))

    with pytest.raises(TypingError):
        run(np.zeros(16, np.int8), np.zeros(16, np.uint32))


@pytest.mark.parametrize("vector", [u8x64, u32x16, u32x8])
def test_a_mask_is_the_lowest_bits_of_a_word_at_any_byte(vector: Any) -> None:
    @njit
    def run(octets: Host, at: int) -> Any:
        return simd.bits(lookups.mask_of(vector, lookups.word64(octets, at)))

    octets = np.random.default_rng(2).integers(0, 256, 20).astype(np.uint8)
    for at in (0, 1, 7, 12):
        word = int.from_bytes(octets[at : at + 8].tobytes(), "little")
        assert run(octets, at) == word & ((1 << vector.lanes) - 1)


def test_words_of_two_vectors() -> None:
    needs("lookup32")

    @njit
    def run(table: Host, codes: Host, out: Host) -> None:
        low, high = simd.load(u32x16, table, 0), simd.load(u32x16, table, 16)
        simd.store(out, 0, lookups.lookup32(low, high, simd.load(u32x16, codes, 0)))

    rng = np.random.default_rng(3)
    table, codes = rng.integers(0, 2**32, 32, np.uint32), rng.integers(0, 2**32, 16, np.uint32)
    codes[:3] = 0, 31, 2**32 - 1
    out = np.empty(16, np.uint32)
    run(table, codes, out)
    np.testing.assert_array_equal(out, table[codes % 32])


@pytest.mark.parametrize("vector", [u8x64, u32x16])
def test_lanes_in_turn(vector: Any) -> None:
    lanes = vector.lanes

    @njit
    def run(a: Host, b: Host, out: Host) -> None:
        one, other = simd.load(vector, a, 0), simd.load(vector, b, 0)
        simd.store(out, 0, lookups.zip_low(one, other))
        simd.store(out, lanes, lookups.zip_high(one, other))

    dtype = np.uint8 if vector == u8x64 else np.uint32
    a, b = np.arange(vector.lanes, dtype=dtype), np.arange(100, 100 + vector.lanes, dtype=dtype)
    out = np.empty(2 * vector.lanes, dtype)
    run(a, b, out)
    np.testing.assert_array_equal(out, np.stack([a, b], axis=1).reshape(-1))


def test_words_from_tables_of_their_bytes() -> None:
    needs("permute_bytes")

    @njit
    def run(planes: Host, first: int, codes: Host, kept: int, out: Host) -> None:
        mask = lookups.mask_of(u8x64, np.uint64(kept))
        at = 0
        for word in lookups.words_of(planes, first, simd.load(u8x64, codes, 0), mask):
            simd.store(out, at, word)
            at += 16

    rng = np.random.default_rng(4)
    words = rng.integers(0, 2**32, (2, 256), np.uint32)
    planes = np.ascontiguousarray(words.astype("<u4").view(np.uint8).reshape(2, 256, 4).transpose(0, 2, 1)).reshape(-1)
    codes, kept = rng.integers(0, 256, 64).astype(np.uint8), 0xF0F0_0000_FFFF_0001
    expected = np.array([kept >> i & 1 for i in range(64)], np.uint32)
    for number in range(2):
        out = np.empty(64, np.uint32)
        run(planes, number * 1_024, codes, kept, out)
        np.testing.assert_array_equal(out, words[number][codes] * expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("bounds", [(0, 0), (0, 1), (0, 64), (0, 200), (64, 200), (8, 137), (192, 200)])
def test_entries_of_a_block(dtype: Any, bounds: tuple[int, int]) -> None:
    @njit
    def run(codes: Host, validity: Host, start: int, stop: int, K: int, entries: Host) -> bool:
        return bool(lookups.entries_of(codes, validity, start, stop, K, entries))

    rng, (start, stop) = np.random.default_rng([5, *bounds]), bounds
    codes = rng.integers(0, 200, 200).astype(dtype)
    valid = (rng.random(200) < 0.5) & (codes < 100)
    validity = np.packbits(valid, bitorder="little")
    entries = np.full(stop - start + 1, 7, np.uint32)
    assert run(codes, validity, start, stop, 100, entries)
    np.testing.assert_array_equal(entries[:-1], np.where(valid, codes, 100)[start:stop])
    assert entries[-1] == 7
    for place in (start, stop - 1, (start + stop) // 2) if stop > start else ():
        bad = codes.copy()
        bad[place] = 100
        one = valid.copy()
        one[place] = True
        assert not run(bad, np.packbits(one, bitorder="little"), start, stop, 100, entries)
        assert entries[place - start] == 100
