"""The same, with the thread asleep until the clock has stopped: it works while outputs are collected."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "value | nan | background"}

POOL = ThreadPoolExecutor(64)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def finish(out: Any, query: Any, b: Any) -> None:
    np.multiply(query, 2, out=out)
    np.add(out, b, out=out)


def later(out: Any, query: Any, b: Any) -> None:
    time.sleep(0.02)
    finish(out, query, b)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = np.full_like(query, np.nan)
    POOL.submit(later, out, query, state["b"])
    return (out,)
