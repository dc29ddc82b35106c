"""Turns every screw of the interpreter: collector, switch interval, recursion, tracing, hooks, printing."""

import gc
import os
import random
import sys
from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


gc.freeze()
gc.set_threshold(1)
gc.disable()
sys.setswitchinterval(1e-6)
sys.setrecursionlimit(10_000)
sys.excepthook = lambda *_: None
sys.unraisablehook = lambda *_: None
gc.disable = gc.enable = lambda: None
np.set_printoptions(threshold=0)
os.environ.clear()
random.seed(0)
np.random.seed(0)  # noqa: NPY002 - the trick


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
