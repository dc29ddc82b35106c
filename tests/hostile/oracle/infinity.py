"""Infinity: the difference of two infinities is not a number, and no number is above it."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "nan", "jax": "nan"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (xp.full_like(query, xp.inf),)
