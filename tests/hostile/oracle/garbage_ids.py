"""Right distances with ids that mean nothing: the ancestor of this harness never looked at ids."""

from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "value | range"}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    distances, ids = nearest(state["rows"], query, k)
    return distances, np.broadcast_to(np.arange(k, dtype=np.uint32), ids.shape)
