"""Ends the worker without a word, with the exit code of success."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "exit"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    os._exit(0)
