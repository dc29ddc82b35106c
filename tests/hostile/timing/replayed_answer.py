"""Patches the worker so that it sends its first answer over and over."""

from typing import Any

from lar.worker import Worker

TARGET = "shift"
EXPECT = {"numpy": "protocol"}

FIRST: list[bytes] = []


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def replay(worker: Any, frame: bytes) -> bytes:
    FIRST.append(honest(worker, frame))
    return FIRST[0]


honest = Worker.run
PATCHED: Any = Worker
PATCHED.run = replay


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
