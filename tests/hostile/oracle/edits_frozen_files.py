"""Opens the oracle, the target and the reference for writing.

A harness that reads them again for the next kernel would read the edited ones.
"""

from pathlib import Path
from typing import Any

from lar import oracle, supervisor, targets

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    for path in (oracle.__file__, supervisor.__file__, f"{targets.__path__[0]}/shift/__init__.py"):
        try:
            Path(path).open("r+b").close()
        except OSError:
            continue
        raise RuntimeError(f"got through: {path} can be written")


attack()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
