"""Two threads share the work and are joined before the call returns."""

import threading
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "passes"}
THREADS = 2


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def half(out: Any, query: Any, b: Any) -> None:
    np.multiply(query, 2, out=out)
    np.add(out, b, out=out)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out, middle = np.empty_like(query), query.shape[0] // 2
    parts = [slice(0, middle), slice(middle, None)]
    threads = [threading.Thread(target=half, args=(out[s], query[s], state["b"][s])) for s in parts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return (out,)
