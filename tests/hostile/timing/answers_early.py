"""Patches the worker so that it says "done" first and computes afterwards.

A batch then lasts as long as a handshake, whatever is computed.
"""

import time
from typing import Any

import numpy as np

from lar.channel import DONE, RUN
from lar.worker import Worker

TARGET = "nearest"
EXPECT = {"numpy": "background | forged | protocol"}


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def early(worker: Any, frame: bytes) -> bytes:
    nonce, number, first, calls, _ = RUN.unpack(frame)
    began = time.perf_counter_ns()
    case = worker.cases[number]
    worker.kept = (number, Later(case.call, case.staged[first : first + calls]))
    return DONE.pack(nonce, calls, time.perf_counter_ns() - began, 0)


class Later(list[Any]):
    def __init__(self, call: Any, queries: Any) -> None:
        super().__init__()
        self.todo = call, queries

    def __iter__(self) -> Any:
        call, queries = self.todo
        return iter([call(query) for query in queries])

    def __len__(self) -> int:
        return len(self.todo[1])

    def __getitem__(self, index: Any) -> Any:
        return ()


PATCHED: Any = Worker
PATCHED.run = early


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    return nearest(state["rows"], query, k)
