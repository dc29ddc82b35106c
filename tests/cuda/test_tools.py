"""The tools that stand in for a GPU find each planted fault, and nothing in what is right."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.cuda import nvrtc, on_cpu, planted

needs_compiler = pytest.mark.skipif(on_cpu.unavailable() is not None, reason=str(on_cpu.unavailable()))
needs_nvrtc = pytest.mark.skipif(nvrtc.unavailable() is not None, reason=str(nvrtc.unavailable()))

OPERATIONS = r"""
extern "C" __global__ void lanes(int* out, unsigned* votes, unsigned long long* wide) {
  const int lane = threadIdx.x;
  int* row = out + 32 * blockIdx.x;
  switch (blockIdx.x) {
    case 0: row[lane] = __shfl_sync(0xffffffffu, lane * lane, 5); break;
    case 1: row[lane] = __shfl_xor_sync(0xffffffffu, lane, 3); break;
    case 2: row[lane] = __shfl_up_sync(0xffffffffu, lane, 2); break;
    case 3: row[lane] = __shfl_down_sync(0xffffffffu, lane, 2); break;
    case 4: row[lane] = lane < 8 ? __shfl_xor_sync(0xffu, lane, 1) : -1; break;
    case 5: row[lane] = __syncthreads_count(lane % 3 == 0); break;
    case 6: row[lane] = __syncthreads_or(lane == 9) + 2 * __syncthreads_and(lane < 31); break;
    case 7: row[lane] = __any_sync(0xffffffffu, lane == 7) + 2 * __all_sync(0xffffffffu, lane >= 0); break;
  }
  if (blockIdx.x == 0) votes[lane] = __ballot_sync(0xffffffffu, lane & 1);
  if (blockIdx.x == 0) wide[lane] = __shfl_sync(0xffffffffu, (unsigned long long)lane << 40, 31 - lane);
}
extern "C" __global__ void atomics(unsigned* out, float* sum) {
  atomicAdd(out, 1u);
  atomicMin(out + 1, threadIdx.x);
  atomicMax(out + 2, threadIdx.x);
  atomicOr(out + 3, 1u << threadIdx.x % 32);
  atomicCAS(out + 4, 17u, threadIdx.x);
  atomicAdd(sum, 0.5f);
}
extern "C" __global__ void vectors(const uint4* in, float2* out, unsigned* bits) {
  __shared__ float2 first[2][2];
  __shared__ unsigned second[4];
  const unsigned i = threadIdx.y * blockDim.x + threadIdx.x;
  const uint4 v = __ldg(in + i);
  first[threadIdx.y][threadIdx.x] = make_float2(float(v.x + v.y), __uint_as_float(v.z));
  second[i] = __popc(v.w) + 100 * __ffs(v.w) + 10000 * __clz(v.w);
  __syncthreads();
  const unsigned at = blockIdx.y * gridDim.x * 4 + blockIdx.x * 4 + i;
  out[at] = first[1 - threadIdx.y][1 - threadIdx.x];
  bits[at] = second[3 - i];
}
"""


@pytest.fixture(scope="module")
def library() -> on_cpu.Library:
    return on_cpu.Library(on_cpu.build(planted.SOURCE))


@pytest.fixture(scope="module")
def operations() -> on_cpu.Library:
    return on_cpu.Library(on_cpu.build(OPERATIONS))


@pytest.fixture(scope="module")
def build_planted() -> Callable[[str], Path]:
    built: dict[str, Path] = {}
    return lambda sanitizer: built.setdefault(sanitizer, on_cpu.build(planted.SOURCE, sanitizer))


@needs_compiler
@pytest.mark.parametrize("order", on_cpu.ORDERS)
def test_right_kernels_are_right_in_every_order(library: on_cpu.Library, order: str) -> None:
    assert planted.run(library, "reverse_right", order).tolist() == list(range(63, -1, -1))
    assert planted.run(library, "total_right", order).tolist() == [64 * (0 + 1 + 2 + 3)]
    assert np.array_equal(planted.run(library, "copy_right", order), np.arange(planted.N))


@needs_compiler
def test_a_missing_barrier_shows_in_some_order(library: on_cpu.Library) -> None:
    right = list(range(63, -1, -1))
    assert any(planted.run(library, "reverse_no_barrier", order).tolist() != right for order in on_cpu.ORDERS)


@needs_compiler
@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ("barrier_for_some", "ended or wait elsewhere"),
        ("barriers_differ", "different barriers"),
        ("lane_outside_its_mask", "not in the mask"),
    ],
)
def test_a_broken_rule_is_named_with_its_place(library: on_cpu.Library, kernel: str, message: str) -> None:
    with pytest.raises(on_cpu.KernelError, match=rf"{kernel}: .*{message}.*thread \d+, line \d+"):
        planted.run(library, kernel)


@needs_compiler
def test_shared_memory_starts_out_as_nan(library: on_cpu.Library) -> None:
    assert np.isnan(planted.run(library, "shared_not_set")).all()


@needs_compiler
@pytest.mark.parametrize(
    "arguments",
    [
        [np.zeros(4, np.float64), np.zeros(4, np.float32), np.uint32(4)],
        [np.zeros(4, np.float32), np.zeros(4, np.float32), np.int64(4)],
        [np.zeros((4, 2), np.float32)[:, 0], np.zeros(4, np.float32), np.uint32(4)],
        [np.zeros(4, np.float32), np.zeros(4, np.float32)],
        [np.float32(4), np.zeros(4, np.float32), np.uint32(4)],
    ],
)
def test_arguments_of_another_type_are_refused(library: on_cpu.Library, arguments: list[object]) -> None:
    with pytest.raises(on_cpu.KernelError, match="argument"):
        library.launch("copy_right", (1,), (32,), arguments)


@needs_compiler
@pytest.mark.parametrize("order", on_cpu.ORDERS)
def test_operations_do_what_cuda_says(operations: on_cpu.Library, order: str) -> None:
    lane = np.arange(32)
    out, votes, wide = np.zeros((8, 32), np.int32), np.zeros(32, np.uint32), np.zeros(32, np.uint64)
    operations.launch("lanes", (8,), (32,), [out, votes, wide], order=order, resident=3)
    expected = [
        np.full(32, 25),
        lane ^ 3,
        np.where(lane < 2, lane, lane - 2),
        np.where(lane > 29, lane, lane + 2),
        np.where(lane < 8, lane ^ 1, -1),
        np.full(32, 11),
        np.full(32, 1),
        np.full(32, 3),
    ]
    assert np.array_equal(out, expected)
    assert set(votes.tolist()) == {0xAAAAAAAA}
    assert np.array_equal(wide, (31 - lane).astype(np.uint64) << np.uint64(40))

    numbers, total = np.array([0, 99, 0, 0, 17], np.uint32), np.zeros(1, np.float32)
    operations.launch("atomics", (3,), (64,), [numbers, total], order=order, resident=2)
    assert numbers[:4].tolist() == [192, 0, 63, 0xFFFFFFFF]
    assert numbers[4] < 64
    assert total[0] == 96

    words = np.arange(16, dtype=np.uint32).reshape(4, 4) + 1
    pairs, bits = np.zeros((2, 3, 4, 2), np.float32), np.zeros((2, 3, 4), np.uint32)
    operations.launch("vectors", (3, 2), (2, 2), [words, pairs, bits], order=order)
    assert np.array_equal(pairs[1, 2, :, 0], (words[:, 0] + words[:, 1])[::-1])
    assert np.array_equal(pairs[0, 0, :, 1].view(np.uint32), words[::-1, 2])
    assert bits[1, 1].tolist() == [270501, 280302, 280401, 290301]  # of 16, 12, 8, 4: set bits, lowest, leading zeros


@needs_compiler
@pytest.mark.parametrize(
    ("sanitizer", "kernel", "finding"),
    [
        ("memory", "copy_past_the_end", "heap-buffer-overflow"),
        ("memory", "shared_past_the_end", "heap-buffer-overflow"),
        ("memory", "load_misaligned", "misaligned address"),
        ("races", "reverse_no_barrier", "data race"),
        ("races", "total_no_fence", "data race"),
        ("races", "total_no_barrier", "data race"),
        ("races", "shuffle_is_no_barrier", "data race"),
        ("memory", "copy_right", None),
        ("races", "reverse_right", None),
        ("races", "total_right", None),
    ],
)
def test_sanitizers_find_what_is_planted_and_nothing_else(
    build_planted: Callable[[str], Path], sanitizer: str, kernel: str, finding: str | None
) -> None:
    if reason := on_cpu.unavailable(sanitizer):
        pytest.skip(reason)
    done = on_cpu.run_sanitized(sanitizer, "tests.cuda.planted", str(build_planted(sanitizer)), kernel)
    if finding is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0
        assert finding in done.stderr


@needs_nvrtc
def test_nvrtc_reports_what_a_kernel_takes() -> None:
    source = """extern "C" __global__ void copy(float* x) {
      __shared__ float room[100];
      room[threadIdx.x] = x[threadIdx.x];
      __syncthreads();
      x[threadIdx.x] = room[99 - threadIdx.x];
    }"""
    taken = nvrtc.resources(source, "sm_90")["copy"]
    assert taken.shared_bytes == 400
    assert 0 < taken.registers < 64
    assert taken.spill_bytes == taken.stack_bytes == 0


@needs_nvrtc
def test_nvrtc_refuses_what_is_not_cuda() -> None:
    with pytest.raises(nvrtc.CompileError, match="undefined_name"):
        nvrtc.resources('extern "C" __global__ void f(float* x) { *x = undefined_name; }', "sm_80")


@needs_nvrtc
def test_nvrtc_reports_spills_and_local_arrays() -> None:
    many = "\n".join(f"float a{i} = x[{i} * n];" for i in range(64))
    total = " + ".join(f"a{i} * a{63 - i}" for i in range(64))
    source = f"""extern "C" __global__ void spills(float* x, int n) {{ {many} __syncthreads(); x[0] = {total}; }}
    extern "C" __global__ void indexes(float* x, int n) {{
      float kept[64];
      for (int i = 0; i < 64; ++i) kept[i] = x[i];
      for (int i = 0; i < n; ++i) kept[int(x[i]) & 63] += 1.0f;
      x[0] = kept[n] + kept[n / 2];
    }}"""
    found = nvrtc.resources(source, "sm_90", ["--maxrregcount=32"])
    assert found["spills"].spill_bytes > 0
    assert found["indexes"].stack_bytes >= 256
