"""Keeps a generator alive between calls and sends each query into it."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes"}

WAITING: dict[int, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def answers(b: Any) -> Any:
    out = None
    while True:
        query = yield out
        out = query * 2 + b


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if id(state["b"]) not in WAITING:
        waiting = answers(state["b"])
        next(waiting)
        WAITING[id(state["b"])] = (state["b"], waiting)  # the array is kept, so that its id is nobody else's
    return (WAITING[id(state["b"])][1].send(query),)
