"""A Pallas kernel, interpreted where there is no accelerator."""

from typing import Any

import jax
from jax.experimental import pallas as pl

TARGET = "shift"
EXPECT = {"jax": "passes"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def body(query: Any, b: Any, out: Any) -> None:
    out[...] = query[...] * 2 + b[...]


def run(xp: Any, state: Any, query: Any, /) -> Any:
    kind = jax.ShapeDtypeStruct(query.shape, query.dtype)
    return (pl.pallas_call(body, out_shape=kind, interpret=True)(query, state["b"]),)
