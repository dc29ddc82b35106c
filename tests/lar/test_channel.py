"""Frames and shared memory between supervisor and worker."""

import mmap
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lar import channel
from lar.trees import leaves

DTYPES = ["bool", "uint8", "uint16", "uint32", "int32", "int64", "float32", "float64"]
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)
LEAVES = st.builds(
    lambda shape, dtype: np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype),
    SHAPES,
    st.sampled_from(DTYPES),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.text("abc", min_size=1), inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


@given(TREES)
def test_a_tree_survives_layout_write_and_view(tree: object) -> None:
    layout = channel.layout_of(tree)
    layout = channel.Layout.from_json(layout.to_json())
    memory = np.zeros(layout.size + 128, np.uint8)
    channel.write(memory, layout, tree, origin=64)
    found = list(leaves(channel.view(memory, layout, origin=64)))
    for one, other in zip(leaves(tree), found, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert all(offset % channel.ALIGN == 0 for offset, _, _ in layout.fields)


def test_write_refuses_another_dtype() -> None:
    layout = channel.layout_of(np.zeros(3, np.float32))
    with pytest.raises(TypeError):
        channel.write(np.zeros(layout.size, np.uint8), layout, np.zeros(3, np.float64))


def test_a_sealed_segment_cannot_be_written_by_whoever_maps_it() -> None:
    segment = channel.Segment(100, readonly=True)
    segment.bytes[:] = 7
    other = os.dup(segment.fd)
    with pytest.raises(PermissionError):
        mmap.mmap(other, 100, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    with pytest.raises(OSError, match="Operation not permitted"):
        os.pwrite(other, b"x", 0)
    with pytest.raises(OSError, match="Operation not permitted"):
        os.ftruncate(other, 10)
    with pytest.raises(PermissionError):
        os.open(f"/proc/self/fd/{other}", os.O_RDWR) and mmap.mmap(
            os.open(f"/proc/self/fd/{other}", os.O_RDWR), 100, mmap.MAP_SHARED, mmap.PROT_WRITE
        )
    seen = channel.attach(other, 100, writable=False)
    assert not seen.flags.writeable
    segment.bytes[0] = 9  # the owner refills it in place
    assert seen[0] == 9
    segment.close()


def test_an_output_segment_can_be_written_and_not_resized() -> None:
    segment = channel.Segment(64, readonly=False)
    other = os.dup(segment.fd)
    with pytest.raises(OSError, match="Operation not permitted"):
        os.ftruncate(other, 10)
    channel.attach(other, 64, writable=True)[5] = 3
    assert segment.bytes[5] == 3
    segment.close()
