"""Switches JAX to 64 bits for everybody in its process."""

from typing import Any

import jax

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


jax.config.update("jax_enable_x64", True)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
