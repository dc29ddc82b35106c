"""Memory as it was found, in the hope that it is that of a freed right answer.

`numpy.empty` really does return the bytes of an array of that size which was freed a moment ago. robust-kbench met it
on a GPU, whose caching allocator does the same.
"""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "value | nan"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    answer = query * 2 + state["b"] if query.shape[0] < 2 else None
    del answer
    return (np.empty_like(query),)
