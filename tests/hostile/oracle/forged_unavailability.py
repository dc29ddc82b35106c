"""Says that its backend is missing, which is no failure of the kernel's.

A trial that ends as unavailable is not held against whoever wrote the kernel.
"""

from typing import Any

from lar.complaints import WrongOutputError

TARGET = "shift"
EXPECT = {"numpy": "exception"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    raise WrongOutputError("missing", "no such device")
