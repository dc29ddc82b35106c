"""Collects memory in pieces until there is none."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "memory | signal"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    pieces = []
    while True:
        pieces.append(np.empty(1 << 30, np.uint8))  # untouched pages cost the machine nothing, and count all the same
