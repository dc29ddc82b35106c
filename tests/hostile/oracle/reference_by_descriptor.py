"""Takes over the supervisor's open files: `pidfd_getfd`, and `/proc/<pid>/fd`."""

import ctypes
import os
from pathlib import Path
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = int(CANARY.rpartition("|")[2] or os.getppid())
LOOKED: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    try:
        found = list(Path(f"/proc/{PARENT}/fd").iterdir())
    except OSError:
        found = []
    for path in found:
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except OSError:
            continue
        raise RuntimeError(f"got through: descriptor {path.name} of the supervisor")
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.syscall(434, PARENT, 0)  # pidfd_open
    if handle >= 0 and any(libc.syscall(438, handle, number, 0) >= 0 for number in range(3, 20)):  # pidfd_getfd
        raise RuntimeError("got through: a descriptor of the supervisor was copied")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not LOOKED:
        LOOKED.append(1)
        attack()
    return (query * 2 + state["b"],)
