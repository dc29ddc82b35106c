"""Which library a helper thinks it works for, and where it puts new arrays."""

import types
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest

from lar import ops


def test_libraries_are_known_by_name() -> None:
    assert ops.library(np) == "numpy"
    assert ops.library(array_api_compat.numpy) == "numpy"
    assert ops.library(types.ModuleType("numpy_like")) == "standard"
    assert ops.library(types.ModuleType("jax.numpy")) == "jax"


@pytest.mark.parametrize("name", ["torch", "cupy"])
def test_a_library_itself_is_as_good_as_its_wrapper(name: str) -> None:
    raw = pytest.importorskip(name)
    wrapper = pytest.importorskip(f"array_api_compat.{name}")
    assert ops.library(raw) == ops.library(wrapper) == name


def test_raw_torch_is_taken_through_its_wrapper() -> None:
    torch = pytest.importorskip("torch")
    values, positions = ops.top_k(torch, torch.tensor([3.0, 1.0, 2.0]), 2, largest=False)
    assert values.tolist() == [1.0, 2.0]
    assert positions.tolist() == [1, 2]
    with ops.standard_only():
        assert ops.cumsum32(torch, torch.tensor([1, 2, 3])).tolist() == [1, 3, 6]


def test_dispatch_is_off_inside_the_block_alone() -> None:
    with ops.standard_only():
        assert ops.library(np) == "standard"
        with ops.standard_only():
            assert ops.library(np) == "standard"
        assert ops.library(np) == "standard"
    assert ops.library(np) == "numpy"
    with pytest.raises(KeyError), ops.standard_only():
        raise KeyError
    assert ops.library(np) == "numpy"


def test_new_arrays_stand_beside_their_inputs(runner: Any) -> None:
    def beside(xp: Any, x: Any) -> Any:
        return x + xp.ones(3, dtype=xp.float32, device=ops.device_of(x))

    np.testing.assert_array_equal(runner(beside, np.zeros(3, np.float32)), [1, 1, 1])


def test_every_helper_is_exported() -> None:
    assert sorted(ops.__all__) == list(ops.__all__)
    for name in ops.__all__:
        assert callable(getattr(ops, name))
