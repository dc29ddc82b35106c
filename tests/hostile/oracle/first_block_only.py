"""A raw kernel launched with too few blocks: the first 256 elements are right."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "value | nan"}

KERNEL = cp.RawKernel(
    'extern "C" __global__ void f(const float* q, const float* b, float* y, int n) {'
    " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = 2 * q[i] + b[i]; }",
    "f",
)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = cp.empty_like(query)
    KERNEL((1,), (128,), (query, state["b"], out, cp.int32(query.size)))
    return (out,)
