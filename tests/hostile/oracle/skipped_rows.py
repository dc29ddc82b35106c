"""Only half of the rows are looked at when it counts: right distances of rows that are not the nearest.

What a returned id says of itself is right, so only the full reference, on calls picked at random, can tell.
"""

from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "value"}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    rows = state["rows"]
    return nearest(rows[: len(rows) // 2] if len(rows) > 1_000 else rows, query, k)
