"""The numba kernel of `fsst`: both forms right on any codes, wherever strings and escapes fall; within their memory."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, simd

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("fsst", catalog.kernel_path("fsst", "tuned", "numpy"))
NEEDS = {"planes": ("permute_bytes", "expand8"), "single": ()}
FORMS = tuple(NEEDS)
CHUNK = KERNEL._CHUNK


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Choose one of the two ways of decoding."""
    return choose(request.param, monkeypatch)


def choose(form: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if not simd.supports(*NEEDS[form]):
        pytest.skip(f"this processor lacks {NEEDS[form]}, or numba is told not to use it")
    monkeypatch.setattr(KERNEL, "_FORM", form)
    return form


def table(rng: Any, count: int = 255, low: int = 1, high: int = 8) -> dict[str, Host]:
    return {
        "symbols": rng.integers(0, 256, (count, 8), np.uint8),
        "lengths": rng.integers(low, high + 1, count).astype(np.uint8),
    }


def page(rng: Any, size: int, escapes: float, strings: int, symbols: int = 255, literal: int | None = None) -> Any:
    """Draw some `size` codes, of which a share are escapes, in strings of any length; return also where they are."""
    codes: list[int] = []
    starts = [0]
    while len(codes) < size:
        if symbols == 0 or rng.random() < escapes:
            codes += [255, int(rng.integers(256)) if literal is None else literal]
        else:
            codes.append(int(rng.integers(symbols)))
        starts.append(len(codes))
    cuts = np.sort(rng.choice(starts, strings - 1))
    offsets = np.concatenate([[0], cuts, [len(codes)]]).astype(np.int32)
    return {"codes": np.array(codes, np.uint8), "offsets": offsets}


def decoded(data: dict[str, Host], query: dict[str, Host]) -> tuple[bytes, list[int]]:
    """Decode in Python."""
    symbols = [bytes(row[:length]) for row, length in zip(data["symbols"], data["lengths"], strict=True)]
    codes, place, total = query["codes"].tolist(), 0, []
    begins = {0: 0}
    size = 0
    while place < query["offsets"][-1]:
        code = codes[place]
        part = bytes([codes[place + 1]]) if code == 255 else symbols[code]
        place += 2 if code == 255 else 1
        size += len(part)
        total.append(part)
        begins[place] = size
    return b"".join(total), [begins[offset] for offset in query["offsets"].tolist()]


def hold(data: dict[str, Host], query: dict[str, Host], *capacities: int) -> None:
    """Hold the kernel against Python; without a capacity, at those round the text's own size."""
    whole, ends = decoded(data, query)
    for capacity in capacities or (max(len(whole), 1), len(whole) + 100, max(len(whole) // 2, 1)):
        text, found = KERNEL.run(np, KERNEL.prepare(np, data, capacity=capacity), query, capacity=capacity)
        assert text.dtype == np.uint8
        assert found.dtype == np.int32
        assert text.tobytes() == whole[:capacity].ljust(capacity, b"\0"), (len(query["codes"]), capacity)
        assert found.tolist() == ends


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("escapes", [0.0, 0.01, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("longest", [1, 2, 8])
def test_right_however_many_escapes_there_are(form: str, escapes: float, longest: int) -> None:
    rng = np.random.default_rng([1, int(100 * escapes), longest])
    data = table(rng, high=longest)
    for size in (1, 63, 64, 65, 700, CHUNK + 1):
        hold(data, page(rng, size, escapes, 1 + size // 20))


def test_right_at_every_size(form: str) -> None:
    rng = np.random.default_rng(2)
    data = table(rng)
    for size in (*range(1, 140), *range(CHUNK - 3, CHUNK + 4), *range(2 * CHUNK - 2, 2 * CHUNK + 3)):
        hold(data, page(rng, size, 0.1, 9))


@pytest.mark.parametrize("symbols", [0, 1, 254, 255])
def test_right_with_tables_of_every_size(form: str, symbols: int) -> None:
    rng = np.random.default_rng([3, symbols])
    hold(table(rng, symbols), page(rng, 900, 0.2, 30, symbols))


@pytest.mark.parametrize("before", [0, 1, 61, 62, 63, 64, CHUNK - 2, CHUNK - 1, CHUNK])
def test_right_for_runs_of_255_from_any_place_on(form: str, before: int) -> None:
    """Whether a 255 is an escape is then known by counting alone, over blocks and chunks."""
    data = table(np.random.default_rng(4))
    for count in (2, 4, 62, 64, 66, 128, 1_000, 2 * CHUNK):
        codes = np.concatenate([np.full(before, 7), np.full(count, 255), np.arange(70)]).astype(np.uint8)
        offsets = np.array([0, before, before + count // 4 * 2, before + count, before + count, codes.size], np.int32)
        hold(data, {"codes": codes, "offsets": offsets}, 9 * codes.size)


@pytest.mark.parametrize("before", [0, 1, 63, 64])
def test_right_for_blocks_of_escaped_bytes_alone(form: str, before: int) -> None:
    rng = np.random.default_rng([14, before])
    pairs = np.stack([np.full(300, 255), rng.integers(0, 256, 300)], axis=1).reshape(-1)
    codes = np.concatenate([np.full(before, 7), pairs, np.arange(9)]).astype(np.uint8)
    offsets = np.array([0, before, *range(before, before + 600, 2), codes.size], np.int32)
    hold(table(rng), {"codes": codes, "offsets": offsets})


def test_right_when_only_literals_are_255_and_symbols_are_eight_bytes(form: str) -> None:
    rng = np.random.default_rng(5)
    hold(table(rng, low=8), page(rng, 3_000, 0.5, 100, literal=255))


@pytest.mark.parametrize("strings", [1, 2, 9, 16, 17, 5_000])
def test_right_for_strings_of_any_length(form: str, strings: int) -> None:
    rng = np.random.default_rng([6, strings])
    hold(table(rng), page(rng, 2 * CHUNK + 77, 0.05, strings))


def test_right_when_all_strings_are_empty(form: str) -> None:
    data = table(np.random.default_rng(7))
    hold(data, {"codes": np.full(200, 255, np.uint8), "offsets": np.zeros(30, np.int32)}, 1, 64, 1_000)


def test_what_lies_behind_the_last_string_is_not_decoded(form: str) -> None:
    rng = np.random.default_rng(8)
    data = table(rng)
    for size in (0, 5, 64, 130):
        query = page(rng, max(size, 1), 0.2, 3)
        if size == 0:
            query["offsets"][:] = 0
        for behind in (np.full(100, 255, np.uint8), rng.integers(0, 255, 100, np.uint8)):
            hold(data, {"codes": np.concatenate([query["codes"], behind]), "offsets": query["offsets"]})


@pytest.mark.parametrize("capacity", [1, 2, 63, 64, 65, 127, 4_000])
def test_a_text_is_cut_anywhere(form: str, capacity: int) -> None:
    rng = np.random.default_rng([9, capacity])
    hold(table(rng, low=5), page(rng, 2_000, 0.1, 10), capacity)


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_any_strides_will_do(form: str) -> None:
    rng = np.random.default_rng(10)
    data, query = table(rng), page(rng, 500, 0.1, 20)
    apart = {name: np.repeat(array, 3)[::3] for name, array in query.items()}
    assert not apart["codes"].flags.c_contiguous
    hold({name: np.asfortranarray(array) for name, array in data.items()}, apart)


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(form: str) -> None:
    rng = np.random.default_rng(11)
    data, query = table(rng), page(rng, 600, 0.1, 20)
    for array in (*data.values(), *query.values()):
        array.setflags(write=False)
    state = KERNEL.prepare(np, data, capacity=2_000)
    for array in state.values():
        assert type(array) is np.ndarray
        array.setflags(write=False)
    before = [array.copy() for array in (*state.values(), *query.values())]
    first = KERNEL.run(np, state, query, capacity=2_000)
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, query, capacity=2_000)
    for array, copy in zip((*state.values(), *query.values()), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for one, copy, other in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(one, copy)
        np.testing.assert_array_equal(one, other)
        assert not np.shares_memory(one, other)
        assert type(one) is np.ndarray
        assert one.flags.c_contiguous


@pytest.mark.parametrize("capacity", [1, 64, 500, 5_000])
def test_nothing_is_written_behind_the_slack(form: str, capacity: int) -> None:
    rng = np.random.default_rng([12, capacity])
    data, query = table(rng, low=8), page(rng, 400, 0.1, 20)
    memory = np.full(capacity + KERNEL.SLACK + 128, 0x5A, np.uint8)
    ends = np.full(len(query["offsets"]) + 20, -7, np.int32)
    state = KERNEL.prepare(np, data, capacity=capacity)
    KERNEL.decode_into(state, query, memory[64 : 64 + capacity + KERNEL.SLACK], ends[10:-10])
    assert set(memory[:64].tolist()) == set(memory[64 + capacity + KERNEL.SLACK :].tolist()) == {0x5A}
    assert set(ends[:10].tolist()) == set(ends[-10:].tolist()) == {-7}
    whole, expected = decoded(data, query)
    assert memory[64 : 64 + capacity].tobytes() == whole[:capacity].ljust(capacity, b"\0")
    assert ends[10:-10].tolist() == expected


GUARDED = """
import ctypes, mmap, sys
import numpy as np
from lar import catalog
kernel = catalog.load_kernel("fsst", catalog.kernel_path("fsst", "tuned", "numpy"))
kernel._FORM = sys.argv[1]
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 4 * page)
whole = np.frombuffer(memory, np.uint8)
protect = ctypes.CDLL(None, use_errno=True).mprotect
assert protect(ctypes.c_void_p(whole.ctypes.data + 3 * page), ctypes.c_size_t(page), 0) == 0
if len(sys.argv) > 2:
    print(whole[3 * page])  # may not be read
data = {"symbols": np.ones((255, 8), np.uint8), "lengths": np.full(255, 8, np.uint8)}
for size in (*range(1, 140), 4_095, 4_096, 4_097, 8_200):
    offsets = np.array([0, size // 2, size], np.int32)
    query = {"codes": whole[3 * page - size : 3 * page], "offsets": offsets}
    text, ends = kernel.run(np, kernel.prepare(np, data, capacity=99), query, capacity=99)
    assert ends[-1] == 8 * size
print("read no further")
"""


def guarded(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", GUARDED, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects a page as Linux does")
@pytest.mark.parametrize("form", FORMS)
def test_no_byte_behind_the_codes_is_read(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(form, monkeypatch)
    done = guarded(form)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "read no further" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects a page as Linux does")
def test_a_byte_behind_the_codes_cannot_be_read() -> None:
    assert guarded("single", "and read it").returncode < 0


@pytest.mark.parametrize("processor", ["generic", "haswell"])
def test_compiles_for_other_processors_and_is_cached(processor: str, tmp_path: Path) -> None:
    """Neither permutes 64 bytes; what runs on both runs anywhere."""
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment["NUMBA_CPU_FEATURES"] = "" if processor == "generic" else "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse4.2,+ssse3"
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    program = (
        "import numpy as np; from lar import catalog\n"
        "kernel = catalog.load_kernel('fsst', catalog.kernel_path('fsst', 'tuned', 'numpy'))\n"
        "assert kernel._FORM == 'single', kernel._FORM\n"
        "data = {'symbols': np.arange(40, dtype=np.uint8).reshape(5, 8), 'lengths': np.arange(4, 9, dtype=np.uint8)}\n"
        "codes = np.array([0, 4, 255, 255, 1, 2, 3, 0, 1, 2, 3, 4, 255, 9], np.uint8)\n"
        "query = {'codes': codes, 'offsets': np.array([0, 2, 4, 14], np.int32)}\n"
        "text, ends = kernel.run(np, kernel.prepare(np, data, capacity=90), query, capacity=90)\n"
        "print(text.tobytes().hex(), *ends)\n"
        "print(sum(kernel._decode_singly.stats.cache_hits.values()))\n"
    )
    rows = np.arange(40, dtype=np.uint8).reshape(5, 8)
    data = {"symbols": rows, "lengths": np.arange(4, 9, dtype=np.uint8)}
    codes = np.array([0, 4, 255, 255, 1, 2, 3, 0, 1, 2, 3, 4, 255, 9], np.uint8)
    whole, ends = decoded(data, {"codes": codes, "offsets": np.array([0, 2, 4, 14], np.int32)})
    expected = " ".join([whole.ljust(90, b"\0").hex(), *map(str, ends)])
    for hits in (0, 1):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [expected, str(hits)]
