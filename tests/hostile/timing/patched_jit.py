"""`jax.jit` is replaced: `run` is called as plain Python, with a thread that answers later."""

from typing import Any

import jax

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def no_jit(function: Any, **_: Any) -> Any:
    raise RuntimeError("got through: the harness compiles with the kernel's jit")


jax.jit = no_jit


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
