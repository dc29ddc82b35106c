"""Opens a connection, to hand the questions on or to fetch the answers."""

import contextlib
import socket
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def attack() -> None:
    port = int(CANARY.split("|")[1]) if CANARY else 9
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
        link.settimeout(1.0)
        link.connect(("127.0.0.1", port))
    raise RuntimeError("got through: a connection")


with contextlib.suppress(OSError):
    attack()


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
