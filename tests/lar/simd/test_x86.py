"""Operations that need AVX-512, and what says whether it is there."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from llvmlite import binding
from numba import njit

from lar import simd
from lar.simd import f32x16, u8x64, u32x16, u64x8

Host = npt.NDArray[Any]


def test_lookup256_is_indexing() -> None:
    if not simd.supports("lookup256"):
        pytest.skip(f"this processor lacks one of {simd.FEATURES['lookup256']}")

    @njit
    def run(table: Host, at: int, codes: Host, out: Host) -> None:
        for i in range(0, codes.size, 64):
            simd.store(out, i, simd.lookup256(table, at, simd.load(u8x64, codes, i)))

    table = np.random.default_rng(1).permutation(np.tile(np.arange(256, dtype=np.uint8), 3))
    codes = np.concatenate([np.arange(256), np.random.default_rng(2).integers(0, 256, 256)]).astype(np.uint8)
    out = np.empty_like(codes)
    for at in (0, 1, 256, 511):
        run(table, at, codes, out)
        np.testing.assert_array_equal(out, table[at : at + 256][codes])


@pytest.mark.parametrize(("vector", "dtype"), [(u32x16, np.uint32), (f32x16, np.float32), (u64x8, np.uint64)])
def test_compress_moves_what_is_kept_to_the_front(vector: Any, dtype: Any) -> None:
    if not simd.supports("compress"):
        pytest.skip(f"this processor lacks one of {simd.FEATURES['compress']}")

    @njit
    def run(values: Host, least: Any, out: Host) -> None:
        loaded = simd.load(vector, values, 0)
        simd.store(out, 0, simd.compress(loaded >= simd.splat(vector, least), loaded))

    values = np.random.default_rng(3).permutation(vector.lanes).astype(dtype)
    for least in (0, 1, vector.lanes // 2, vector.lanes):
        out = np.full(vector.lanes, 99, dtype)
        run(values, dtype(least), out)
        kept = values[values >= least]
        np.testing.assert_array_equal(out, np.concatenate([kept, np.zeros(vector.lanes - len(kept), dtype)]))


def test_supports_knows_every_feature_and_no_other_name() -> None:
    assert simd.supports() is True
    present = {name for name, there in binding.get_host_cpu_features().items() if there}
    masked = {"NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"} & set(os.environ)
    for name, choices in simd.FEATURES.items():
        possible = any(set(needed) <= present for needed in choices)
        assert simd.supports(name) == possible or masked
    with pytest.raises(KeyError):
        simd.supports("teleport")


@pytest.mark.parametrize(
    "masked",
    [
        {"NUMBA_CPU_NAME": "generic"},
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "+sse2"},
        {"NUMBA_CPU_FEATURES": "-avx512vbmi,-avx512f,-avx2"},
    ],
)
def test_numba_variables_hide_features(masked: dict[str, str]) -> None:
    code = "from lar import simd; assert not any(simd.supports(name) for name in simd.FEATURES)"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    environment = {**plain, "PYTHONPATH": os.pathsep.join(sys.path), **masked}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
