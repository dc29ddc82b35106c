"""Arrays of a pool as long as a batch, over and over: what an earlier batch was given is overwritten.

No batch holds one array twice, so its values are right; a caller that keeps a result would see it change.
"""

from typing import Any

import numpy as np

TARGET = "shift"
EXPECT = {"numpy": "alias"}

SIZE = 512
POOLS: dict[Any, Any] = {}
CALLS: dict[Any, int] = {}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    pool = POOLS.setdefault(query.shape, [])
    number = CALLS[query.shape] = CALLS.get(query.shape, -1) + 1
    if len(pool) < SIZE:
        pool.append(np.empty_like(query))
    out = pool[number % SIZE]
    np.multiply(query, 2, out=out)
    np.add(out, state["b"], out=out)
    return (out,)
