"""Closes every descriptor it has, the harness's socket among them."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "exit"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    os.closerange(3, 1_000)
    return (query * 2 + state["b"],)
