"""Nothing at all: there is no element that is wrong."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "count", "jax": "count"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return ()
