"""The right values in the other byte order, which compare equal."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "dtype"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return ((query * 2 + state["b"]).astype(">f4"),)
