"""Looks for the queries while the data set is prepared, which is not timed.

No query of a data set is handed over before `prepare` has returned: what lies about then was asked of another one.
"""

import gc
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect"}

SEEN: set[bytes] = set()


def prepare(xp: Any, data: Any) -> Any:
    workers = [one for one in gc.get_objects() if type(one).__name__ == "Worker"]
    SEEN.update(query.tobytes() for one in workers for case in one.cases.values() for query in case.staged)
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if query.nbytes >= 400 and query.tobytes() in SEEN:
        raise RuntimeError("got through: a query was there before its data set was prepared")
    return (query * 2 + state["b"],)
