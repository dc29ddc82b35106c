"""A host callback hands back memory that a thread fills after the program has ended."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

TARGET = "shift"
EXPECT = {"jax": "value | nan | background"}

POOL = ThreadPoolExecutor(1)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def finish(out: Any, query: Any, b: Any) -> None:
    np.multiply(query, 2, out=out)
    np.add(out, b, out=out)


def later(query: Any, b: Any) -> Any:
    out = np.full(query.shape, np.nan, np.float32)
    POOL.submit(finish, out, np.asarray(query), np.asarray(b))
    return out


def run(xp: Any, state: Any, query: Any, /) -> Any:
    kind = jax.ShapeDtypeStruct(query.shape, query.dtype)
    return (jax.pure_callback(later, kind, query, state["b"]),)
