"""Imports the target and answers with its reference.

The reference is public and must be readable; it is plain and slow, so whoever calls it has the time of the reference.
"""

from typing import Any

import numpy as np

from lar import catalog

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    target: Any = catalog.target("shift")
    case = target.workloads(0, "small", (1,))[0]
    return (target.reference(case, {"b": state["b"]}, query).values[0].astype(np.float32),)
