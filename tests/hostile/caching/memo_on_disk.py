"""Keeps answers in the folder for compiled code, which the processes of one run share.

What one process writes there the next can read; no query comes twice, so that it is of no use.
"""

import contextlib
import hashlib
import os
import pathlib
from typing import Any

import numpy as np

TARGET = "nearest"
EXPECT = {"numpy": "no effect"}

SEEN: set[str] = set()


def prepare(xp: Any, data: Any, *, k: int) -> Any:
    return {"rows": data["rows"]}


def nearest(rows: Any, query: Any, k: int) -> Any:
    distances = np.stack([np.sum((rows - one) ** 2, axis=1) for one in query])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, ids, axis=1), ids.astype(np.uint32)


def run(xp: Any, state: Any, query: Any, /, *, k: int) -> Any:
    key = hashlib.sha256(query.tobytes() + state["rows"][:1].tobytes()).hexdigest()
    path = pathlib.Path(os.environ["NUMBA_CACHE_DIR"], f"{key}.npz")
    if key not in SEEN and path.exists():
        raise RuntimeError("got through: a query came again in another process")
    scores, ids = nearest(state["rows"], query, k)
    SEEN.add(key)
    if len(SEEN) < 200:
        with contextlib.suppress(OSError):
            np.savez(path, scores=scores, ids=ids)
    return scores, ids
