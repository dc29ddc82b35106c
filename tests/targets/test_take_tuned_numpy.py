"""The numba kernel of `take`: right for every width, size and pattern of ids, refuses ids that are no row's, is tidy.

Every path is generic code; that it is, a process shows whose processor has no features.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import catalog
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("take", catalog.kernel_path("take", "tuned", "numpy"))
WIDTHS = (1, 2, 3, 15, 16, 17, 31, 32, 33, 128, 130)
SIZES = (0, 1, 15, 16, 17, 31, 33, 1_023, 1_024, 1_025, 1_041, 2_500)


def table(N: int, width: int) -> Host:
    words = np.random.default_rng([N, width]).integers(-(2**31), 2**31, (N, width))
    return words.astype(np.int32)


def ids_of(kind: str, N: int, n: int) -> Host:
    rng = np.random.default_rng([N, n])
    drawn, along = rng.integers(0, N, n), np.arange(n)
    if kind == "runs":
        begins = rng.random(n) < 1 / 24
        first = np.maximum.accumulate(np.where(begins, along, 0))
        drawn = (drawn[first] + along - first) % N if n else drawn
    elif kind == "half of them runs":  # a branch on whether sixteen ids are a run cannot be foreseen
        block = along // 16
        run = rng.random(n // 16 + 1) < 0.5
        drawn = np.where(run[block], (rng.integers(0, N, n // 16 + 1)[block] + along % 16) % N, drawn)
    elif kind == "broken runs":  # one id of sixteen is out of step, each in turn
        drawn = (along + (along % 16 == along // 16 % 16)) % N
    elif kind == "backwards":
        drawn = N - 1 - along % N
    elif kind == "the last rows":
        drawn = N - 1 - rng.integers(0, min(N, 3), n)
    elif kind == "hot":
        drawn = rng.integers(0, N, 50)[rng.integers(0, 50, n)]
    elif kind == "close":
        drawn = (along // 3) % N
    elif kind == "identical":
        drawn = np.full(n, N - 1)
    return drawn.astype(np.uint32)


def take(values: Host, ids: Host) -> Host:
    (rows,) = KERNEL.run(np, KERNEL.prepare(np, {"values": values}), ids)
    assert rows.dtype == np.int32
    assert rows.shape == (len(ids), values.shape[1])
    out: Host = rows
    return out


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["random", "runs", "half of them runs", "broken runs", "backwards", "the last rows", "identical"]
)
@pytest.mark.parametrize("width", WIDTHS)
def test_right_for_every_pattern(kind: str, width: int) -> None:
    values, ids = table(5_000, width), ids_of(kind, 5_000, 3_001)
    np.testing.assert_array_equal(take(values, ids), values[ids])


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("width", WIDTHS)
def test_right_at_every_size(n: int, width: int) -> None:
    for N in (1, 16, 17, 999):
        values = table(N, width)
        for kind in ("random", "runs"):
            ids = ids_of(kind, N, n)
            np.testing.assert_array_equal(take(values, ids), values[ids])


@pytest.mark.parametrize("width", [16, 32, 128])
@pytest.mark.parametrize("n", [1, 7, 1_030])
def test_right_where_the_result_is_written_past_the_caches(n: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KERNEL, "STREAMED", 0)
    values, ids = table(700, width), ids_of("random", 700, n)
    np.testing.assert_array_equal(take(values, ids), values[ids])


def test_a_large_result_is_written_past_the_caches_and_right() -> None:
    n = KERNEL.STREAMED // 512
    values, ids = table(3_000, 128), ids_of("random", 3_000, n)
    for some in (ids, ids[:-1]):
        np.testing.assert_array_equal(take(values, some), values[some])


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("n", [0, 1, 5, 16, 255, 256, 257, 511, 512, 513, 528, 529, 2_500, 4_096, 5_003])
def test_right_where_rows_are_fetched_ahead_of_time(n: int, width: int) -> None:
    values = table(KERNEL.CACHED // 4 + 1, width)
    for kind in ("random", "runs", "broken runs", "half of them runs", "hot", "close", "the last rows"):
        ids = ids_of(kind, len(values), n)
        np.testing.assert_array_equal(take(values, ids), values[ids])


def test_a_sample_tells_few_lines_from_many() -> None:
    @njit
    def few(ids: Host, width: int) -> bool:
        return bool(KERNEL._few_lines(ids, width))

    many = 10**7
    assert few(ids_of("hot", many, 10_000), 1)
    assert few(ids_of("identical", many, 4_096), 2)
    assert few(np.random.default_rng(0).integers(0, 16 * 10_000, 100_000).astype(np.uint32), 1)  # 10,000 lines
    assert not few(ids_of("random", many, 100_000), 1)
    assert not few(np.arange(100_000, dtype=np.uint32), 1)
    assert not few(ids_of("identical", many, 4_095), 1), "a short list is not worth a sample"


GUARDED = """
import ctypes, mmap, sys
import numpy as np
from lar import catalog
kernel = catalog.load_kernel("take", catalog.kernel_path("take", "tuned", "numpy"))
protect = ctypes.CDLL(None, use_errno=True).mprotect

def guarded(array):
    # A copy whose last byte is the last one before memory that nobody may read.
    page = mmap.PAGESIZE
    pages = -(-array.nbytes // page)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 1) * page), np.uint8)
    assert protect(ctypes.c_void_p(memory.ctypes.data + pages * page), page, 0) == 0
    copy = memory[pages * page - array.nbytes : pages * page].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy

for width in (1, 2, 3, 17, 128):
    for N in (40, kernel.CACHED // 4 // width + 7):
        values = guarded(np.arange(N * width, dtype=np.int32).reshape(N, width))
        state = {"values": values}
        kernel.prepare(np, {"values": values[:1]})
        for n in (1, 15, 16, 17, 255, 256, 257, 271, 272, 511, 530):
            for ids in (np.full(n, N - 1), N - 1 - np.arange(n) % N, (N - 16 + np.arange(n) % 16)):
                asked = guarded(ids.astype(np.uint32))
                (rows,) = kernel.run(np, state, asked)
                assert np.array_equal(rows, values[asked])
print("all read")
if sys.argv[1:] == ["over"]:
    ctypes.string_at(asked.ctypes.data + asked.nbytes, 1)
"""


def guarded(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", GUARDED, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_reads_nothing_behind_the_ids_nor_behind_the_table() -> None:
    done = guarded()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all read\n"
    assert guarded("over").returncode == -signal.SIGSEGV, "what lies there can be read: the test would find nothing"


# ---- ids that are no row's -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [50, 51, 2**31 - 1, 2**31, 2**32 - 16, 2**32 - 1])
@pytest.mark.parametrize("width", [1, 2, 5, 128])
def test_an_id_that_is_no_rows_is_an_error_that_names_it(width: int, bad: int) -> None:
    values = table(50, width)
    for n in (1, 20, 1_500):
        for place in {0, n // 2, n - 1}:
            ids = ids_of("random", 50, n)
            ids[place] = bad
            with pytest.raises(IndexError, match=rf"ids\[{place}\] is {bad}, expected a row below N = 50"):
                take(values, ids)


def test_a_run_that_leaves_the_table_is_an_error() -> None:
    values = table(50, 1)
    ids = np.arange(40, 56, dtype=np.uint32)
    with pytest.raises(IndexError, match=r"ids\[10\] is 50,"):
        take(values, ids)


@pytest.mark.parametrize("width", [1, 2, 128])
def test_ids_that_wrap_round_are_no_run(width: int) -> None:
    """The sixteen ids 2**32 - 8 .. 7 follow one another in the arithmetic of uint32."""
    ids = (np.arange(16, dtype=np.uint64) + 2**32 - 8).astype(np.uint32)
    with pytest.raises(IndexError, match=rf"ids\[0\] is {2**32 - 8},"):
        take(table(50, width), ids)


# ---- a good citizen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 3, 128])
def test_citizen_reads_read_only_arrays_changes_none_and_returns_new_ones(width: int) -> None:
    values, ids = table(300, width), ids_of("random", 300, 200)
    values.setflags(write=False)
    ids.setflags(write=False)
    state = KERNEL.prepare(np, {"values": values})
    for array in leaves(state):
        assert type(array) is np.ndarray
        array.setflags(write=False)
    before = [array.copy() for array in (*leaves(state), ids)]
    (first,) = KERNEL.run(np, state, ids)
    kept = first.copy()
    (second,) = KERNEL.run(np, state, ids[::-1])
    for array, copy in zip((*leaves(state), ids), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, second[::-1])
    assert not any(np.shares_memory(first, other) for other in (second, ids, *leaves(state)))
    assert first.flags.c_contiguous
    assert first.flags.writeable


def test_citizen_takes_tables_and_ids_with_strides() -> None:
    wide, many = table(600, 6), ids_of("random", 300, 400)
    for values in (wide[::2, :1], wide[::2, ::3], wide[::2], np.asfortranarray(wide[::2])):
        np.testing.assert_array_equal(take(values, many[::2]), values[many[::2]])


def test_rows_begin_at_cache_lines() -> None:
    state = KERNEL.prepare(np, {"values": table(9, 32)})
    assert state["values"].ctypes.data % 64 == 0


def test_compiles_for_a_processor_without_features_and_is_cached(tmp_path: Path) -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog, simd\n"
        "kernel = catalog.load_kernel('take', catalog.kernel_path('take', 'tuned', 'numpy'))\n"
        "assert not simd.supports('compress')\n"
        "for width in (1, 2, 5):\n"
        "    kernel.run(np, kernel.prepare(np, {'values': np.ones((7, width), np.int32)}), np.arange(5, dtype='u4'))\n"
        "    used = kernel._kernel_of(width, streamed=False)\n"
        "    assert sum(used.stats.cache_hits.values()) == 1, used.stats\n"
    )
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
