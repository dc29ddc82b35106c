"""Makes namespaces of its own, in which it is root."""

import ctypes
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


LIBC = ctypes.CDLL(None, use_errno=True)
if LIBC.unshare(0x10000000) == 0:  # CLONE_NEWUSER
    raise RuntimeError("got through: a user namespace")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
