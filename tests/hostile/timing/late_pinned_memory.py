"""Returns an array over pinned host memory, which a host thread fills off the clock."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cupy as cp
import numpy as np

TARGET = "shift"
EXPECT = {"cupy": "value | nan | background"}

POOL = ThreadPoolExecutor(64)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def later(host: Any, query: Any, b: Any) -> None:
    time.sleep(0.02)
    host[:] = cp.asnumpy(query) * 2 + cp.asnumpy(b)


def run(xp: Any, state: Any, query: Any, /) -> Any:
    memory = cp.cuda.alloc_pinned_memory(query.nbytes)
    host = np.frombuffer(memory, np.float32, query.size)
    host[:] = np.nan
    POOL.submit(later, host, query, state["b"])
    base = cp.cuda.UnownedMemory(memory.ptr, query.nbytes, memory)
    return (cp.ndarray(query.shape, query.dtype, cp.cuda.MemoryPointer(base, 0)),)
