"""The same while it is being imported, when a backend may really be missing."""

from typing import Any

from lar.complaints import WrongOutputError

TARGET = "shift"
EXPECT = {"numpy": "import"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


raise WrongOutputError("missing", "no such device")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    raise NotImplementedError
