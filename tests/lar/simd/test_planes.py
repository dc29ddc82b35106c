"""`lar.simd.planes`: bytes of planes become words again, in the order that was asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from lar import simd
from lar.simd import planes, u8x64

Host = npt.NDArray[Any]


@njit
def _words(bytes_of: Host, out: Host) -> None:
    a, b = simd.load(u8x64, bytes_of, 0), simd.load(u8x64, bytes_of, 64)
    c, d = simd.load(u8x64, bytes_of, 128), simd.load(u8x64, bytes_of, 192)
    e, f = simd.load(u8x64, bytes_of, 256), simd.load(u8x64, bytes_of, 320)
    g, h = simd.load(u8x64, bytes_of, 384), simd.load(u8x64, bytes_of, 448)
    at = 0
    for vector in planes.words_of((a, b, c, d, e, f, g, h)):
        simd.store(out, at, vector)
        at += 8


def test_words_come_out_in_order_where_bytes_went_in_by_the_order() -> None:
    words = np.random.default_rng(1).integers(0, 2**64, 64, np.uint64)
    rows = words.astype("<u8").view(np.uint8).reshape(64, 8)
    found = np.zeros(64, np.uint64)
    _words(np.ascontiguousarray(rows[planes.ORDER].T).reshape(-1), found)
    np.testing.assert_array_equal(found, words)


def test_the_order_is_of_all_64_places() -> None:
    assert planes.ORDER.dtype == np.uint8
    assert sorted(planes.ORDER.tolist()) == list(range(64))


def test_each_plane_is_one_byte_of_the_words() -> None:
    for byte in range(8):
        bytes_of = np.zeros((8, 64), np.uint8)
        bytes_of[byte] = 0xA5
        found = np.zeros(64, np.uint64)
        _words(bytes_of.reshape(-1), found)
        np.testing.assert_array_equal(found, np.full(64, 0xA5 << 8 * byte, np.uint64))
