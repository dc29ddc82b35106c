"""Places of bits against NumPy, by every way that the processor at hand can go, and which items are overwritten."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import simd
from lar.simd import places

Host = npt.NDArray[Any]
GENERIC = os.environ.get("NUMBA_CPU_NAME") == "generic"
NEEDS = {"append_by_bytes": "expand8", "append_by_words": "compress", "append_singly": "", "append_exactly": ""}
FUNCTIONS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(needed) and not simd.supports(needed), reason="lacks it"))
    for name, needed in NEEDS.items()
]
POISON = 0xCDCDCDCD


def appended(name: str, words: Host, base: int, room: int) -> tuple[Host, int]:
    """Return what lies in an array after all words were appended, and where they end."""
    append = getattr(places, name)

    @njit
    def run(words: Host, base: Any, out: Host) -> Any:
        written = np.uint64(0)
        for w in range(np.uint64(words.size)):
            written = append(words[w], base + w * np.uint64(64), out, written)
        return written

    out = np.full(room, POISON, np.uint32)
    return out, int(run(words, np.uint64(base), out))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_places_of_all_bits_in_order(name: str) -> None:
    rng = np.random.default_rng(3)
    for share in (0.0, 0.01, 0.2, 0.25, 0.5, 0.97, 1.0):
        bits = rng.random(64 * 50) < share
        words = np.packbits(bits, bitorder="little").view(np.uint64)
        base = 2**32 - 64 * 50
        out, count = appended(name, words, base, 64 * 50)
        np.testing.assert_array_equal(out[:count], base + np.flatnonzero(bits))
        assert count == bits.sum()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bits", [[], [0], [63], [15, 16], [31, 32, 47, 48], [*range(16)], [*range(17)], [*range(64)]])
def test_one_word_overwrites_no_more_than_the_slack(name: str, bits: list[int]) -> None:
    word = np.array([sum(1 << bit for bit in bits)], np.uint64)
    out, count = appended(name, word, 128, places.SLACK + 16)
    assert out[:count].tolist() == [128 + bit for bit in bits]
    assert (out[places.SLACK :] == POISON).all()


def test_the_exact_one_overwrites_nothing_else() -> None:
    out, count = appended("append_exactly", np.array([5, 0, 2**63], np.uint64), 0, 200)
    assert out[:count].tolist() == [0, 2, 191]
    assert (out[count:] == POISON).all()


@pytest.mark.skipif(GENERIC, reason="is the process that this test starts")
def test_it_compiles_for_a_generic_processor() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
