"""Compiles with static arguments of its own and donates an intermediate result."""

import functools
from typing import Any

import jax

TARGET = "shift"
EXPECT = {"jax": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


@functools.partial(jax.jit, static_argnames=("factor",), donate_argnums=(0,))
def scaled(one: Any, factor: int) -> Any:
    return one * factor


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (scaled(query + 0, factor=2) + state["b"],)
