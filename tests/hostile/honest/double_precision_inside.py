"""Computes in float64 and rounds once, at the end."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return ((query.astype(np.float64) * 2 + state["b"]).astype(np.float32),)
