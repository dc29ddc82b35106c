"""Writes without end to its standard output, which the harness keeps."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "output"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    while True:
        os.write(1, b"x" * (1 << 20))
