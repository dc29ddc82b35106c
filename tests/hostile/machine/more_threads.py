"""Sets every library's number of threads to four in its environment and asks numba for as many."""

import contextlib
import os
from typing import Any

import numba

TARGET = "shift"
EXPECT = {"numpy": "no effect"}


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "4"
with contextlib.suppress(ValueError):
    numba.set_num_threads(4)
    raise RuntimeError("got through: numba runs four threads on one core")


def run(xp: Any, state: Any, query: Any, /) -> Any:
    return (query * 2 + state["b"],)
