"""Lanes within intervals and among keys against NumPy, and keys of floats at every kind of float."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import ranges

Host = npt.NDArray[Any]
ENDS = {
    32: (np.uint32, ranges.u32x64, ranges.within32, ranges.among32),
    64: (np.uint64, ranges.u64x64, ranges.within64, ranges.among64),
}


def bits_of(word: int) -> Host:
    return np.array([word >> i & 1 for i in range(64)], bool)


def values_of(width: int) -> Host:
    dtype = ENDS[width][0]
    most = 2**width - 1
    few = np.array([0, 1, 2, most, most - 1, most >> 1, (most >> 1) + 1, 1 << (width // 2)], dtype)
    return np.concatenate([few, np.random.default_rng(width).integers(0, most, 56, dtype, endpoint=True)])


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("outside", [0, 1])
def test_lanes_within_an_interval_with_a_sign(width: int, outside: int) -> None:
    dtype, kind, within, _ = ENDS[width]

    @njit
    def run(values: Host, bounds: Host) -> Any:
        return within(simd.load(kind, values, 0), bounds)

    values = values_of(width)
    signed = [int(value) for value in values.view(f"i{width // 8}")]
    least, most = -(2 ** (width - 1)), 2 ** (width - 1) - 1
    for first, last in ((least, most), (least, -1), (0, 0), (-1, 1), (most, most), (least, least), (5, most - 1)):
        bounds = np.array([first % 2**width, last - first, outside], dtype)
        expected = np.array([first <= value <= last for value in signed]) ^ bool(outside)
        np.testing.assert_array_equal(bits_of(int(run(values, bounds))), expected)


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_lanes_among_keys(width: int, count: int) -> None:
    _, kind, _, among = ENDS[width]

    @njit
    def run(values: Host, keys: Host) -> Any:
        return among(simd.load(kind, values, 0), keys)

    values = values_of(width)
    for keys in (values[:count], values[-count:], values[[3] * count]):
        np.testing.assert_array_equal(bits_of(int(run(values, keys))), np.isin(values, keys))


def test_keys_sort_as_floats_do_and_nan_lies_outside() -> None:
    @njit
    def run(values: Host, out: Host) -> None:
        simd.store(out, 0, ranges.key32(simd.load(ranges.u32x64, values, 0)))

    tiny, least = np.float32(1e-45), np.float32(1.1754944e-38)
    finite = np.array([-np.inf, -3e38, -1, -least, -tiny, -0.0, 0.0, tiny, least, 1, 3e38, np.inf], np.float32)
    values, out = np.full(64, 0x7FC00000, np.uint32), np.empty(64, np.uint32)
    values[:12], values[12:16] = finite.view(np.uint32), (0xFFC00000, 0x7F800001, 0xFF800001, 0xFFFFFFFF)
    run(values, out)
    keys = out.view(np.int32)
    assert (np.diff(keys[:12]) >= 0).all()
    assert np.flatnonzero(np.diff(keys[:12]) == 0).tolist() == [5]
    assert keys[5] == 0
    assert ((keys[12:] < keys[0]) | (keys[12:] > keys[11])).all()


def test_it_compiles_for_a_generic_processor() -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
