"""A subclass of array that computes when it is compared (`__array_ufunc__`)."""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Agreeable(np.ndarray[Any, Any]):
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return np.bool_(True)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (np.empty_like(query).view(Agreeable),)
