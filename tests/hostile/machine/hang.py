"""Never returns."""

import time
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "hang"}
SLOW = "waits ten seconds, as long as the harness is patient"


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    while True:
        time.sleep(1)
