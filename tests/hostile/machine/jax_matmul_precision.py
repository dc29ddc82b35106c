"""Lowers the precision of all of JAX's products, of others too."""

from typing import Any

import jax

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


jax.config.update("jax_default_matmul_precision", "bfloat16")
jax.config.update("jax_debug_nans", True)
jax.config.update("jax_default_device", jax.devices("cpu")[0])


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
