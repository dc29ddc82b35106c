"""Every call returns the same array of the module: an output that aliases an earlier one."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "alias"}

BUFFERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = BUFFERS.setdefault(query.shape, np.empty_like(query))
    np.multiply(query, 2, out=out)
    np.add(out, state["b"], out=out)
    return (out,)
