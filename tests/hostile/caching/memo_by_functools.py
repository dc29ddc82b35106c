"""`functools.cache` on the bytes of the query: the honest-looking form of a memo by value."""

import functools
from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


@functools.cache
def answer(rows: bytes, query: bytes, k: int) -> Any:
    table = np.frombuffer(rows, np.float32).reshape(-1, 32)
    distances = np.sum((table - np.frombuffer(query, np.float32)) ** 2, axis=1)
    ids = np.argsort(distances, kind="stable")[:k]
    return distances[ids], ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    rows = state["rows"].tobytes()
    answers = [answer(rows, one.tobytes(), k) for one in query]
    return np.stack([scores for scores, _ in answers]), np.stack([ids for _, ids in answers])
