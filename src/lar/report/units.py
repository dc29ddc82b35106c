"""Figures with their units, in as many digits as a reader can use."""

from lar.contracts import Failure, WorkloadResult


def duration(ns: float | None) -> str:
    """Return nanoseconds in the unit that gives one to three digits before the point."""
    if ns is None:
        return "-"
    for limit, divisor, unit in ((1e3, 1.0, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if ns < limit:
            return f"{ns / divisor:.4g} {unit}"
    return f"{ns / 1e9:.4g} s"


def mebibytes(size: int | None) -> str:
    """Return bytes as MiB, or a dash where they are not known."""
    return "-" if size is None else f"{size / 2**20:.1f}"


def named(one: WorkloadResult | None) -> str:
    """Return a workload's time with its shape and distribution."""
    if one is None:
        return "-"
    s = one.shape
    sizes = " ".join(f"{name}={value}" for name, value in s.items())
    return f"{one.ns:.1f} ({sizes}, {one.distribution})"


def failure_line(failure: Failure | None) -> str:
    """Return a failure as one line: case, index, numbers and the message."""
    if failure is None:
        return ""
    parts = [failure.kind]
    parts += [f"case={failure.case}"] if failure.case else []
    parts += [f"index={list(failure.index)}"] if failure.index is not None else []
    for name in ("got", "expected", "error", "tolerance"):
        value = getattr(failure, name)
        parts += [f"{name}={value:.9g}"] if value is not None else []
    return f"{' '.join(parts)}: {failure.message}"
