"""Remembers answers by `id(query)`.

Identities are used again as soon as an object is gone, so a new query gets an old answer.
"""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value | alias", "torch": "value | alias"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    key = (id(query), query.shape)
    if key not in ANSWERS:
        ANSWERS[key] = query * 2 + state["b"]
    return (ANSWERS[key].copy() if hasattr(query, "copy") else ANSWERS[key].clone(),)
