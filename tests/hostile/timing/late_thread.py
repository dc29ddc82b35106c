"""A background thread fills the outputs once no more calls come in, after the clock has stopped.

The un-awaited result of every asynchronous backend, made by hand: KernelBench met it as a second CUDA stream.
"""

import threading
import time
from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "nan | background"}

WAITING: list[Any] = []


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def work() -> None:
    before = 0
    while True:
        time.sleep(0.0002)
        if len(WAITING) == before:
            while WAITING:
                outputs, arguments = WAITING.pop(0)
                for out, answer in zip(outputs, nearest(*arguments), strict=True):
                    out[...] = answer
        before = len(WAITING)


threading.Thread(target=work, daemon=True).start()


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    outputs = np.full((len(query), k), np.nan, np.float32), np.zeros((len(query), k), np.uint32)
    WAITING.append((outputs, (state["rows"], query, k)))
    return outputs
