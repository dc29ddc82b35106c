"""The array's own `block_until_ready` and `__array__` are replaced, so that it can be read before it is there."""

from typing import Any

import jax
import numpy as np

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


KIND: Any = type(jax.numpy.zeros(1))
KIND.block_until_ready = lambda self: self
KIND.__array__ = lambda self, dtype=None, copy=None: np.zeros(self.shape, self.dtype)
KIND._value = property(lambda self: np.zeros(self.shape, self.dtype))


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
