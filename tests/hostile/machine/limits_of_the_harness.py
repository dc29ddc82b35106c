"""Sets a resource limit of the supervisor, to have it killed in a while."""

import os
import resource
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

CANARY = ""
PARENT = int(CANARY.rpartition("|")[2] or os.getppid())


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


try:
    resource.prlimit(PARENT, resource.RLIMIT_CPU, resource.prlimit(PARENT, resource.RLIMIT_CPU))
except OSError:
    pass
else:
    raise RuntimeError("got through: the supervisor's limits can be set")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
