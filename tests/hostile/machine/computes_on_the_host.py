"""Copies everything to the host, computes there and copies the answer back: right, and no GPU kernel at all.

It has the time of its copies by every clock.
"""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (cp.asarray(cp.asnumpy(query) * 2 + cp.asnumpy(state["b"])),)
