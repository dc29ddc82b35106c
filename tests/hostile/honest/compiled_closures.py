"""Writes and compiles a function for each shape on its first call."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "passes", "jax": "passes", "torch": "passes"}

BUILT: dict[int, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def build(n: int) -> Any:
    space: dict[str, Any] = {}
    exec(f"def answer(query, b):\n    return query[:{n}] * 2 + b[:{n}]", space)
    return space["answer"]


def run(xp: Any, state: Any, query: Any, /) -> Any:
    n = query.shape[0]
    if n not in BUILT:
        BUILT[n] = build(n)
    return (BUILT[n](query, state["b"]),)
