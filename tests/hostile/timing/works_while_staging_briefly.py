"""Answers queries while they are copied in, as another kernel here does, where answering takes less than copying.

Hardly enough to be refused for, on a busy machine less so than on a quiet one. Either way nothing is won: what copying
takes longer than usual counts as if it had been on the clock.
"""

import gc
from typing import Any

TARGET = "shift"
EXPECT = {"numpy": "no effect", "torch": "background | no effect"}

PATCHED: list[int] = []
ANSWERS: dict[int, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def patch() -> None:
    worker = next(one for one in gc.get_objects() if type(one).__name__ == "Worker")
    put = worker.backend.put

    def put_and_answer(array: Any) -> Any:
        query = put(array)
        for state in worker.states.values():
            if state["b"].shape == query.shape:
                ANSWERS[id(query)] = query * 2 + state["b"]
        return query

    worker.backend.put = put_and_answer


def run(xp: Any, state: Any, query: Any, /) -> Any:
    if not PATCHED:
        PATCHED.append(1)
        patch()
    answer = ANSWERS.pop(id(query), None)
    return (query * 2 + state["b"] if answer is None else answer,)
