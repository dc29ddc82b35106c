"""The table of all comparisons: for a terminal, as Markdown and as JSON.

What is written names the day, the processor, the versions of the libraries and the commit, and no path and no host.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peers._rows import Row

from lar import machine
from lar.report.tables import table
from lar.report.units import duration

HEAD = (
    "target",
    "workload",
    "kernel",
    "ours",
    "peer",
    "peer takes",
    "x peer",
    "90 % interval",
    "goal",
    "% of limit",
    "price of portability",
)

LEGEND = (
    "ours, peer takes: CPU time of the process for one call, the median over rounds in which all take turns.",
    "x peer: how many times as fast as the fastest of its peers ours is, with its 90 % interval (within one process).",
    "% of limit: the least time in which one core of this machine can do the work, as a share of ours.",
    "price of portability: how much longer the portable kernel takes than the tuned one.",
)
NO_GOALS = "No goals at small scale: they are for the sizes at which a store works."


@dataclass(frozen=True)
class Result:
    """What became of one comparison.

    Attributes
    ----------
    target : str
    rows : list of Row
    figures : list of dict
        Of all that were timed, those beside the peers too.
    libraries : mapping of str to str
        Versions.
    missing : str
        The library that is not installed here; empty if none is missing.
    failed : str
        Why it failed, in a few words; empty if it did not.
    """

    target: str
    rows: list[Row] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    libraries: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    failed: str = ""


def show(results: Sequence[Result], scale: str) -> str:
    """Return the table for a terminal, what it means, and what is not in it."""
    rows = [row for one in results for row in one.rows]
    parts = [table(HEAD, [_cells(row) for row in rows]), "\n".join(_legend(scale))] if rows else []
    return "\n\n".join([*parts, "\n".join(remarks(results))]).strip()


def remarks(results: Sequence[Result]) -> list[str]:
    """Return how many goals are met and which are not, and what was not compared and why, a line each."""
    rows = [row for one in results for row in one.rows if row.goal is not None]
    lines = [f"goals: {sum(row.met for row in rows)} of {len(rows)} met"] if rows else []
    lines += [
        f"MISSED: {row.target} {row.workload}: {row.ratio:.2f}x, goal {row.goal:g}x" for row in rows if not row.met
    ]
    lines += [f"not compared: {one.target} ({one.missing} is not installed here)" for one in results if one.missing]
    if any(one.missing for one in results):
        lines += ["the libraries of all peers: pip install 'lar[peers]'"]
    return lines + [f"FAILED: {one.target} ({one.failed})" for one in results if one.failed]


def about(results: Sequence[Result], scale: str) -> dict[str, Any]:
    """Return what the figures hold for: the day, the processor, versions, the commit, the scale."""
    facts = machine.environment()
    libraries = {name: version for one in results for name, version in one.libraries.items()}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "scale": scale,
        "processor": facts["processor"],
        "python": platform.python_version(),
        "libraries": dict(sorted(libraries.items())),
        "git": facts.get("git", {}),
    }


def write(results: Sequence[Result], scale: str, folder: Path) -> None:
    """Write ``peers.json`` and ``peers.md`` in a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = about(results, scale)
    document = {
        "about": facts,
        "rows": [asdict(row) for one in results for row in one.rows],
        "figures": {one.target: one.figures for one in results if one.figures},
        "missing": {one.target: one.missing for one in results if one.missing},
        "failed": {one.target: one.failed for one in results if one.failed},
    }
    (folder / "peers.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / "peers.md").write_text(markdown(results, facts), encoding="utf-8")


def markdown(results: Sequence[Result], facts: Mapping[str, Any]) -> str:
    """Return the document: what the figures hold for, the table, its legend, and what is not in it."""
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    held = [
        f"Scale: {facts['scale']}. {facts['date']}, {_processor(facts['processor'])}, {_commit(facts['git'])}.",
        f"Python {facts['python']}, {libraries}." if libraries else f"Python {facts['python']}.",
    ]
    rows = [_cells(row) for one in results for row in one.rows]
    cells = [HEAD, tuple("---" for _ in HEAD), *rows] if rows else []
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    parts = [
        "# Targets against their peers",
        "\n".join(held),
        "\n".join(lines),
        "\n".join(f"- {one}" for one in (*_legend(facts["scale"]), *remarks(results))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    limit, price = row.percent_of_limit, row.price_of_portability
    return (
        row.target,
        row.workload,
        f"{row.backend} tuned",
        duration(row.ours_ns),
        row.peer,
        duration(row.peer_ns),
        f"{row.ratio:.2f}",
        f"{row.low:.2f} .. {row.high:.2f}",
        "-" if row.goal is None else f"{row.goal:g} {'met' if row.met else 'MISSED'}",
        "-" if limit is None else f"{limit:.1f} %",
        "-" if price is None else f"{100 * price:.0f} %",
    )


def _legend(scale: str) -> tuple[str, ...]:
    return (*LEGEND, NO_GOALS) if scale == "small" else LEGEND


def _processor(facts: Mapping[str, Any]) -> str:
    name = facts.get("model") or facts.get("part") or facts["architecture"]
    family = f" (family {facts['family']})" if "family" in facts else ""
    return f"{name}{family}, {facts.get('cores_logical', '?')} logical cores"


def _commit(git: Mapping[str, Any]) -> str:
    if not git:
        return "no commit known"
    return f"commit {git['commit'][:12]}" + (" with changes" if git.get("dirty") else "")
