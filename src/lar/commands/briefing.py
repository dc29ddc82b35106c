"""What `brief` and `lesson` do: everything an agent needs to begin, and a word for the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from lar import catalog, machine, records
from lar.commands.common import mount, only_measured, say
from lar.contracts import Decision, Exit, Outcome
from lar.errors import LarError
from lar.journal import Journal, TrialRow
from lar.report import tables, trials
from lar.report.units import duration
from lar.slots import Slot, device_of

_LESSONS = "lessons.md"


def lesson(target: str, text: str, roots: Sequence[Path]) -> Exit:
    """Append a lesson to the target's ``lessons.md``."""
    mount(roots)
    catalog.target(target)
    line = " ".join(text.split())
    if not line:
        raise LarError("the lesson is empty: say what was learned")
    path = catalog.folder(target) / _LESSONS
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"- {datetime.now(UTC):%Y-%m-%d}: {line}\n")
    except OSError as error:
        raise LarError(f"{path}: {error.strerror}") from None
    say(f"kept in {path}")
    return Exit.DONE


def brief(target: str, backend: str, last: int, store: Path | None, roots: Sequence[Path], *, as_json: bool) -> Exit:
    """Print contract, task and priors, last trials, lessons, device, and where the time goes."""
    mount(roots)
    catalog.target(target)
    only_measured(backend)
    home = catalog.folder(target)
    device = device_of(backend, None)
    with Journal.open(store) as journal:
        slot = Slot(journal, target, backend, device or "none")
        champion = journal.champion(slot.name)
        rows = journal.trials(slot=slot.name)
    figures = _figures(rows)
    facts = {
        "target": target,
        "backend": backend,
        "slot": slot.name,
        "device": device,
        "machine": machine.environment(),
        "mutable": [str(path) for path in sorted((home / "tuned").glob(f"{backend}.*"))] or [_place(home, backend)],
        "champion": dict(champion.body) if champion else None,
        "trials": [_told(row) for row in rows[-last:]],
        "lessons": _text(home / _LESSONS),
        "program": _text(home / "program.md"),
        "contract": contract(),
        "workloads": [_share(one) for one in figures.workloads] if figures else [],
    }
    say(facts if as_json else _render(facts, figures, len(rows)))
    return Exit.DONE


def contract() -> str:
    """Return ``HARNESS.md``: the checkout's, or the one that the wheel carries."""
    house = Path(str(files("lar")))
    for path in (house.parents[1] / "HARNESS.md", house / "HARNESS.md"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise LarError("HARNESS.md is missing from this installation")


def _render(facts: dict[str, Any], figures: Outcome | None, count: int) -> str:
    told = [(str(t["trial"]), t["decision"], t["ratio"], t["hypothesis"], t["reason"]) for t in facts["trials"]]
    champion = facts["champion"]
    processor = facts["machine"].get("processor", {}).get("model", "an unknown processor")
    crowned = f"{champion['kernel']} {champion['kernel_hash']}, {champion['lines']} lines" if champion else "none yet"
    parts = [
        f"# Brief: {facts['target']} on {facts['backend']}",
        f"slot: {facts['slot']}\nyou edit: {' '.join(facts['mutable'])}",
        f"champion: {crowned}",
        f"device: {facts['device'] or 'not available here: lar doctor says why'}; {processor}",
        f"# Where the time goes\n\n{_where(figures)}",
        f"# Trials ({count} in this slot, the last {len(told)} here)\n\n"
        + (
            tables.table(("trial", "decision", "x champion's time", "hypothesis", "reason"), told)
            if told
            else "none yet"
        ),
        f"# Lessons\n\n{facts['lessons'] or 'none yet: keep one with `lar lesson`'}",
        facts["program"] or "# Program\n\nThis target has no program.md.",
        facts["contract"],
    ]
    return "\n\n".join(part.strip() for part in parts)


def _where(figures: Outcome | None) -> str:
    if figures is None or not figures.workloads:
        return "nothing timed yet: the first trial tells"
    rows = [
        (one.name, duration(one.ns), duration(one.limit_ns), trials.percent(one.percent_of_limit))
        for one in sorted(figures.workloads, key=lambda one: one.percent_of_limit or 0.0)
    ]
    return tables.table(("workload, the furthest from its limit first", "per query", "limit", "% of limit"), rows)


def _figures(rows: Sequence[TrialRow]) -> Outcome | None:
    """Return the figures of the last kept kernel; of the last one that was timed, where none was kept."""
    timed = [row for row in rows if row.ending and row.ending["outcome"]["workloads"]]
    kept = [row for row in timed if row.decision is Decision.KEEP]
    last = (kept or timed)[-1:]
    return records.outcome(last[0].ending["outcome"]) if last else None


def _told(row: TrialRow) -> dict[str, Any]:
    decision = row.decision.value if row.decision else row.state.value
    told = {"trial": row.id, "begun": row.begun.isoformat(), "decision": decision, "ratio": trials.ratio(row.ratio)}
    return {**told, "hypothesis": row.hypothesis or "-", "reason": row.reason}


def _share(one: Any) -> dict[str, Any]:
    return {"workload": one.name, "ns": one.ns, "limit_ns": one.limit_ns, "percent_of_limit": one.percent_of_limit}


def _place(home: Path, backend: str) -> str:
    return str(home / "tuned" / f"{backend}.py")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
