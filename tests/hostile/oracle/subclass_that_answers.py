"""A subclass of array that answers NumPy's functions itself (`__array_function__`)."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Evasive(np.ndarray[Any, Any]):
    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return True


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (np.empty_like(query).view(Evasive),)
