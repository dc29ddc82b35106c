"""A raw kernel, compiled by NVRTC on the first call, launched on the current stream."""

from typing import Any

import cupy as cp

TARGET = "shift"
EXPECT = {"cupy": "passes"}

KERNEL = cp.RawKernel(
    'extern "C" __global__ void f(const float* q, const float* b, float* y, int n) {'
    " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = 2 * q[i] + b[i]; }",
    "f",
)


def prepare(xp: Any, data: Any) -> Any:
    return {"b": data["b"]}


def run(xp: Any, state: Any, query: Any, /) -> Any:
    out = cp.empty_like(query)
    KERNEL(((query.size + 127) // 128,), (128,), (query, state["b"], out, cp.int32(query.size)))
    return (out,)
