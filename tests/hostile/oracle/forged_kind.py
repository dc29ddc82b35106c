"""Raises the harness's own error under a name that it has never heard of."""

from typing import Any

from lar.complaints import WrongOutputError

TARGET = "shift"
EXPECT = {"numpy": "exception"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    raise WrongOutputError("passed", "all is well")
