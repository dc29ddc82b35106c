"""The conformance backends are unkind in the ways they claim to be; else they would prove nothing of a kernel."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from lar.contracts import Backend

Opener: TypeAlias = Callable[[str], Backend]
STRICT = ["strict", "strict_2024"]


def call(backend: Backend, function: Callable[[Any, Any], Any]) -> Any:
    """Call ``function(xp, float32 [1, 0, 3])`` as a kernel's run."""
    array = backend.put(np.array([1, 0, 3], dtype=np.float32))
    return backend.compile(lambda xp, state, query: function(xp, query), {})((), array)


def test_read_only_inputs_cannot_be_written(open_named: Opener) -> None:
    array = open_named("numpy_readonly").put(np.arange(4, dtype=np.int32))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 7
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.setflags(write=True)
    with pytest.raises(ValueError, match="read-only"):
        np.add(array, 1, out=array)


@pytest.mark.parametrize("name", STRICT)
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda xp, x: xp.nonzero(x), id="nonzero"),
        pytest.param(lambda xp, x: xp.unique_values(x), id="unique"),
        pytest.param(lambda xp, x: xp.repeat(x, xp.astype(x, xp.int32)), id="repeat"),
        pytest.param(lambda xp, x: x[x > 0], id="boolean mask"),
    ],
)
def test_shapes_cannot_depend_on_data(open_named: Opener, name: str, function: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(RuntimeError, match=r"data[-_]dependent|boolean_indexing"):
        call(open_named(name), function)


@pytest.mark.parametrize("name", STRICT)
def test_new_arrays_need_the_device_of_their_inputs(open_named: Opener, name: str) -> None:
    backend = open_named(name)
    with pytest.raises(ValueError, match="device"):
        call(backend, lambda xp, x: x + xp.ones(3, dtype=xp.float32))
    total = call(backend, lambda xp, x: x + xp.ones(3, dtype=xp.float32, device=x.device))
    np.testing.assert_array_equal(backend.get(total), [2, 1, 4])


def test_each_version_holds_while_both_are_open(open_named: Opener) -> None:
    newer, older = (open_named(name) for name in STRICT)
    ask_newer, ask_older = (
        one.compile(lambda xp, state, query: xp.__array_api_version__, {}) for one in (newer, older)
    )
    for _ in range(2):
        assert ask_newer((), ()) == "2025.12"
        assert ask_older((), ()) == "2024.12"
    newer.put(np.zeros(1, dtype=np.float32))
    older.put(np.zeros(1, dtype=np.float32))  # what `prepare` then calls is of this version, too
    assert older.xp.__array_api_version__ == "2024.12"
