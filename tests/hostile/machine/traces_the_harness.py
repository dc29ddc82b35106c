"""Attaches to the supervisor as a debugger (`ptrace`)."""

import ctypes
import os
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = int(CANARY.rpartition("|")[2] or os.getppid())


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


LIBC = ctypes.CDLL(None, use_errno=True)
if LIBC.ptrace(0x4206, PARENT, 0, 0) == 0:  # PTRACE_SEIZE
    LIBC.ptrace(17, PARENT, 0, 0)  # PTRACE_DETACH
    raise RuntimeError("got through: the supervisor can be traced")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
