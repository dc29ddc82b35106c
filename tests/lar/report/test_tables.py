"""The text block's fixed names, and the comparison that compares only what can be compared."""

import dataclasses

from tests.lar.report.test_document import outcome

from lar.contracts import Failure, Status
from lar.report import tables, units

NAMES = [
    "correctness",
    "target",
    "backend",
    "device",
    "kernel",
    "shapes_tested",
    "distributions_tested",
    "max_abs_err",
    "geomean_ns_per_query",
    "geomean_ns_ci_90pct",
    "worst_ns_per_query",
    "best_ns_per_query",
    "per_workload_ns",
    "percent_of_limit",
    "prepare_ms",
    "compile_ms",
    "peak_mem_mb",
    "device_peak_mem_mb",
    "total_seconds",
]


def test_the_block_has_its_names_one_a_line_in_order() -> None:
    lines = tables.block(outcome()).splitlines()
    assert [line.split(":")[0] for line in lines] == NAMES
    found = dict(line.split(": ", 1) for line in lines)
    assert found["geomean_ns_per_query"] == "20000.0"
    assert found["geomean_ns_ci_90pct"] == "19800.0 .. 20200.0"
    assert found["worst_ns_per_query"].startswith("30000.0 (dim=128 m=16")
    assert found["peak_mem_mb"] == "200.0"
    assert found["correctness"].startswith("pass (30 cases")


def test_a_failed_outcome_has_the_same_names_and_says_where_it_failed() -> None:
    failure = Failure("value", "too far off", "gaussian/n9", (0, 3), 1.5, 1.25, 0.25, 1e-6)
    bad = outcome(status=Status.INCORRECT, geomean_ns=None, ci90_ns=None, workloads=(), failure=failure)
    lines = tables.block(bad).splitlines()
    assert [line.split(":")[0] for line in lines] == NAMES
    assert lines[0].startswith(
        "correctness: fail (incorrect: value case=gaussian/n9 index=[0, 3] got=1.5 expected=1.25"
    )
    assert "error=0.25 tolerance=1e-06: too far off" in lines[0]


def test_a_fallback_is_said_in_the_block() -> None:
    assert "backend: numpy (requested cupy, not available here)" in tables.block(outcome(requested_backend="cupy"))


def test_the_comparison_is_against_portable_numpy_of_the_same_workloads() -> None:
    base = outcome(kernel="portable", geomean_ns=80_000.0, ci90_ns=(79_000.0, 81_000.0))
    other = dataclasses.replace(outcome(), workload_hash="another")
    lines = tables.comparison([base, outcome(), other]).splitlines()
    assert "1.00" in lines[1]
    assert "4.00" in lines[2]
    assert "not compared" in lines[3]


def test_the_comparison_lists_what_did_not_run_with_its_reason() -> None:
    missing = outcome(
        backend="cupy",
        requested_backend="cupy",
        status=Status.UNAVAILABLE,
        geomean_ns=None,
        ci90_ns=None,
        workloads=(),
        failure=Failure("missing", "no NVIDIA driver"),
    )
    assert "unavailable: no NVIDIA driver" in tables.comparison([missing])


def test_units_keep_four_digits() -> None:
    assert [units.duration(x) for x in (12.345, 12_345.6, 12_345_678.0, 2.5e9, None)] == [
        "12.35 ns",
        "12.35 us",
        "12.35 ms",
        "2.5 s",
        "-",
    ]
