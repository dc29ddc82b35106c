"""Works on a stream of its own that nobody waits for.

Events on the default stream see an empty queue; only a wait for the whole device sees the work (Sakana's kernels, and
several leaderboards after them).
"""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "forged | value | nan"}

STREAM = cp.cuda.Stream(non_blocking=True)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    with STREAM:
        out = query * 2 + state["b"]
    return (out,)
