"""Forks, again and again."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


CHILDREN = 0
for _ in range(3):
    try:
        child = os.fork()
    except OSError:
        continue
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    CHILDREN += 1
if CHILDREN:
    raise RuntimeError(f"got through: {CHILDREN} processes")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
