"""Prefetches, which may be of anything, and stores past the caches, which write what ordinary ones do."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit
from numba.core.errors import TypingError

from lar import simd
from lar.simd import i32x16, streams, u8x16

Host = npt.NDArray[Any]


@njit
def copy_past(source: Host, target: Host) -> None:
    for at in range(0, target.size, 16):
        streams.prefetch(source, at + 64)
        streams.store_past(target, at, simd.load(i32x16, source, at))
    streams.fence()


def test_stores_past_the_caches_write_whole_lines_and_no_others() -> None:
    source, spare = np.arange(512, dtype=np.int32), simd.aligned((512 + 32,), np.int32)
    spare[:] = -1
    copy_past(source, spare[16:-16])
    np.testing.assert_array_equal(spare[16:-16], source)
    assert (spare[:16] == -1).all()
    assert (spare[-16:] == -1).all()


def test_they_compile_to_what_they_are_called() -> None:
    if not re.search("x86|amd64", next(iter(copy_past.inspect_llvm().values()), "") or "x86"):
        pytest.skip("the instructions are named for x86")
    copy_past(np.zeros(16, np.int32), simd.aligned((16,), np.int32))
    (code,) = {text for text in copy_past.inspect_asm().values() if "prefetch" in text}
    assert "movntps" in code
    assert "prefetcht0" in code
    assert "mfence" in code or "lock" in code


@pytest.mark.parametrize("place", [-1, 10**9, -(2**40), 2**62])
def test_prefetches_anything_without_touching_it(place: int) -> None:
    @njit
    def run(array: Host, place: int) -> Any:
        streams.prefetch(array, place)
        return array[0]

    array = np.array([7, 8], np.int16)
    array.setflags(write=False)
    assert run(array, place) == 7


def test_refuses_strides_other_items_and_part_lines() -> None:
    target = np.zeros(64, np.int32)

    @njit
    def part(target: Host) -> None:
        streams.store_past(target, 0, simd.splat(u8x16, 0))

    @njit
    def ahead(array: Host) -> None:
        streams.prefetch(array, 0)

    with pytest.raises(TypingError):
        part(np.zeros(64, np.uint8))
    with pytest.raises(TypingError):
        ahead(target[::2])
    target.setflags(write=False)
    with pytest.raises(TypingError):
        copy_past(np.zeros(64, np.int32), target)
