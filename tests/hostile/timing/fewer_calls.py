"""Patches the worker so that it makes every second call of a batch and says that it made all."""

import time
from typing import Any

from lar.channel import DONE, RUN
from lar.worker import Worker

TARGET = "shift"
EXPECT = {"numpy": "value | count | protocol"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def every_second(worker: Any, frame: bytes) -> bytes:
    nonce, number, first, calls, _ = RUN.unpack(frame)
    began = time.perf_counter_ns()
    case = worker.cases[number]
    outputs = [case.call(query) for query in case.staged[first : first + calls : 2] for _ in range(2)]
    worker.kept = (number, [tuple(one.copy() for one in output) for output in outputs[:calls]])
    return DONE.pack(nonce, calls, time.perf_counter_ns() - began, 0)


PATCHED: Any = Worker
PATCHED.run = every_second


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
