"""The numba kernel of `bitpack`: every way of unpacking is right at every width, and reads no word behind the last."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, simd
from lar.contracts import Case

Host = npt.NDArray[Any]
TARGET = catalog.target("bitpack")
KERNEL: Any = catalog.load_kernel("bitpack", catalog.kernel_path("bitpack", "tuned", "numpy"))
NEEDS = {"bytes": ("permute_bytes",), "words": ("permute_words",), "single": ()}
FORMS = ("bytes", "words", "single", "fastlanes")


@pytest.fixture(params=FORMS)
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Choose one of the four ways of unpacking; return the layout that it is for."""
    return choose(request.param, monkeypatch)


def choose(form: str, monkeypatch: pytest.MonkeyPatch) -> str:
    if form == "fastlanes":
        return form
    if not simd.supports(*NEEDS[form]):
        pytest.skip(f"this processor lacks {NEEDS[form]}, or numba is told not to use it")
    monkeypatch.setattr(KERNEL, "_FORM", form)
    return "plain"


def needed(layout: str, width: int, n: int) -> int:
    return -(-n // 1024) * 32 * width if layout == "fastlanes" else -(-n * width // 32)


def truth(packed: Host, width: int, n: int, layout: str) -> Host:
    sizes, statics = {"n": n, "width": width, "words": packed.size}, {"width": width, "n": n, "layout": layout}
    found: Any = TARGET.audit(Case("test", "uniform", sizes, 0, statics, 1, "uniform/test"), {}, [packed])
    out: Host = found.values[0][0]
    return out


def unpack(packed: Host, width: int, n: int, layout: str) -> Host:
    statics: dict[str, Any] = {"width": width, "n": n, "layout": layout}
    out: Host = KERNEL.run(np, KERNEL.prepare(np, {"packed": packed}, **statics), packed, **statics)[0]
    return out


@pytest.mark.parametrize("spare", [0, 1, 70])
def test_right_at_every_width(layout: str, spare: int) -> None:
    rng = np.random.default_rng([1, spare])
    for width in range(1, 33):
        for n in (1_337, 2_048):
            packed = rng.integers(0, 2**32, needed(layout, width, n) + spare, np.uint32)
            np.testing.assert_array_equal(unpack(packed, width, n, layout), truth(packed, width, n, layout), str(width))


@pytest.mark.parametrize("width", [1, 2, 7, 8, 13, 25, 26, 31, 32])
def test_right_at_every_size(layout: str, width: int) -> None:
    rng = np.random.default_rng([2, width])
    for n in (*range(1, 70), *range(1_000, 1_030)):
        packed = rng.integers(0, 2**32, needed(layout, width, n), np.uint32)
        np.testing.assert_array_equal(unpack(packed, width, n, layout), truth(packed, width, n, layout), str(n))


@pytest.mark.parametrize("word", [0, 0xFFFFFFFF, 0xAAAAAAAA, 0x80000001])
def test_right_on_words_that_are_all_alike(layout: str, word: int) -> None:
    for width in (1, 9, 25, 26, 29, 31, 32):
        packed = np.full(needed(layout, width, 1_100) + 3, word, np.uint32)
        np.testing.assert_array_equal(unpack(packed, width, 1_100, layout), truth(packed, width, 1_100, layout))


def test_any_strides_will_do(layout: str) -> None:
    words = np.random.default_rng(4).integers(0, 2**32, 3_000, np.uint32)
    backwards = words[::-2]
    expected = truth(np.ascontiguousarray(backwards), 17, 1_400, layout)
    np.testing.assert_array_equal(unpack(backwards, 17, 1_400, layout), expected)


def test_reads_read_only_pages_changes_none_and_returns_new_arrays(layout: str) -> None:
    packed = np.random.default_rng(5).integers(0, 2**32, 800, np.uint32)
    packed.setflags(write=False)
    before = packed.copy()
    statics: dict[str, Any] = {"width": 19, "n": 1_300, "layout": layout}
    state = KERNEL.prepare(np, {"packed": packed}, **statics)
    for array in state.values():
        assert type(array) is np.ndarray
        array.setflags(write=False)
    (first,) = KERNEL.run(np, state, packed, **statics)
    kept = first.copy()
    (second,) = KERNEL.run(np, state, packed, **statics)
    np.testing.assert_array_equal(packed, before)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, packed)
    assert type(first) is np.ndarray
    assert first.dtype == np.uint32
    assert first.flags.c_contiguous
    assert first.ctypes.data % simd.LINE == 0


GUARDED = """
import ctypes, mmap, sys
import numpy as np
from lar import catalog
kernel = catalog.load_kernel("bitpack", catalog.kernel_path("bitpack", "tuned", "numpy"))
layout = "plain"
if sys.argv[1] == "fastlanes":
    layout = "fastlanes"
else:
    kernel._FORM = sys.argv[1]
page = mmap.PAGESIZE
memory = mmap.mmap(-1, 17 * page)
whole = np.frombuffer(memory, np.uint8)
protect = ctypes.CDLL(None, use_errno=True).mprotect
assert protect(ctypes.c_void_p(whole.ctypes.data + 16 * page), ctypes.c_size_t(page), 0) == 0
if len(sys.argv) > 2:
    print(whole[16 * page])  # may not be read
for width in range(1, 33):
    for n in (1, 15, 16, 17, 100, 1_024, 1_500):
        words = -(-n // 1024) * 32 * width if layout == "fastlanes" else -(-n * width // 32)
        packed = whole[16 * page - 4 * words : 16 * page].view(np.uint32)
        statics = {"width": width, "n": n, "layout": layout}
        kernel.run(np, kernel.prepare(np, {"packed": packed}, **statics), packed, **statics)
print("read no further")
"""


def guarded(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", GUARDED, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects a page as Linux does")
@pytest.mark.parametrize("form", FORMS)
def test_no_byte_behind_the_last_word_is_read(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(form, monkeypatch)
    done = guarded(form)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "read no further" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects a page as Linux does")
def test_a_byte_behind_the_last_word_cannot_be_read() -> None:
    assert guarded("single", "and read it").returncode < 0


def test_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    program = (
        "import numpy as np; from lar import catalog, simd\n"
        "kernel = catalog.load_kernel('bitpack', catalog.kernel_path('bitpack', 'tuned', 'numpy'))\n"
        "assert kernel._FORM == 'single', kernel._FORM\n"
        "words = np.arange(100_003, 700_003, 300, dtype=np.uint32)\n"
        "for layout in ('plain', 'fastlanes'):\n"
        "    statics = {'width': 21, 'n': 1_030, 'layout': layout}\n"
        "    state = kernel.prepare(np, {'packed': words}, **statics)\n"
        "    print(*kernel.run(np, state, words, **statics)[0])\n"
        "hits = [one.stats.cache_hits for one in (kernel._unpack_singly, kernel._blocks_of(21))]\n"
        "print(sum(sum(one.values()) for one in hits))\n"
    )
    words = np.arange(100_003, 700_003, 300, dtype=np.uint32)
    expected = [truth(words, 21, 1_030, layout).tolist() for layout in ("plain", "fastlanes")]
    for hits in (0, 2):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        *lines, found = done.stdout.splitlines()
        assert [[int(word) for word in line.split()] for line in lines] == expected
        assert int(found) == hits
