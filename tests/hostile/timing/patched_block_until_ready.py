"""`jax.block_until_ready` waits for nothing.

This one line gave an 84-fold "speed-up" in another harness.
"""

from typing import Any

import jax

TARGET = "shift"
EXPECT = {"jax": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


jax.block_until_ready = lambda one: one
jax.effects_barrier = lambda: None
jax.live_arrays = lambda platform=None: []


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
