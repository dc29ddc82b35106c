"""Raises an exception that `except Exception` does not catch."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "signal"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    raise KeyboardInterrupt
