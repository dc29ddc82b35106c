"""Reads the supervisor's memory and environment through `/proc`."""

import os
from pathlib import Path
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = CANARY.rpartition("|")[2] or str(os.getppid())
LOOKED: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def read(name: str) -> None:
    try:
        with Path(f"/proc/{PARENT}/{name}").open("rb") as file:
            file.read(1)
    except OSError:
        return
    raise RuntimeError(f"got through: the supervisor's {name}")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not LOOKED:
        LOOKED.append(1)
        for name in ("mem", "environ", "maps"):
            read(name)
    return (query * 2 + state["b"],)
