"""Ways to run a helper: each library as it is, its fallbacks alone, and JAX with and without `jax.jit`."""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import array_api_compat.numpy
import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, ops
from lar.contracts import Backend

Host: TypeAlias = npt.NDArray[Any]


@dataclass
class Runner:
    """Calls a helper on one backend in one way.

    Attributes
    ----------
    backend : Backend
    way : str
        ``dispatch``, ``standard`` (fallbacks alone), ``compat`` (array_api_compat's namespace), ``jit`` or
        ``jit-standard``.
    """

    backend: Backend
    way: str

    @property
    def subnormals(self) -> bool:
        """Whether comparisons of floats see them: XLA's CPU compiler does not, and only the dispatch avoids them."""
        return self.way != "jit-standard"

    def __call__(self, helper: Callable[..., Any], *arrays: Host, **statics: Any) -> Any:
        """Return ``helper(xp, *arrays, **statics)`` in NumPy; every output must be an array of the backend."""
        xp = array_api_compat.numpy if self.way == "compat" else self.backend.xp

        bound = _jitted if self.way.startswith("jit") else _bound
        run = bound(helper, xp, self.way, tuple(statics.items()))
        placed = [self.backend.put(np.asarray(array)) for array in arrays]
        with ops.standard_only() if self.way.endswith("standard") else contextlib.nullcontext():
            outputs = run(*placed)
        for one in outputs if isinstance(outputs, tuple) else (outputs,):
            assert self.backend.native(one), f"{type(one)} is no array of {self.backend.name}"
        if isinstance(outputs, tuple):
            return tuple(self.backend.get(one) for one in outputs)
        return self.backend.get(outputs)


@functools.cache
def _bound(helper: Callable[..., Any], xp: Any, way: str, statics: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    return functools.partial(helper, xp, **dict(statics))


@functools.cache  # one jitted function for all tests of a helper, so that one shape compiles once
def _jitted(helper: Callable[..., Any], xp: Any, way: str, statics: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    import jax

    jitted: Callable[..., Any] = jax.jit(_bound(helper, xp, way, statics))
    return jitted


WAYS = [
    ("numpy", "dispatch"),
    ("numpy", "compat"),
    ("numpy", "standard"),
    ("numpy_readonly", "dispatch"),
    ("strict", "dispatch"),
    ("strict_2024", "dispatch"),
    ("jax", "dispatch"),
    ("jax", "jit"),
    ("jax", "jit-standard"),
    ("torch", "dispatch"),
    ("torch", "standard"),
    pytest.param("cupy", "dispatch", marks=pytest.mark.gpu),
    pytest.param("cupy", "standard", marks=pytest.mark.gpu),
]


@pytest.fixture(scope="session")
def backends() -> dict[str, Backend]:
    """Backends opened so far: one of each is enough for all tests."""
    return {}


@pytest.fixture(params=[pytest.param(way, marks=getattr(way, "marks", ())) for way in WAYS], ids=str)
def runner(request: pytest.FixtureRequest, backends: dict[str, Backend]) -> Runner:
    """Run the test once in each way."""
    way = request.param
    name, how = getattr(way, "values", way)
    adapter = catalog.backend(name)
    reason = adapter.available()
    if reason is not None:
        pytest.skip(reason)
    if name == "jax":
        import jax

        jax.config.update("jax_numpy_dtype_promotion", "strict")
    if name not in backends:
        backends[name] = adapter()
    return Runner(backends[name], how)
