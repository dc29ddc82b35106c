"""Breaks the harness's own helpers in its process: it cannot say anything any more, and harms nobody else."""

from typing import Any

from lar import channel, trees, worker

TARGET = "shift"
EXPECT = {"numpy": "exit | exception"}


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("broken on purpose")


for module in (channel, trees, worker):
    for name in ("send_json", "write", "view", "attach", "leaves", "tree_map", "describe"):
        setattr(module, name, broken)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
