"""The right values as float64, which compare equal."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "dtype"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query.astype(np.float64) * 2 + state["b"],)
