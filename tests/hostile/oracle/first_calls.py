"""Right for as many calls as a battery makes, and lazy after that."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "value"}

CALLS: list[int] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    CALLS.append(1)
    if len(CALLS) > 40:
        return (query * 2,)
    return (query * 2 + state["b"],)
