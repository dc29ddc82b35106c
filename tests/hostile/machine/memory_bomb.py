"""Asks for more memory than there is."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "memory"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (np.ones(1 << 44, np.float32)[: query.shape[0]],)
