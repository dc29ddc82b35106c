"""NaN everywhere.

A largest error folded with a maximum that skips NaN stays zero: the direct ancestor of this harness kept such a kernel.
"""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "nan", "jax": "nan", "torch": "nan", "cupy": "nan"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (xp.full_like(query, xp.nan),)
