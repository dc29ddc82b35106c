"""The same in moderation: half of the calls before the answer and half after it, so that no figure is impossible."""

import time
from typing import Any

import numpy as np

from lar.channel import DONE, RUN
from lar.worker import Worker

TARGET = "nearest"
EXPECT = {"numpy": "background"}


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
    queries = case.staged[first : first + calls]
    half = (len(queries) + 1) // 2
    worker.kept = (number, Later([case.call(query) for query in queries[:half]], case.call, queries[half:]))
    return DONE.pack(nonce, calls, time.perf_counter_ns() - began, 0)


class Later(list[Any]):
    def __init__(self, done: Any, call: Any, queries: Any) -> None:
        super().__init__(done)
        self.todo = call, queries

    def __iter__(self) -> Any:
        call, queries = self.todo
        return iter([*super().__iter__(), *(call(query) for query in queries)])

    def __len__(self) -> int:
        return super().__len__() + len(self.todo[1])

    def __getitem__(self, index: Any) -> Any:
        return ()


PATCHED: Any = Worker
PATCHED.run = early


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    return nearest(state["rows"], query, k)
