"""Trials as text: one block with fixed names, the table of workloads that decided, and the list of many."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lar.contracts import Arm, Interval, Judgement, KernelFacts, Trial, WorkloadRatio
from lar.report.document import finite
from lar.report.tables import correctness, table
from lar.report.units import duration

SCHEMA = "lar.trial/1"


def block(one: Trial) -> str:
    """Return the block of one trial. The names are fixed, so that a program can look for them."""
    judgement, outcome = one.judgement, one.outcome
    lines = [
        ("decision", judgement.decision.upper()),
        ("reason", judgement.reason),
        ("rule", judgement.rule),
        ("remedy", judgement.remedy or "-"),
        ("trial", str(one.number)),
        ("slot", one.slot),
        ("hypothesis", one.hypothesis or "-"),
        ("candidate", kernel(one.candidate)),
        ("champion", kernel(one.champion)),
        ("correctness", correctness(one.outcome)),
        ("ratio", ratio(judgement.ratio)),
        ("smallest_gain_visible", share(judgement.detectable)),
        ("confirmed", "yes, on fresh seeds" if one.confirmed else "no"),
        ("pairs", str(one.pairs)),
        ("geomean_ns_per_query", "-" if outcome.geomean_ns is None else f"{outcome.geomean_ns:.1f}"),
        ("compile_ms", "-" if outcome.compile_ns is None else f"{outcome.compile_ns / 1e6:.1f}"),
        ("prepare_ms", "-" if outcome.prepare_ns is None else f"{outcome.prepare_ns / 1e6:.1f}"),
        ("total_seconds", f"{one.seconds:.1f}"),
        ("journal", one.entry[:12]),
    ]
    return "\n".join(f"{name}: {value}" for name, value in lines)


def workloads(one: Trial) -> str:
    """Return what decided, workload by workload; empty where nothing was timed."""
    return ratios(one.judgement, {w.name: (w.ns, w.percent_of_limit) for w in one.outcome.workloads})


def ratios(judgement: Judgement, figures: dict[str, tuple[float, float | None]]) -> str:
    """Return a judgement's ratios as a table.

    Parameters
    ----------
    judgement : Judgement
    figures : dict
        For each workload the candidate's nanoseconds per operation, and its per cent of the machine's limit.
    """
    if not judgement.workloads:
        return ""
    baseline = {w.workload: w for w in judgement.workloads if w.against is Arm.BASELINE}
    head = ("workload", "per query", "x champion's time", "x baseline's time", "% of limit", "")
    rows = []
    for w in judgement.workloads:
        if w.against is not Arm.CHAMPION:
            continue
        ns, limit = figures.get(w.workload, (None, None))
        first = baseline.get(w.workload)
        against_first = ratio(first.ratio) if first else "-"
        rows.append((w.workload, duration(ns), ratio(w.ratio), against_first, percent(limit), _remark(w)))
    return table(head, rows)


def dumps(one: Trial, extra: dict[str, Any] | None = None) -> str:
    """Return a trial as one JSON document."""
    value = {"schema": SCHEMA, **asdict(one), **(extra or {})}
    value["outcome"]["correctness"] = one.outcome.correctness
    return json.dumps(finite(value), indent=1, allow_nan=False, default=str)


def listing(rows: Sequence[Sequence[str]]) -> str:
    """Return trials as a table: number, when, slot, decision, ratio, figure, hypothesis, reason."""
    return table(LISTING, rows)


LISTING = ("trial", "begun", "slot", "kernel", "decision", "x champion", "ns/query", "hypothesis", "reason")
"""The columns of `listing`, and of ``results.tsv``."""


def ratio(one: Interval | None) -> str:
    """Return a ratio with its interval."""
    return "-" if one is None else f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def share(one: float | None) -> str:
    """Return a share as per cent."""
    return "-" if one is None else f"{100 * one:.1f} %"


def percent(one: float | None) -> str:
    """Return a figure that is per cent already."""
    return "-" if one is None else f"{one:.1f}"


def kernel(one: KernelFacts) -> str:
    """Return a kernel with its hash and length."""
    return f"{one.name} {one.hash} ({one.lines} lines)"


def _remark(one: WorkloadRatio) -> str:
    if one.ratio.high < 1.0:
        return "faster"
    return "slower" if one.ratio.low > 1.0 else ""
