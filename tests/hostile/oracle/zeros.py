"""Zeros of the right shape.

KernelBench passed zeros on four of its sixty level-1 tasks: the expected values were below the tolerance.
"""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value", "jax": "value", "torch": "value", "cupy": "value"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (xp.zeros_like(query),)
