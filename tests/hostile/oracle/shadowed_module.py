"""Writes modules of the harness's names beside itself and into the current folder, for the next process to import."""

import contextlib
import sys
from pathlib import Path
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def shadow(folder: Path) -> None:
    for name in ("numpy.py", "sitecustomize.py", "reference.py"):
        with contextlib.suppress(OSError):
            (folder / name).write_text("raise RuntimeError('got through')", encoding="utf-8")


shadow(Path.cwd())
shadow(Path(__file__).parent)
sys.modules["lar.oracle"] = None  # type: ignore[assignment]  # the trick


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
