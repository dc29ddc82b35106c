"""A host callback remembers answers by value; no query comes twice on the clock."""

from typing import Any

import jax
import numpy as np

TARGET = "shift"
EXPECT = {"jax": "no effect"}

ANSWERS: dict[Any, Any] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def answer(query: Any, b: Any) -> Any:
    key = np.asarray(query).tobytes() + np.asarray(b)[:1].tobytes()
    if key not in ANSWERS:
        ANSWERS[key] = np.asarray(query) * 2 + np.asarray(b)
    return ANSWERS[key]


def run(xp: Any, state: Any, query: Any, /) -> Any:
    kind = jax.ShapeDtypeStruct(query.shape, query.dtype)
    return (jax.pure_callback(answer, kind, query, state["b"]),)
