"""Lanes moved by places in a register, against NumPy's indexing; neither is compiled where the processor lacks it."""

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
from lar.simd import u8x64, u32x16
from lar.simd.permute import permute_bytes, permute_words, u8x32, u32x8

Host = npt.NDArray[Any]


@pytest.mark.parametrize(
    ("name", "operation", "vector", "dtype"),
    [("permute_bytes", permute_bytes, u8x64, np.uint8), ("permute_words", permute_words, u32x8, np.uint32)],
)
def test_a_lane_is_the_one_at_its_place(name: str, operation: Any, vector: Any, dtype: Any) -> None:
    if not simd.supports(name):
        pytest.skip(f"this processor lacks {simd.FEATURES[name]}")

    @njit
    def run(lanes: Host, places: Host, out: Host) -> None:
        simd.store(out, 0, operation(simd.load(vector, lanes, 0), simd.load(vector, places, 0)))

    rng = np.random.default_rng(1)
    lanes = rng.integers(0, np.iinfo(dtype).max, vector.lanes, dtype)
    for places in (np.arange(vector.lanes), rng.permutation(vector.lanes), rng.integers(0, 256, vector.lanes)):
        out = np.empty_like(lanes)
        run(lanes, places.astype(dtype), out)
        np.testing.assert_array_equal(out, lanes[places % vector.lanes])


def test_other_vectors_are_refused() -> None:
    @njit
    def run(lanes: Host, out: Host) -> None:
        simd.store(out, 0, permute_bytes(simd.load(u32x16, lanes, 0), simd.load(u32x16, lanes, 0)))

    with pytest.raises(TypingError):
        run(np.zeros(16, np.uint32), np.zeros(16, np.uint32))


def test_the_words_of_some_bytes() -> None:
    @njit
    def run(octets: Host, at: int, out: Host) -> None:
        simd.store(out, 0, simd.reinterpret(u32x8, simd.load(u8x32, octets, at)))

    octets = np.arange(40, dtype=np.uint8)
    for at in (0, 3, 8):
        out = np.empty(8, np.uint32)
        run(octets, at, out)
        np.testing.assert_array_equal(out, octets[at : at + 32].view("<u4"))


def test_numba_variables_hide_what_they_need() -> None:
    program = "import lar.simd.permute; from lar import simd; print([simd.supports(n) for n in NAMES])"
    program = program.replace("NAMES", "('permute_bytes', 'permute_words')")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    environment = {**plain, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_CPU_FEATURES": "-avx512vbmi"}
    for masked, expected in ((environment, "False"), ({**environment, "NUMBA_CPU_NAME": "generic"}, "[False, False]")):
        done = subprocess.run([sys.executable, "-c", program], env=masked, check=True, capture_output=True, text=True)
        assert expected in done.stdout
