"""Sends a frame that is no answer at all."""

import os
import socket
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "protocol"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    for number in range(3, 64):
        try:
            socket.socket(fileno=os.dup(number)).send(b"Z")
        except OSError:
            continue
    return (query * 2 + state["b"],)
