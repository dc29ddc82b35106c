"""Patches the worker's backend, so that a query is answered while it is copied in, before the clock starts.

No thread: the work is done by the harness's own call, off the clock. Where arrays are views of the harness's memory
nothing is copied in, and the patched function is never called with a query.
"""

import gc
from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "no effect", "torch": "background"}

PATCHED: list[int] = []
ANSWERS: dict[int, Any] = {}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def answer(rows: Any, query: Any, k: int) -> Any:
    if isinstance(query, np.ndarray):
        return nearest(rows, query, k)
    import torch

    return tuple(torch.from_numpy(one) for one in nearest(rows.numpy(), query.numpy(), k))


def patch() -> None:
    worker = next(one for one in gc.get_objects() if type(one).__name__ == "Worker")
    put = worker.backend.put

    def put_and_answer(array: Any) -> Any:
        query = put(array)
        if worker.states and query.ndim == 2 and query.shape[0] == 1:
            rows = next(reversed(worker.states.values()))["rows"]
            ANSWERS[id(query)] = answer(rows, query, min(5, len(rows)))
        return query

    worker.backend.put = put_and_answer


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    if not PATCHED:
        PATCHED.append(1)
        patch()
    return ANSWERS.pop(id(query), None) or answer(state["rows"], query, k)
