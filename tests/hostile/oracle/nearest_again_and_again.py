"""The nearest row k times over, each with its right distance."""

from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "duplicate"}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    distances, ids = nearest(state["rows"], query, 1)
    return np.repeat(distances, k, axis=1), np.repeat(ids, k, axis=1)
