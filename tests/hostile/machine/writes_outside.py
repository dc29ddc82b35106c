"""Writes files beside its own source and above it, where the harness keeps its temporary folders."""

import contextlib
from pathlib import Path
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
FOLDER = CANARY.partition("|")[0]


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


for folder in (FOLDER, str(Path(FOLDER).parent)):
    with contextlib.suppress(OSError):
        Path(folder, "written").write_text("got through", encoding="utf-8")
        Path(__file__).chmod(0o600)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
