"""A masked array with every element masked: comparisons of masked elements are never false."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (np.ma.array(query, mask=True),)
