"""A timer's signal handler fills the outputs, once the worker waits for its next job."""

import signal
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "value | nan | background"}

WAITING: list[Any] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def finish(out: Any, query: Any, b: Any) -> None:
    np.multiply(query, 2, out=out)
    np.add(out, b, out=out)


def handler(number: int, frame: Any) -> None:
    while WAITING:
        finish(*WAITING.pop())


signal.signal(signal.SIGALRM, handler)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = np.full_like(query, np.nan)
    WAITING.append((out, query, state["b"]))
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    return (out,)
