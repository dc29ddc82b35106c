"""`numpy.ndarray` itself is replaced by the subclass, so that an exact comparison of types holds."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Lazy(np.ndarray[Any, Any]):
    pass


np.ndarray = Lazy  # type: ignore[misc]  # the trick


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return ((query * 2 + state["b"]).view(Lazy),)
