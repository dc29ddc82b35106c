"""A second stream, forked from the current one and joined with it by events."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "passes"}

STREAM = cp.cuda.Stream(non_blocking=True)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    here = cp.cuda.get_current_stream()
    STREAM.wait_event(here.record())
    with STREAM:
        out = query * 2 + state["b"]
    here.wait_event(STREAM.record())
    return (out,)
