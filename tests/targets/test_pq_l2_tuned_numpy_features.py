"""The numba kernel of `pq-l2` where the processor has less: its own tests, in processes that hide features."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

TESTS = Path(__file__).with_name("test_pq_l2_tuned_numpy.py")
PROGRAM = """
import numpy as np
from lar import catalog, simd
kernel = catalog.load_kernel("pq-l2", catalog.kernel_path("pq-l2", "tuned", "numpy"))
filters = simd.supports("lookup256")
assert kernel._FILTERS == filters == {filters}
data = dict(codebook=np.zeros((2, 256, 1), np.float32), codes=np.zeros((5, 2), np.uint8))
kernel.run(np, kernel.prepare(np, data, k=3), np.zeros((1, 2), np.float32), k=3)
search = kernel._search if filters else kernel._search_plainly
assert sum(search.stats.cache_hits.values()) == 1, search.stats
"""
GENERIC = {"NUMBA_CPU_NAME": "generic"}
AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+popcnt,+sse4.2"}


@pytest.mark.parametrize(("features", "filters"), [(GENERIC, False), (AVX2, True)], ids=["generic", "avx2"])
def test_passes_its_tests_and_is_cached(features: dict[str, str], filters: bool, tmp_path: Path) -> None:
    if filters and not binding.get_host_cpu_features().get("avx2"):
        pytest.skip("this processor lacks AVX2")
    environment = {**os.environ, **features, "NUMBA_CACHE_DIR": str(tmp_path)}
    path = "filter and not scan" if filters else "plain and not scan"  # one path, and not both held together
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", path, str(TESTS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", PROGRAM.format(filters=filters)], env=environment, check=True)
