"""What an adapter uses after a kernel was imported it has captured before: patching a library has no effect on it."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from lar.contracts import Backend

Opener: TypeAlias = Callable[[str], Backend]
VALUES = np.arange(6, dtype=np.float32)


def _patched(*_: object, **__: object) -> Any:
    raise AssertionError("the adapter uses what a kernel has patched")


def _double(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2,)


# Not jax: its own code calls NumPy whenever an array comes or goes.
@pytest.mark.parametrize("name", ["numpy", "torch", pytest.param("cupy", marks=pytest.mark.gpu)])
def test_a_round_trip_uses_nothing_of_numpys_that_was_patched(
    name: str, open_named: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = open_named(name)
    with monkeypatch.context() as patch:
        for function in ("array", "asarray", "copyto"):
            patch.setattr(np, function, _patched)
        there = backend.put(VALUES)
        (doubled,) = backend.ready(backend.compile(_double, {})((), there))
        back = backend.get(doubled)
    np.testing.assert_array_equal(back, 2 * VALUES)


def test_the_type_of_numpys_arrays_is_the_one_there_was(open_named: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    class Subclass(np.ndarray[Any, Any]):
        pass

    backend = open_named("numpy")
    spoilt = VALUES.view(Subclass)
    with monkeypatch.context() as patch:
        patch.setattr(np, "ndarray", Subclass)
        assert not backend.native(spoilt)
        assert backend.native(VALUES)


def test_jax_compiles_moves_and_waits_with_what_there_was(open_named: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_named("jax")
    import jax

    with monkeypatch.context() as patch:
        for name in ("jit", "device_put", "block_until_ready", "live_arrays", "effects_barrier"):
            patch.setattr(jax, name, _patched)
        call = backend.compile(_double, {})
        (doubled,) = backend.ready(call((), backend.put(VALUES)))
        backend.synchronize()
        back = backend.get(doubled)
    np.testing.assert_array_equal(back, 2 * VALUES)
    assert hasattr(call, "lower"), "run was not compiled"


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["cupy", "torch"])
def test_events_are_those_there_were(name: str, open_named: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_named(name)
    if backend.device == "cpu":
        pytest.skip(f"{name} has no GPU here")
    library: Any = __import__(name)
    with monkeypatch.context() as patch:
        patch.setattr(library.cuda, "Event", _patched)
        timer = backend.timer()
        assert timer is not None
        timer.start()
        backend.flush()
        timer.stop()
        backend.synchronize()
        assert timer.elapsed_ns() > 0
