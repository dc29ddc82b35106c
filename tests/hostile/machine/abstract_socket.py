"""Listens on an abstract socket, which no file permission guards, for a helper in another process."""

import contextlib
import socket
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind("\0lar-hostile")
        server.listen()
    raise RuntimeError("got through: an abstract socket")


with contextlib.suppress(OSError):
    attack()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
