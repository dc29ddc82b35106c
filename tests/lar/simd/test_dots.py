"""Sums of products of bytes, and of lanes, against NumPy; by whichever instructions this processor has."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import f32x16, i32x16, load, splat, store, u8x64
from lar.simd.dots import add_products, total

Host = npt.NDArray[Any]
needs_products = pytest.mark.skipif(not simd.supports("add_products"), reason="this processor lacks the instruction")


def test_total_adds_halves() -> None:
    @njit
    def run(values: Host) -> Any:
        return total(load(f32x16, values, 0))

    values = (10.0 ** np.random.default_rng(1).integers(-6, 6, 16)).astype(np.float32)
    tree = values
    while tree.size > 1:
        tree = tree[: tree.size // 2] + tree[tree.size // 2 :]
    assert run(values) == tree[0]


def test_total_of_integers_wraps() -> None:
    @njit
    def run(value: int) -> Any:
        return total(splat(i32x16, value))

    assert run(-3) == -48
    assert run(2**28) == 0


@needs_products
@pytest.mark.parametrize("kind", ["random", "most", "least"])
def test_products_of_four_bytes_are_added_to_each_lane(kind: str) -> None:
    @njit
    def run(sums: Host, unsigned: Host, signed: Host, out: Host) -> None:
        store(out, 0, add_products(load(i32x16, sums, 0), load(u8x64, unsigned, 0), load(u8x64, signed, 0)))

    rng = np.random.default_rng(2)
    sums = rng.integers(-(2**30), 2**30, 16, np.int32)
    unsigned, signed = rng.integers(0, 256, 64, np.uint8), rng.integers(-128, 128, 64).astype(np.int8)
    if kind != "random":
        unsigned[:], signed[:] = 255, 127 if kind == "most" else -128
    out = np.zeros(16, np.int32)
    run(sums, unsigned, signed.view(np.uint8), out)
    products = unsigned.astype(np.int64) * signed
    np.testing.assert_array_equal(out, sums + products.reshape(16, 4).sum(axis=1))


def test_without_the_widest_instruction_by_pairs(tmp_path: Any) -> None:
    if simd.supports("add_products") and not simd.supports("add_products_at_once"):
        pytest.skip("is what the tests above have run")
    if not simd.supports("add_products"):
        pytest.skip("this processor lacks AVX2")
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+bmi,+bmi2,+fma,+popcnt,+sse4.2,+ssse3",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "products_of_four", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
