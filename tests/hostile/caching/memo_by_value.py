"""Remembers answers by the bytes of the query: right, and idle as long as no query comes twice on the clock."""

from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "no effect"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    key = (query.tobytes(), k, state["rows"][:1].tobytes())
    if key not in ANSWERS:
        ANSWERS[key] = nearest(state["rows"], query, k)
    scores, ids = ANSWERS[key]
    return scores.copy(), ids.copy()
