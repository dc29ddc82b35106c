"""Sends the worker's answer itself, before anything was computed, with a nonce of its own making."""

import os
import socket
from typing import Any

from lar.channel import DONE

TARGET = "shift"
EXPECT = {"numpy": "protocol"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    for number in range(3, 64):
        try:
            socket.socket(fileno=os.dup(number)).send(b"D" + DONE.pack(b"12345678", 1, 1, 0))
        except OSError:
            continue
    return (query * 2 + state["b"],)
