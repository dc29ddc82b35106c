"""Replaces CuPy's events by ones between which hardly any time goes by."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Event:
    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def record(self, stream: Any = None) -> None:
        pass


cp.cuda.Event = Event
cp.cuda.get_elapsed_time = lambda *_: 1e-6


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
