"""Remembers answers by value for the pass that measures the other of a device's two figures."""

from typing import Any

import cupy as cp

TARGET = "nearest"
EXPECT = {"cupy": "no effect"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    key = (cp.asnumpy(query).tobytes(), k, len(state["rows"]), float(state["rows"][0, 0]))
    if key not in ANSWERS:
        distances = cp.stack([cp.sum((state["rows"] - one) ** 2, axis=1) for one in query])
        ids = cp.argsort(distances, axis=1)[:, :k]
        ANSWERS[key] = cp.take_along_axis(distances, ids, axis=1), ids.astype(cp.uint32)
    scores, ids = ANSWERS[key]
    return scores.copy(), ids.copy()
