"""The numba kernel of `posting-seek`: right for every length, width and order of targets; its tree; a good citizen.

Every path is generic code; that it is, a process shows whose processor has no features.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import NO_ID
from lar.targets import posting_seek  # type: ignore[attr-defined]  # the folder is the registry
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("posting-seek", catalog.kernel_path("posting-seek", "tuned", "numpy"))
LENGTHS = (0, 1, 2, 15, 16, 17, 127, 128, 129, 239, 240, 241, 255, 256, 257, 3_839, 3_840, 3_841, 4_095, 4_096, 4_097)


def encoded(ids: Host) -> dict[str, Host]:
    """Return a list as it is packed; what lies behind it is not zero."""
    blocks = np.zeros((max(1, -(-len(ids) // 128)), 128), np.int64)
    blocks.reshape(-1)[: len(ids)] = ids
    gaps = np.diff(blocks, axis=1, prepend=blocks[:, :1])
    gaps.reshape(-1)[len(ids) :] = 0
    width = np.array([int(row.max()).bit_length() for row in gaps], np.int32)
    gaps.reshape(-1)[len(ids) :] = (1 << int(width[-1])) - 1
    start = (np.cumsum(4 * width) - 4 * width).astype(np.int32)
    words = posting_seek.inputs.packed(gaps.astype(np.uint32), start, width, np.full(2, NO_ID, np.uint32))
    return {"words": words, "first": blocks[:, 0].astype(np.uint32), "width": width, "start": start}


def some_ids(n: int, kind: str = "gaps") -> Host:
    rng = np.random.default_rng(n)
    if kind == "gaps":
        return np.cumsum(rng.integers(1, 16, n))
    if kind == "high":
        return 2**32 - 1 - np.cumsum(rng.integers(1, 16, n))[::-1] + 1
    return np.cumsum(1 + (rng.integers(0, 2, n) << rng.integers(0, max(1, 31 - n.bit_length()), n)))


def hold(ids: Host, targets: Host) -> None:
    """Ask the kernel, and compare with NumPy's search."""
    targets = targets.astype(np.uint32)
    state = KERNEL.prepare(np, encoded(ids), n=len(ids))
    got, found = KERNEL.run(np, state, targets, n=len(ids))
    place = np.searchsorted(ids, targets.astype(np.int64))
    np.testing.assert_array_equal(got, np.append(ids, NO_ID)[place])
    np.testing.assert_array_equal(found, place < len(ids))
    assert (got.dtype, found.dtype) == (np.uint32, np.bool_)


def neighbours(ids: Host) -> Host:
    every = np.concatenate([ids - 1, ids, ids + 1, [0, 1, 2**31, 2**32 - 2, 2**32 - 1]])
    return np.unique(every[(every >= 0) & (every < 2**32)])


@pytest.mark.parametrize("kind", ["gaps", "high", "jumps"])
@pytest.mark.parametrize("n", LENGTHS)
def test_right_at_every_length_and_beside_every_id(n: int, kind: str) -> None:
    ids = some_ids(n, kind)
    hold(ids, neighbours(ids))


@pytest.mark.parametrize("seeks", [0, 1, 63, 64, 65, 127, 128, 129, 1_000])
def test_right_for_any_number_of_seeks_in_any_order(seeks: int) -> None:
    ids = some_ids(5_000)
    targets = np.random.default_rng(seeks).integers(0, int(ids[-1]) + 100, seeks)
    for order in (targets, np.sort(targets), np.sort(targets)[::-1], np.repeat(targets[:1], seeks)):
        hold(ids, order)


@pytest.mark.parametrize("width", range(33))
def test_right_for_every_width(width: int) -> None:
    """The largest gap of a block is 2**width - 1; one of 0 bits holds a single id."""
    gaps = np.array([(1 << width) - 1, 1, 1, 2]) if width else np.array([], np.int64)
    ids = (7 if width < 32 else 0) + np.cumsum(np.concatenate([[0], np.minimum(gaps, max(2**width - 1, 1))]))
    ids = ids[ids < 2**32]
    assert encoded(ids)["width"].tolist() == [width]
    hold(ids, neighbours(ids))


def test_every_node_ends_with_the_largest_key_below_it() -> None:
    for n in LENGTHS:
        state = KERNEL.prepare(np, encoded(some_ids(n)), n=n)
        tree, (count, *begins) = state["tree"], state["levels"].tolist()
        assert count == n
        assert tree.ctypes.data % 64 == 0
        assert all(begin % 16 == 0 for begin in begins)
        begins = [*begins[::-1], tree.size]  # the ids first
        assert begins[-1] - begins[-2] == 16, "one node on top"
        for below, above, end in zip(begins, begins[1:], begins[2:], strict=False):
            last = tree[below + 15 : above : 16]
            np.testing.assert_array_equal(tree[above : above + len(last)], last)
            assert (tree[above + len(last) : end] == NO_ID).all()
        assert (tree[n : n + 16] == NO_ID).all()


def test_citizen_reads_read_only_arrays_changes_none_and_returns_new_ones() -> None:
    ids = some_ids(700)
    data, targets = encoded(ids), np.arange(0, 6_000, 31, dtype=np.uint32)
    for array in (*leaves(data), targets):
        array.setflags(write=False)
    state = KERNEL.prepare(np, data, n=700)
    for array in leaves(state):
        assert type(array) is np.ndarray
        array.setflags(write=False)
    before = [array.copy() for array in (*leaves(state), *leaves(data), targets)]
    first = KERNEL.run(np, state, targets, n=700)
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, targets[::-1], n=700)
    for array, copy in zip((*leaves(state), *leaves(data), targets), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata


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
        "kernel = catalog.load_kernel('posting-seek', catalog.kernel_path('posting-seek', 'tuned', 'numpy'))\n"
        "assert not simd.supports('compress')\n"
        "data = {'words': np.zeros(2, np.uint32), 'first': np.ones(1, np.uint32)}\n"
        "data |= {'width': np.zeros(1, np.int32), 'start': np.zeros(1, np.int32)}\n"
        "kernel.run(np, kernel.prepare(np, data, n=1), np.zeros(3, np.uint32), n=1)\n"
        "assert sum(kernel._seek.stats.cache_hits.values()) == 1, kernel._seek.stats\n"
    )
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
