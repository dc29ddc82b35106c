"""What the rounds of `bench.gate.machine` come to: error rates, power, the rules that were replaced beside them.

`python -m bench.gate.report SAMPLES --out FOLDER` decides every round again from its samples, by the gate as it is now.
"""

import argparse
import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench.gate import ancestor
from bench.gate.machine import opened, swapped
from bench.gate.trials import SAME_LINES, share

from lar import gate, stats
from lar.contracts import Arm, Decision, Evidence, Judgement
from lar.ratios import Comparison


def main() -> None:
    """Write the summary as JSON and as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    with opened(words.samples, "rt") as file:
        records = [json.loads(line) for line in file]
    rows = summary(records)
    words.out.mkdir(parents=True, exist_ok=True)
    (words.out / "machine.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    text = markdown(rows)
    (words.out / "machine.md").write_text(text, encoding="utf-8")
    print(text)


def summary(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each plan, true change and direction.

    A round of a slowed kernel is judged both ways: the slowed one as the candidate (it must not be kept), and, the arms
    exchanged, as the champion (the gain must be found).
    """
    rows = []
    draw = np.random.default_rng(0)
    for (plan, slow), group in itertools.groupby(sorted(records, key=_kind), key=_kind):
        rounds = list(group)
        for exchanged in (False, True) if slow else (False,):
            ends = [_ends(one, exchanged=exchanged) for one in rounds]
            rows.append(
                {
                    "plan": plan,
                    "wait": slow,
                    "change": _change([_overall(one, exchanged=exchanged) for one in rounds]),
                    "rounds": len(rounds),
                    "screened": share(sum(first.decision is Decision.KEEP for first, _ in ends), len(ends)),
                    "kept": share(sum(last.decision is Decision.KEEP for _, last in ends), len(ends)),
                    "inconclusive": share(sum(last.decision is Decision.INCONCLUSIVE for _, last in ends), len(ends)),
                    "detectable": _middle([last.detectable for _, last in ends if last.detectable is not None]),
                    "ends": dict(Counter(f"{last.decision}, {last.rule}" for _, last in ends).most_common()),
                    "seconds": _middle([one["seconds"] for one in rounds]),
                    **_replaced([one["sequential"] for one in rounds], draw, exchanged=exchanged),
                }
            )
    return rows


def _kind(record: dict[str, Any]) -> tuple[str, float]:
    return record["plan"], record["slow"]


def _ends(record: dict[str, Any], *, exchanged: bool) -> tuple[Judgement, Judgement]:
    """Return what the gate says of the screening, and what it says in the end."""
    stages = [_evidence(record[name]) for name in ("screening", "confirmation") if record[name]]
    if exchanged:
        stages = [swapped(one) for one in stages]
    first = gate.judge(stages[0], SAME_LINES)
    return first, gate.confirm(stages[0], stages[1], SAME_LINES) if len(stages) == 2 else first


def _overall(record: dict[str, Any], *, exchanged: bool) -> float:
    """Return the ratio of a round's screening, whatever the gate says of it."""
    times = _evidence(record["screening"]).times
    ours, theirs = (Arm.CHAMPION, Arm.CANDIDATE) if exchanged else (Arm.CANDIDATE, Arm.CHAMPION)
    return Comparison.of(times[ours], times[theirs]).overall().value


def _change(ratios: Sequence[float]) -> dict[str, float]:
    """Return the change over all rounds, in per cent, with its 95 % interval."""
    logs = np.log(ratios)
    half = stats.student_t_quantile(0.975, len(logs) - 1) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    middle = float(np.mean(logs))
    low, value, high = (100 * (math.exp(one) - 1) for one in (middle - half, middle, middle + half))
    return {"percent": value, "low": low, "high": high}


def _evidence(value: dict[str, Any]) -> Evidence:
    clocks = {name: {Arm(arm): times for arm, times in value[name].items()} for name in ("times", "other")}
    return Evidence(**{**value, **clocks})


def _replaced(
    sequential: Sequence[dict[str, list[list[float]]] | None], draw: np.random.Generator, *, exchanged: bool
) -> dict[str, dict[str, float] | None]:
    """Return how often the rules that the gate replaced keep, each on a run of one arm after the other."""
    hits: Counter[str] = Counter()
    runs = [one for one in sequential if one]
    for one in runs:
        arms = [Arm.CHAMPION, Arm.CANDIDATE] if exchanged else [Arm.CANDIDATE, Arm.CHAMPION]
        # Equal counts: a run that was disturbed has lost a few blocks.
        least = min(len(blocks) for arm in arms for blocks in one[arm])
        candidate, before = (np.array([blocks[:least] for blocks in one[arm]])[:, None, :] for arm in arms)
        hits["ancestor"] += ancestor.intervals_apart(candidate, before, draw)
        hits["sequential"] += ancestor.lower_by_one_percent(candidate, before)
    return {name: share(hits[name], len(runs)) if runs else None for name in ("ancestor", "sequential")}


def _middle(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table."""
    head = (
        *("plan", "true change, %", "rounds", "kept by the screening, %", "kept in the end, %", "inconclusive, %"),
        *("smallest gain visible", "ancestor keeps, %", "sequential keeps, %", "median s"),
    )
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = (
            row["plan"],
            _cell(row["change"]) if row["wait"] else "0 (itself)",
            str(row["rounds"]),
            *(_cell(row[name]) for name in ("screened", "kept", "inconclusive")),
            "-" if row["detectable"] is None else f"{100 * row['detectable']:.1f} %",
            *(_cell(row[name]) for name in ("ancestor", "sequential")),
            _number(row["seconds"], ".1f"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['percent']:.1f} [{one['low']:.1f}, {one['high']:.1f}]"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


if __name__ == "__main__":
    main()
