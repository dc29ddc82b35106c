"""Ends the worker politely, with the exit code of success."""

import sys
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "exit"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    sys.exit(0)
