"""All of `pq-l2`'s CuPy kernel but the device: every launch that its plan makes, run on the CPU against float64."""

import functools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cuda import nvrtc, on_cpu
from tests.cuda import pq_l2_on_cpu as harness
from tests.cuda.pq_l2_on_cpu import GPU, NARROW, kernel

needs_compiler = pytest.mark.skipif(on_cpu.unavailable() is not None, reason=str(on_cpu.unavailable()))
needs_nvrtc = pytest.mark.skipif(nvrtc.unavailable() is not None, reason=str(nvrtc.unavailable()))
KERNELS = {"tables_1", "tables_2", "tables_4", "select_1x1", "select_1x4", "select_2x4", "select_4x4", "all_distances"}


@functools.cache
def _library() -> on_cpu.Library:
    return on_cpu.Library(on_cpu.build(kernel.source()))


@needs_nvrtc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_every_kernel_compiles_and_keeps_to_its_registers(architecture: str) -> None:
    found = nvrtc.resources(kernel.source(), architecture)
    assert set(found) == KERNELS
    for name, taken in found.items():
        assert taken.spill_bytes == taken.stack_bytes == taken.shared_bytes == 0, name
        several = name in ("select_2x4", "select_4x4")  # one block of 512 threads fills a multiprocessor
        assert taken.registers <= (128 if several else 64), name


@needs_compiler
@pytest.mark.parametrize("order", on_cpu.ORDERS)
def test_every_case_is_right_in_every_order(order: str) -> None:
    run = harness.Run(_library(), order, resident=3)
    for seed, case in enumerate(harness.cases()):
        harness.run_case(run, GPU, seed, case)
    assert {step.kernel for step in run.launched} == KERNELS


@needs_compiler
def test_the_result_does_not_depend_on_the_order() -> None:
    case = ({"n": 2_000, "m": 3, "width": 2, "nq": 2, "centroids": 3}, {"k": 50}, "gaussian")  # 27 distinct rows
    results = [
        harness.run_case(harness.Run(_library(), order, resident=3), device, 1, case)
        for order in on_cpu.ORDERS
        for device in (GPU, kernel.Device(multiprocessors=9, shared_bytes=100_000))
    ]
    for distances, ids in results[1:]:
        assert np.array_equal(distances, results[0][0])
        assert np.array_equal(ids, results[0][1])


@needs_compiler
@pytest.mark.parametrize("statics", [{"k": 3}, {"k": 3, "queries": 2}, {"k": 1_100}])
def test_tables_pass_through_a_small_shared_memory_in_slices(statics: dict[str, int]) -> None:
    device = kernel.Device(2, 2 * NARROW.shared_bytes) if "queries" in statics else NARROW
    run = harness.Run(_library(), "shuffled", resident=2)
    harness.run_case(run, device, 5, ({"n": 1_200, "m": 21, "width": 2, "nq": 3}, statics, "gaussian"))


@needs_compiler
def test_a_batch_shares_its_look_ups_without_being_told_to() -> None:
    run = harness.Run(_library(), "descending")
    case = ({"n": 131_072, "m": 4, "width": 2, "nq": 32}, {"k": 10}, "gaussian")
    harness.run_case(run, kernel.Device(multiprocessors=2, shared_bytes=232_448), 6, case)
    assert [step.kernel for step in run.launched] == ["tables_4", "select_4x4"]


@needs_compiler
@pytest.mark.parametrize("sanitizer", ["memory", "races"])
def test_nothing_is_out_of_bounds_or_unordered(sanitizer: str) -> None:
    library = on_cpu.build(kernel.source(), sanitizer)
    if reason := on_cpu.unavailable(sanitizer):
        pytest.skip(reason)
    done = on_cpu.run_sanitized(sanitizer, "tests.cuda.pq_l2_on_cpu", sanitizer, str(library))
    assert done.returncode == 0, done.stderr
    assert f"launches of {len(KERNELS)} kernels" in done.stdout


sizes = st.fixed_dictionaries(
    {
        "n": st.integers(1, 1 << 30),
        "m": st.integers(1, 512),
        "width": st.integers(1, 64),
        "nq": st.integers(1, 4_096),
        "k": st.one_of(st.integers(1, 1_024), st.integers(1_025, 1 << 20)),
        "queries": st.sampled_from(kernel.SPACE["queries"]),
        "rows": st.sampled_from(kernel.SPACE["rows"]),
        "resident": st.sampled_from(kernel.SPACE["resident"]),
    }
)
devices = st.builds(
    kernel.Device, multiprocessors=st.integers(1, 200), shared_bytes=st.sampled_from([101_376, 166_912, 232_448])
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(device=devices, asked=sizes)
def test_a_plan_covers_every_row_once_and_stays_within_the_device(device: Any, asked: dict[str, int]) -> None:
    plan = kernel.plan(device, **asked)
    tables, scan = plan.launches
    groups, blocks = scan.grid
    names = ("n", "stride", "planes", "slice", "rows_per_block")
    first = 3 if scan.kernel == "all_distances" else 6
    numbers = dict(zip(names, map(int, scan.arguments[first:]), strict=False))
    queries = plan.buffers["tables"][0][-1]

    assert (blocks - 1) * numbers["rows_per_block"] < asked["n"] <= blocks * numbers["rows_per_block"]
    assert (groups - 1) * queries < asked["nq"] <= groups * queries
    assert numbers["stride"] % 4 == 0
    assert asked["n"] <= numbers["stride"] < asked["n"] + 4
    assert numbers["planes"] == -(-asked["m"] // 4)
    assert 1 <= numbers["slice"] <= numbers["planes"]
    assert blocks <= 65_535
    assert scan.block in (256, 512)
    assert scan.shared_bytes <= device.shared_bytes
    assert (tables.grid, tables.block) == ((groups, 4 * numbers["planes"]), 256)
    assert all(isinstance(a, np.uint32) or a in {*plan.buffers, "codes", "codebook", "query"} for a in scan.arguments)
    if scan.kernel != "all_distances":
        capacity = int(scan.arguments[-1])
        assert capacity & (capacity - 1) == 0
        assert capacity >= max(2 * asked["k"], 256)
        assert scan.shared_bytes >= numbers["slice"] * 4_096 * queries + queries * (8 * capacity + 12)
        assert plan.buffers["candidates"][0] == (asked["nq"], asked["k"], blocks)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        kernel.plan(GPU, n=2**32 - 1, m=16, width=8, nq=1, k=10)


def test_lists_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        kernel.plan(NARROW, n=100, m=16, width=8, nq=4, k=1_000, queries=4)


def test_prepare_keeps_every_code() -> None:
    data, _ = harness.inputs(3, n=1_003, m=7, width=2, nq=1, centroids=9)
    state = kernel.prepare(np, data, k=10)
    bytes_ = state["codes"].T.copy().view(np.uint8)
    assert np.array_equal(bytes_[:1_003, :7], data["codes"])
    assert np.array_equal(state["codebook"][:, :, :9], data["codebook"].transpose(0, 2, 1))
    assert state["rows"].shape == (1_003, 0)


_ORDERING = [m.span() for m in re.finditer(r"__(syncthreads|syncwarp|threadfence)\(\);", kernel.source())]


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("which", range(len(_ORDERING)))
def test_every_barrier_and_fence_is_needed_and_missed(which: int) -> None:
    begin, end = _ORDERING[which]
    source = kernel.source()
    library = on_cpu.build(source[:begin] + "(void)0;" + source[end:], "races")
    if reason := on_cpu.unavailable("races"):
        pytest.skip(reason)
    done = on_cpu.run_sanitized("races", "tests.cuda.pq_l2_on_cpu", "races", str(library))
    assert done.returncode != 0
    assert "data race" in done.stderr
