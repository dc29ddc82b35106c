"""Kernels with one fault each, beside right ones: what the tools in this folder must find, and must not.

Run as a script, with a library compiled for a sanitizer and a kernel's name, it runs that kernel.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from tests.cuda.on_cpu import Library

N = 300
SOURCE = r"""
// Reverse the threads' numbers through shared memory.
template <bool BARRIER>
__device__ void reverse(unsigned* out) {
  __shared__ unsigned seen[64];
  seen[threadIdx.x] = threadIdx.x;
  if (BARRIER) __syncthreads();
  out[threadIdx.x] = seen[63 - threadIdx.x];
}
extern "C" __global__ void reverse_right(unsigned* out) { reverse<true>(out); }
extern "C" __global__ void reverse_no_barrier(unsigned* out) { reverse<false>(out); }

// The last block to finish adds up what all blocks wrote.
template <bool FENCE, bool BARRIER>
__device__ void total(unsigned* parts, unsigned* tickets, unsigned* out) {
  parts[blockIdx.x * 64 + threadIdx.x] = blockIdx.x;
  if (BARRIER) __syncthreads();
  bool last = false;
  if (threadIdx.x == 0) {
    if (FENCE) __threadfence();
    last = atomicAdd(tickets, 1u) == gridDim.x - 1;
    if (FENCE) __threadfence();
  }
  if (!__syncthreads_or(last) || threadIdx.x > 0) return;
  *out = 0;
  for (unsigned i = 0; i < gridDim.x * 64; ++i) *out += parts[i];
}
extern "C" __global__ void total_right(unsigned* p, unsigned* t, unsigned* o) { total<true, true>(p, t, o); }
extern "C" __global__ void total_no_fence(unsigned* p, unsigned* t, unsigned* o) { total<false, true>(p, t, o); }
extern "C" __global__ void total_no_barrier(unsigned* p, unsigned* t, unsigned* o) { total<true, false>(p, t, o); }

// A shuffle exchanges registers; it does not order memory as __syncwarp does.
extern "C" __global__ void shuffle_is_no_barrier(unsigned* out) {
  extern __shared__ unsigned mail[];
  mail[threadIdx.x] = threadIdx.x;
  __shfl_sync(0xffffffffu, 1, 0);
  out[threadIdx.x] = mail[31 - threadIdx.x];
}

extern "C" __global__ void copy_right(const float* in, float* out, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = in[i];
}
extern "C" __global__ void copy_past_the_end(const float* in, float* out, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = in[i + 1];
}
extern "C" __global__ void shared_past_the_end(float* out) {
  extern __shared__ float room[];
  room[threadIdx.x + 1] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = room[threadIdx.x];
}
extern "C" __global__ void load_misaligned(const float* in, float* out) {
  out[threadIdx.x] = reinterpret_cast<const float4*>(in + 1)[threadIdx.x].x;
}

extern "C" __global__ void barrier_for_some(unsigned* out) {
  if (threadIdx.x < 32) __syncthreads();
  out[threadIdx.x] = 1;
}
extern "C" __global__ void barriers_differ(unsigned* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}
extern "C" __global__ void lane_outside_its_mask(unsigned* out) { out[threadIdx.x] = __ballot_sync(1u, 1); }
extern "C" __global__ void shared_not_set(float* out) {
  extern __shared__ float room[];
  out[threadIdx.x] = room[threadIdx.x];
}
"""


def run(library: Library, kernel: str, order: str = "ascending") -> Any:
    """Run one of them and return what it wrote."""
    out: Any
    if kernel.startswith("total"):
        out = np.full(1, 7, np.uint32)
        parts, tickets = np.full(4 * 64, 100, np.uint32), np.zeros(1, np.uint32)
        library.launch(kernel, (4,), (64,), [parts, tickets, out], order=order, resident=4)
    elif kernel.startswith("copy"):
        values = np.arange(N, dtype=np.float32)
        out = np.full(N, np.nan, np.float32)
        library.launch(kernel, (2,), (256,), [values, out, np.uint32(N)], order=order)
    elif kernel == "load_misaligned":
        out = np.full(32, np.nan, np.float32)
        library.launch(kernel, (1,), (32,), [np.ones(4 * 33, np.float32), out], order=order)
    else:
        threads = 32 if kernel.startswith("shuffle") else 64
        dtype = np.float32 if kernel.startswith("shared") else np.uint32
        out = np.zeros(threads, dtype)
        library.launch(kernel, (1,), (threads,), [out], shared_bytes=4 * threads, order=order)
    return out


if __name__ == "__main__":
    run(Library(Path(sys.argv[1])), sys.argv[2], *sys.argv[3:])
