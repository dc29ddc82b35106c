"""Two arrays in turn: neighbouring outputs differ, and those two calls apart are one."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "alias | value"}

BUFFERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    pair = BUFFERS.setdefault(query.shape, [np.empty_like(query), np.empty_like(query)])
    pair.reverse()
    np.multiply(query, 2, out=pair[0])
    np.add(pair[0], state["b"], out=pair[0])
    return (pair[0],)
