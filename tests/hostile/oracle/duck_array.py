"""An object that is no array and turns into one when it is copied (`__array__`), off the clock."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "type", "jax": "type | exception"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Later:
    def __init__(self, query: Any, b: Any) -> None:
        self.query, self.b, self.shape, self.dtype = query, b, query.shape, query.dtype

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.query) * 2 + np.asarray(self.b)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (Later(query, state["b"]),)
