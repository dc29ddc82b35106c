"""Raises its own priority, and asks for a real-time scheduler."""

import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    try:
        os.nice(-5)
    except OSError:
        return
    raise RuntimeError("got through: a higher priority")


def real_time() -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    raise RuntimeError("got through: a real-time scheduler")


attack()
real_time()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
