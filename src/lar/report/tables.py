"""Outcomes as text: one block each with fixed names, one ``name: value`` a line, and a comparison of several."""

from collections.abc import Sequence

from lar.contracts import Outcome, Status
from lar.report.units import duration, failure_line, mebibytes, named


def block(one: Outcome) -> str:
    """Return the block of one outcome. The names are fixed, so that a program can look for them."""
    lines = [
        ("correctness", correctness(one)),
        ("target", one.target),
        ("backend", _backend(one)),
        ("device", one.device),
        ("kernel", f"{one.kernel} {one.kernel_hash}"),
        ("shapes_tested", " ".join(one.shapes_tested) or "-"),
        ("distributions_tested", " ".join(one.distributions_tested) or "-"),
        ("max_abs_err", "-" if one.max_abs_err is None else f"{one.max_abs_err:.3g}"),
        ("geomean_ns_per_query", _number(one.geomean_ns)),
        ("geomean_ns_ci_90pct", "-" if one.ci90_ns is None else f"{one.ci90_ns[0]:.1f} .. {one.ci90_ns[1]:.1f}"),
        ("worst_ns_per_query", named(one.worst)),
        ("best_ns_per_query", named(one.best)),
        ("per_workload_ns", " ".join(f"{w.name}={w.ns:.1f}" for w in one.workloads) or "-"),
        ("percent_of_limit", _limits(one)),
        ("prepare_ms", _number(None if one.prepare_ns is None else one.prepare_ns / 1e6)),
        ("compile_ms", _number(None if one.compile_ns is None else one.compile_ns / 1e6)),
        ("peak_mem_mb", mebibytes(one.peak_rss_bytes)),
        ("device_peak_mem_mb", mebibytes(one.device_peak_bytes)),
        ("total_seconds", f"{one.total_s:.1f}"),
    ]
    return "\n".join(f"{name}: {value}" for name, value in lines)


def workloads(one: Outcome) -> str:
    """Return the table of an outcome's workloads, for a person."""
    head = ("workload", "per query", "90 % interval", "CPU", "limit", "% of limit", "samples")
    rows = [
        (
            w.name,
            duration(w.ns),
            f"{duration(w.ci90_ns[0])} .. {duration(w.ci90_ns[1])}",
            duration(w.cpu_ns),
            duration(w.limit_ns),
            "-" if w.percent_of_limit is None else f"{w.percent_of_limit:.1f}",
            f"{w.samples}" + (f" (+{w.discarded} pre-empted)" if w.discarded else ""),
        )
        for w in one.workloads
    ]
    return table(head, rows)


def comparison(outcomes: Sequence[Outcome]) -> str:
    """Return how several outcomes of one target compare, against its portable kernel on NumPy.

    Only outcomes of the same workloads, scale and harness version are compared; others are listed with the reason.
    """
    base = next((o for o in outcomes if o.backend == "numpy" and o.kernel == "portable" and o.geomean_ns), None)
    head = ("backend", "device", "kernel", "per query", "90 % interval", "x portable NumPy", "% of limit", "remark")
    return table(head, [_compared(one, base) for one in outcomes])


def _compared(one: Outcome, base: Outcome | None) -> tuple[str, ...]:
    names = (_backend(one), one.device, one.kernel)
    if one.status is not Status.OK or one.geomean_ns is None or one.ci90_ns is None:
        reason = one.failure.message if one.failure else ""
        return (*names, "-", "-", "-", "-", f"{one.status}: {reason}")
    interval = f"{duration(one.ci90_ns[0])} .. {duration(one.ci90_ns[1])}"
    remark, ratio = "", "-"
    if base is None or base.geomean_ns is None:
        remark = "no portable NumPy run to compare with"
    elif (one.workload_hash, one.harness_version) != (base.workload_hash, base.harness_version):
        remark = "not compared: other workloads or another harness version"
    else:
        ratio = f"{base.geomean_ns / one.geomean_ns:.2f}"
    return (*names, duration(one.geomean_ns), interval, ratio, _limits(one), remark)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns aligned, the first to the left and numbers as they come."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)


def correctness(one: Outcome) -> str:
    """Return whether the kernel was right, and if not, where and by how much."""
    if one.failure is not None:
        return f"{one.correctness} ({one.status}: {failure_line(one.failure)})"
    if not one.cases_tested:
        return "not run"
    return f"pass ({one.cases_tested} cases, max_abs_err {one.max_abs_err or 0.0:.3g})"


def _backend(one: Outcome) -> str:
    if one.backend == one.requested_backend:
        return one.backend
    return f"{one.backend} (requested {one.requested_backend}, not available here)"


def _limits(one: Outcome) -> str:
    shares = [w.percent_of_limit for w in one.workloads if w.percent_of_limit is not None]
    return f"{min(shares):.1f} .. {max(shares):.1f}" if shares else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
