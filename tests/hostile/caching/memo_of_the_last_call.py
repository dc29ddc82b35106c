"""Answers with the result of the call before, which a timing loop over one input would never notice."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value", "cupy": "value"}

LAST: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    before = LAST.get(query.shape)
    LAST[query.shape] = query * 2 + state["b"]
    return ((LAST[query.shape] if before is None else before).copy(),)
