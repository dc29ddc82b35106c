"""Which library a namespace belongs to. It is asked by name, so that no library is imported to find out.

A helper may be handed the library itself or array_api_compat's wrapper of it. torch and CuPy implement the standard
through their wrappers only, so helpers go on with those.
"""

import contextlib
import functools
import importlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from array_api_compat import device, is_jax_array

from lar.contracts import Array

_LIBRARIES = ("numpy", "jax", "torch", "cupy")
_dispatching = ContextVar("dispatching", default=True)


@contextlib.contextmanager
def standard_only() -> Iterator[None]:
    """Make every helper take its standard fallback inside the ``with`` block. For tests; JAX decides while tracing."""
    token = _dispatching.set(False)
    try:
        yield
    finally:
        _dispatching.reset(token)


def library(xp: Any) -> str:
    """Return ``numpy``, ``jax``, ``torch``, ``cupy``, or ``standard`` for a namespace that gets the fallbacks."""
    return resolve(xp)[0]


def resolve(xp: Any) -> tuple[str, Any]:
    """Return the library to dispatch on, and the namespace to go on with."""
    name, namespace = _known(xp)
    return (name if _dispatching.get() else "standard"), namespace


def device_of(x: Array) -> Any:
    """Return what to give as ``device=`` to put a new array beside `x`.

    None for JAX: a traced array has no device to ask for, and an array created without one goes where it is needed.
    """
    return None if is_jax_array(x) else device(x)


@functools.cache
def _known(xp: Any) -> tuple[str, Any]:
    name = xp.__name__.removeprefix("array_api_compat.").removesuffix(".numpy")
    if name not in _LIBRARIES:
        return "standard", xp
    if name in {"torch", "cupy"}:
        return name, importlib.import_module(f"array_api_compat.{name}")
    return name, xp
