"""Never returns, and ignores every signal that can be ignored."""

import contextlib
import signal
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "hang"}
SLOW = "waits ten seconds, as long as the harness is patient"


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass
