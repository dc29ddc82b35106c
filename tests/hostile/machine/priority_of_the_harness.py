"""Lowers the priority of the supervisor and moves it to one core: whoever is timed next is timed badly."""

import contextlib
import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = int(CANARY.rpartition("|")[2] or os.getppid())


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    try:
        os.sched_setaffinity(PARENT, os.sched_getaffinity(PARENT))
    except OSError:
        os.setpriority(os.PRIO_PROCESS, PARENT, os.getpriority(os.PRIO_PROCESS, PARENT))
    raise RuntimeError("got through: the supervisor's settings can be changed")


with contextlib.suppress(OSError):
    attack()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
