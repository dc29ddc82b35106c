"""Set bits of every lane against NumPy, compiled for this machine and for a generic one."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from numba.core.errors import TypingError

from lar import simd
from lar.simd import f32x16, i32x16, u8x64, u16x32, u64x8
from lar.simd.population import population

Host = npt.NDArray[Any]
VECTORS = {"uint8": u8x64, "uint16": u16x32, "int32": i32x16, "uint64": u64x8}


def counted(vector: Any, values: Host) -> Host:
    @njit
    def run(values: Host, out: Host) -> None:
        simd.store(out, 0, population(simd.load(vector, values, 0)))

    out = np.zeros_like(values)
    run(values, out)
    return out


@pytest.mark.parametrize("name", VECTORS)
def test_counts_the_set_bits_of_each_lane(name: str) -> None:
    vector, ends = VECTORS[name], np.iinfo(name)
    values = np.random.default_rng(3).integers(ends.min, ends.max, vector.lanes, dtype=name, endpoint=True)
    values[:4] = ends.min, ends.max, 0, 1
    unsigned = values.view(f"u{values.itemsize}")
    np.testing.assert_array_equal(counted(vector, values), np.bitwise_count(unsigned))


def test_every_byte_there_is() -> None:
    for first in range(0, 256, 64):
        values = np.arange(first, first + 64).astype(np.uint8)
        assert [int(n) for n in counted(u8x64, values)] == [bin(value).count("1") for value in values]


def test_floats_and_masks_have_no_bits() -> None:
    with pytest.raises(TypingError):
        counted(f32x16, np.zeros(16, np.float32))

    @njit
    def of_a_mask(values: Host) -> Any:
        lanes = simd.load(u8x64, values, 0)
        return simd.bits(population(lanes == simd.splat(u8x64, 1)))

    with pytest.raises(TypingError):
        of_a_mask(np.zeros(64, np.uint8))


@pytest.mark.skipif(os.environ.get("NUMBA_CPU_NAME") == "generic", reason="is the process that this test starts")
def test_is_generic_code() -> None:
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "counts or every", __file__]
    done = subprocess.run(tests, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
