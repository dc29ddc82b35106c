"""Starts a program."""

import subprocess
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


try:
    subprocess.run(["/bin/true"], check=False)
except OSError:
    pass
else:
    raise RuntimeError("got through: a program was started")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
