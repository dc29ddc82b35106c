"""Sends signals to the supervisor and to everybody: stopped, it would read its clock late."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = int(CANARY.rpartition("|")[2] or os.getppid())


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


for target in (PARENT, 1, -1):
    try:
        os.kill(target, 0)  # nothing is sent: whether it might be is the question
    except OSError:
        continue
    raise RuntimeError(f"got through: signals to {target}")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
