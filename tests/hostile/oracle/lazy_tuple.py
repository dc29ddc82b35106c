"""A subclass of tuple that computes its elements when they are asked for, which is off the clock."""

from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "type"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


class Later(tuple[Any, ...]):
    __slots__ = ()

    def __iter__(self) -> Any:
        query, b = (tuple.__getitem__(self, i) for i in range(2))
        yield query * 2 + b

    def __len__(self) -> int:
        return 1


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return Later((query, state["b"]))
