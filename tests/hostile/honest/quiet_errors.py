"""Computes under its own floating-point error state, and looks at NaN on purpose."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    with np.errstate(all="ignore"):
        unknown = np.log(-np.abs(query) - 1)
        return (np.where(np.isnan(unknown), query * 2 + state["b"], 0).astype(np.float32),)
