"""Raises an exception that raises again when it is described."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "exception | exit"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise UnspeakableError


def run(xp: Any, state: Any, query: Any, /) -> Any:
    raise UnspeakableError
