"""The JAX kernel of `posting-seek`: right for every length and width, compiled or not, at the ends of uint32."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import NO_ID
from lar.targets import posting_seek  # type: ignore[attr-defined]  # the folder is the registry

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("posting-seek", catalog.kernel_path("posting-seek", "tuned", "jax"))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def encoded(ids: Host) -> dict[str, Host]:
    blocks = np.zeros((max(1, -(-len(ids) // 128)), 128), np.int64)
    blocks.reshape(-1)[: len(ids)] = ids
    gaps = np.diff(blocks, axis=1, prepend=blocks[:, :1])
    gaps.reshape(-1)[len(ids) :] = 0
    width = np.array([int(row.max()).bit_length() for row in gaps], np.int32)
    gaps.reshape(-1)[len(ids) :] = (1 << int(width[-1])) - 1
    start = (np.cumsum(4 * width) - 4 * width).astype(np.int32)
    words = posting_seek.inputs.packed(gaps.astype(np.uint32), start, width, np.full(2, NO_ID, np.uint32))
    return {"words": words, "first": blocks[:, 0].astype(np.uint32), "width": width, "start": start}


def hold(ids: Host, targets: Host, *, compiled: bool = True) -> None:
    data = {name: jax.numpy.asarray(array) for name, array in encoded(ids).items()}
    state = KERNEL.prepare(jax.numpy, data, n=len(ids))
    run = functools.partial(KERNEL.run, jax.numpy, n=len(ids))
    got, found = (jax.jit(run) if compiled else run)(state, jax.numpy.asarray(targets.astype(np.uint32)))
    place = np.searchsorted(ids, targets)
    np.testing.assert_array_equal(np.asarray(got), np.append(ids, NO_ID)[place].astype(np.uint32))
    np.testing.assert_array_equal(np.asarray(found), place < len(ids))


def neighbours(ids: Host) -> Host:
    every = np.concatenate([ids - 1, ids, ids + 1, [0, 1, 2**31, 2**32 - 2, 2**32 - 1]])
    return np.resize(np.unique(every[(every >= 0) & (every < 2**32)]), 700)


@pytest.mark.parametrize("n", [0, 1, 2, 127, 128, 129, 200])
def test_right_at_every_length_and_beside_every_id(n: int) -> None:
    ids = np.cumsum(np.random.default_rng(n).integers(1, 16, n))
    hold(ids, neighbours(ids))
    hold(2**32 - 1 - ids[::-1] + ids[:1].sum(), neighbours(ids))


@pytest.mark.parametrize("width", [1, 2, 13, 31, 32])
def test_right_for_every_width(width: int) -> None:
    ids = np.cumsum([7, (1 << width) - 1, 1]) if width < 32 else np.array([0, 2**31 + 5, 2**32 - 1])
    hold(ids, neighbours(ids))


def test_it_runs_uncompiled() -> None:
    ids = np.cumsum(np.random.default_rng(1).integers(1, 900, 150))
    hold(ids, neighbours(ids), compiled=False)
