"""The numba kernel of `dictionary`: every way of looking up is right at every size, and touches nothing outside."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, simd
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("dictionary", catalog.kernel_path("dictionary", "tuned", "numpy"))
FIXED: dict[str, Any] = {"kind": "fixed", "capacity": 0}
FORMS = {"everything": (), "no tables of bytes": ("_IN_BYTES",), "nothing": ("_IN_BYTES", "_IN_VECTORS")}
DTYPES = (np.uint8, np.uint16, np.uint32)
SIZES = (0, 1, 7, 8, 15, 63, 64, 65, 127, 200, 1_023, 1_024, 1_025, 1_100, 2_100)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take features away; what the processor lacks is not there in any form."""
    for name in FORMS[request.param]:
        monkeypatch.setattr(KERNEL, name, False)
    return str(request.param)


def page(n: int, K: int, dtype: Any, nulls: float = 0.3) -> tuple[dict[str, Host], Host]:
    """Return a query with garbage at nulls, and the entries: K for nulls."""
    rng = np.random.default_rng([n, K, round(100 * nulls)])
    valid = rng.random(n) >= nulls if K else np.zeros(n, np.bool_)
    garbage = rng.integers(0, np.iinfo(dtype).max, n, dtype, endpoint=True)
    codes = np.where(valid, rng.integers(0, max(K, 1), n), garbage).astype(dtype)
    validity = np.packbits(valid, bitorder="little")
    if n % 8:
        validity[-1] |= np.uint8(0xFF << n % 8 & 0xFF)
    return {"codes": codes, "validity": validity}, np.where(valid, codes.astype(np.int64), K)


def words(K: int, width: int) -> Host:
    found: Host = np.random.default_rng([K, width]).integers(-(2**31), 2**31, (K, width)).astype(np.int32)
    return found


def decode(values: Host, query: dict[str, Host]) -> Host:
    (out,) = KERNEL.run(np, KERNEL.prepare(np, {"values": values}, **FIXED), query, **FIXED)
    assert out.dtype == np.int32
    found: Host = out
    return found


def expected_values(values: Host, entries: Host) -> Host:
    return np.concatenate([values, np.zeros_like(values[:1]) if len(values) else np.zeros((1, values.shape[1]))])[
        entries
    ]


# ---- values of fixed width -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [1, 2, 15, 16, 31, 32, 33, 64, 128, 255, 256])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_right_for_every_small_dictionary(form: str, K: int, width: int) -> None:
    values = words(K, width)
    for dtype in DTYPES:
        for nulls in (0.0, 0.02, 0.5, 1.0):
            query, entries = page(1_100, K, dtype, nulls)
            np.testing.assert_array_equal(decode(values, query), expected_values(values, entries))


@pytest.mark.parametrize("n", SIZES)
def test_right_at_every_size(form: str, n: int) -> None:
    for K, dtype in ((2, np.uint8), (200, np.uint8), (300, np.uint16), (70_000, np.uint32)):
        for width in (1, 2, 5):
            values = words(K, width)
            for nulls in (0.0, 0.3):
                query, entries = page(n, K, dtype, nulls)
                np.testing.assert_array_equal(decode(values, query), expected_values(values, entries))


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize(("K", "dtype"), [(2, np.uint8), (40, np.uint8), (40, np.uint16), (70_000, np.uint32)])
def test_a_code_that_is_no_entrys_is_an_error_that_names_its_place(form: str, width: int, K: int, dtype: Any) -> None:
    values = words(K, width)
    for n in (200, 1_100):
        for place in (0, 63, 64, 150, n - 1):
            for bad in (K, min(np.iinfo(dtype).max, 2**31), np.iinfo(dtype).max):
                query, _ = page(n, K, dtype)
                query["codes"][place] = bad
                query["validity"][place // 8] |= np.uint8(1 << place % 8)
                message = rf"codes\[{place}\] is {bad} and not null, expected a code below K = {K}"
                with pytest.raises(IndexError, match=message):
                    decode(values, query)
                query["validity"][place // 8] &= np.uint8(~(1 << place % 8) & 0xFF)
                assert not decode(values, query)[place].any()


def test_into_an_array_at_any_alignment() -> None:
    for width in (1, 2):
        for K, dtype in ((2, np.uint8), (200, np.uint8), (300, np.uint16)):
            values = words(K, width)
            query, entries = page(300, K, dtype)
            state = KERNEL.prepare(np, {"values": values}, **FIXED)
            for first in (0, 1, 3):
                space = np.full(300 * width + 8, 7, np.int32)
                out = space[first : first + 300 * width].reshape(300, width)
                assert KERNEL.decode_into(state, query, out) is out
                np.testing.assert_array_equal(out, expected_values(values, entries))
                assert (space[:first] == 7).all()
                assert (space[first + 300 * width :] == 7).all()


# ---- strings -------------------------------------------------------------------------------------------------------


def dictionary(lengths: Host, front: int = 3) -> dict[str, Host]:
    offsets = front + np.concatenate([[0], np.cumsum(lengths)])
    octets = np.random.default_rng(len(lengths)).integers(1, 128, offsets[-1] + 2).astype(np.uint8)
    return {"offsets": offsets.astype(np.int32), "bytes": octets}


def expected_strings(data: dict[str, Host], entries: Host, capacity: int) -> tuple[bytes, Host]:
    offsets, octets = data["offsets"], data["bytes"]
    found = [octets[offsets[k] : offsets[k + 1]].tobytes() if k < len(offsets) - 1 else b"" for k in entries]
    ends = np.cumsum([0, *map(len, found)])
    return b"".join(found)[:capacity].ljust(capacity, b"\0"), ends


def decode_strings(data: dict[str, Host], query: dict[str, Host], capacity: int) -> Any:
    statics = {"kind": "utf8", "capacity": capacity}
    octets, offsets, total = KERNEL.run(np, KERNEL.prepare(np, data, **statics), query, **statics)
    assert (octets.dtype, offsets.dtype, total.dtype, total.shape) == (np.uint8, np.int32, np.int32, ())
    return octets, offsets, total


@pytest.mark.parametrize("longest", [0, 1, 24, 31, 32, 33, 64, 65, 255, 256, 300, 5_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_strings_of_every_length_fill_their_room_to_the_byte(longest: int, dtype: Any) -> None:
    rng = np.random.default_rng([longest])
    for low in (0, longest):
        data = dictionary(rng.integers(low, longest, 50, endpoint=True))
        for nulls in (0.0, 0.6, 1.0):
            query, entries = page(150, 50, dtype, nulls)
            total = int(expected_strings(data, entries, 0)[1][-1])
            for capacity in {1, max(1, total // 2), max(1, total - 1), max(1, total), total + 1, total + 77}:
                octets, offsets, found = decode_strings(data, query, capacity)
                expected, ends = expected_strings(data, entries, capacity)
                assert octets.tobytes() == expected
                np.testing.assert_array_equal(offsets, ends)
                assert int(found) == total


@pytest.mark.parametrize("n", SIZES)
def test_strings_at_every_size(n: int) -> None:
    data = dictionary(np.random.default_rng(1).integers(0, 40, 300))
    query, entries = page(n, 300, np.uint16)
    octets, offsets, _ = decode_strings(data, query, 20 * n + 5)
    expected, ends = expected_strings(data, entries, 20 * n + 5)
    assert octets.tobytes() == expected
    np.testing.assert_array_equal(offsets, ends)


def test_strings_fetched_ahead_of_time_are_the_same() -> None:
    K = KERNEL.CACHED // KERNEL.RECORD + 100
    data = dictionary(np.random.default_rng(2).integers(0, 36, K))
    for n in (5, 47, 48, 49, 1_024, 1_071, 3_000):
        query, entries = page(n, K, np.uint32)
        octets, _, _ = decode_strings(data, query, 18 * n)
        assert octets.tobytes() == expected_strings(data, entries, 18 * n)[0]


def test_a_code_that_is_no_strings_is_an_error_that_names_its_place() -> None:
    data = dictionary(np.arange(40))
    for place in (0, 64, 1_099):
        query, _ = page(1_100, 40, np.uint16, nulls=0.0)
        query["codes"][place] = 40
        with pytest.raises(IndexError, match=rf"codes\[{place}\] is 40 and not null, expected a code below K = 40"):
            decode_strings(data, query, 40_000)


# ---- tidy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fixed", "utf8"])
def test_reads_read_only_arrays_of_any_strides_changes_none_and_returns_new_ones(form: str, kind: str) -> None:
    data: dict[str, Host] = {"values": words(300, 1)} if kind == "fixed" else dictionary(np.arange(300) % 40)
    statics: dict[str, Any] = FIXED if kind == "fixed" else {"kind": kind, "capacity": 5_000}
    query, _ = page(500, 300, np.uint16)
    twisted = {name: np.repeat(array, 2)[::2] for name, array in query.items()}
    state = KERNEL.prepare(np, data, **statics)
    for array in (*leaves(state), *leaves(data), *leaves(query), *leaves(twisted)):
        assert type(array) is np.ndarray
        array.setflags(write=False)
    before = [array.copy() for array in (*leaves(state), *leaves(query))]
    first, second = KERNEL.run(np, state, query, **statics), KERNEL.run(np, state, twisted, **statics)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, b)
        assert type(a) is np.ndarray
    for array, old in zip((*leaves(state), *leaves(query)), before, strict=True):
        np.testing.assert_array_equal(array, old)
        assert not any(np.shares_memory(array, one) for one in first)


GUARDED = """
import ctypes, mmap, sys
import numpy as np
from lar import catalog
kernel = catalog.load_kernel("dictionary", catalog.kernel_path("dictionary", "tuned", "numpy"))
for name in sys.argv[2:]:
    setattr(kernel, name, False)
protect = ctypes.CDLL(None, use_errno=True).mprotect

def guarded(array):
    # A copy whose last byte is the last one before memory that nobody may touch.
    page = mmap.PAGESIZE
    pages = -(-max(array.nbytes, 1) // page)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 1) * page), np.uint8)
    assert protect(ctypes.c_void_p(memory.ctypes.data + pages * page), page, 0) == 0
    copy = memory[pages * page - array.nbytes : pages * page].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy

rng = np.random.default_rng(0)
for n in (1, 8, 63, 64, 65, 128, 200, 1_024, 1_030):
    for K, dtype in ((1, np.uint8), (20, np.uint8), (200, np.uint8), (700, np.uint16), (700, np.uint32)):
        validity = rng.integers(0, 256, -(-n // 8)).astype(np.uint8)
        valid = np.unpackbits(validity, count=n, bitorder="little") == 1
        codes = np.where(valid, rng.integers(0, K, n), np.iinfo(dtype).max).astype(dtype)
        query = {"codes": guarded(codes), "validity": guarded(validity)}
        for width in (1, 2, 3):
            values = rng.integers(0, 9, (K, width)).astype(np.int32)
            state = kernel.prepare(np, {"values": values}, kind="fixed", capacity=0)
            state = {name: guarded(array) for name, array in state.items()}
            kernel.decode_into(state, query, guarded(np.zeros((n, width), np.int32)))
        for longest in (5, 40):
            offsets = np.concatenate([[0], np.cumsum(rng.integers(0, longest, K))]).astype(np.int32)
            data = {"offsets": guarded(offsets), "bytes": guarded(np.ones(offsets[-1], np.uint8))}
            state = {name: guarded(a) for name, a in kernel.prepare(np, data, kind="utf8", capacity=9).items()}
            total = int(np.diff(offsets)[codes[valid]].sum())
            for capacity in (1, total // 2 + 1, total + 1):
                out, ends = guarded(np.zeros(capacity, np.uint8)), guarded(np.zeros(n + 1, np.int32))
                assert kernel.decode_strings_into(state, query, out, ends) == total
print("nothing else touched")
if sys.argv[1] == "over":
    ctypes.string_at(query["codes"].ctypes.data + codes.nbytes, 1)
"""


def guarded(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", GUARDED, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects pages as Linux does")
@pytest.mark.parametrize("name", FORMS)
def test_touches_nothing_behind_any_array(name: str) -> None:
    done = guarded("within", *FORMS[name])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nothing else touched\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects pages as Linux does")
def test_what_lies_behind_an_array_cannot_be_touched() -> None:
    assert guarded("over").returncode == -signal.SIGSEGV, "what lies there can be read: the test would find nothing"


def test_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    program = (
        "import numpy as np; from lar import catalog\n"
        "kernel = catalog.load_kernel('dictionary', catalog.kernel_path('dictionary', 'tuned', 'numpy'))\n"
        "assert not (kernel._IN_VECTORS or kernel._IN_BYTES)\n"
        "codes = (np.arange(300) % 10).astype(np.uint8)\n"
        "query = {'codes': codes, 'validity': np.full(38, 0b11110111, np.uint8)}\n"
        "fixed, utf8 = {'kind': 'fixed', 'capacity': 0}, {'kind': 'utf8', 'capacity': 3_000}\n"
        "values = np.arange(10, dtype=np.int32)[:, None]\n"
        "print(*kernel.run(np, kernel.prepare(np, {'values': values}, **fixed), query, **fixed)[0][:, 0])\n"
        "data = {'offsets': np.arange(11, dtype=np.int32), 'bytes': np.arange(10, dtype=np.uint8)}\n"
        "octets, offsets, total = kernel.run(np, kernel.prepare(np, data, **utf8), query, **utf8)\n"
        "print(*octets[:total])\n"
        "print(sum(sum(kernel._compiled(one, 1).stats.cache_hits.values())\n"
        "          for one in (kernel._words, kernel._strings)))\n"
    )
    valid = np.arange(300) % 8 != 3
    expected = np.arange(300) % 10
    for hits in (0, 2):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        values, octets, found = done.stdout.splitlines()
        assert [int(word) for word in values.split()] == np.where(valid, expected, 0).tolist()
        assert [int(word) for word in octets.split()] == expected[valid].tolist()
        assert int(found) == hits


def test_forms_differ_where_the_processor_has_the_features() -> None:
    assert simd.supports("lookup32") == KERNEL._IN_VECTORS
    assert simd.supports("permute_bytes") == KERNEL._IN_BYTES
