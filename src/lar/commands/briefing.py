"""What `brief` and `lesson` do: everything an agent needs to begin, and a word for the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from lar import catalog, machine, records, slots
from lar.commands import reading
from lar.commands.common import measured_backends, mount, only_measured, say
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
    timed = _timed(rows)
    figures = records.outcome(timed.ending["outcome"]) if timed else None
    first = slots.first_champion(target, backend)
    baseline = {"kernel": first.name, "kernel_hash": first.hash, "lines": first.lines}
    facts = {
        "target": target,
        "backend": backend,
        "slot": slot.name,
        "device": device,
        "machine": machine.environment(),
        "mutable": [str(path) for path in sorted((home / "tuned").glob(f"{backend}.*"))] or [_place(home, backend)],
        "portable": str(home / "portable.py"),
        "champion": dict(champion.body) if champion else baseline,
        "crowned": champion is not None,
        "trials": [_told(row) for row in rows[-last:]],
        "lessons": _text(home / _LESSONS),
        "definition": reading.definition(home),
        "program": reading.priors_of(_text(home / "program.md"), backend, measured_backends()),
        "house": reading.names_of(Path(str(files("lar"))) / "simd") if backend == "numpy" else "",
        "contract": contract().replace("<target>", home.name).replace("<backend>", backend),
        "timed": {"kernel": timed.kernel_hash, "trial": timed.id} if timed else None,
        "workloads": [_share(one) for one in figures.workloads]
        if figures
        else [{"workload": case.name} for case in catalog.target(target).workloads(0, "standard", (1, 32))],
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
    crowned = f"{champion['kernel']} {champion['kernel_hash']}, {champion['lines']} lines"
    if not facts["crowned"]:
        crowned += "; none is crowned yet: the first trial is held against this one, the baseline of the slot"
    there = [one if Path(one).exists() else f"{one} (not there yet: create it)" for one in facts["mutable"]]
    parts = [
        f"# Brief: {facts['target']} on {facts['backend']}",
        f"slot: {facts['slot']}\nyou edit: {' '.join(there)}\nportable kernel: {facts['portable']}",
        f"champion: {crowned}",
        f"device: {facts['device'] or 'not available here: lar doctor says why'}; {_processor(facts['machine'])}",
        f"# Where the time goes\n\n{_where(facts, figures)}",
        f"# Trials ({count} in this slot, the last {len(told)} here)\n\n"
        + (
            tables.table(("trial", "decision", "x champion's time", "hypothesis", "reason"), told)
            if told
            else "none yet"
        ),
        f"# Lessons\n\n{facts['lessons'] or 'none yet: keep one with `lar lesson`'}",
        f"# The target\n\n{facts['definition']}",
        facts["program"] or "# Program\n\nThis target has no program.md.",
        *([f"# lar.simd\n\n{facts['house']}"] if facts["house"] else []),
        facts["contract"],
    ]
    return "\n\n".join(part.strip() for part in parts)


def _processor(environment: dict[str, Any]) -> str:
    """Return model, caches and vector instructions: what a kernel's layout and its look-ups depend on."""
    about = environment.get("processor", {})
    caches = ", ".join(f"{name.upper()} {size >> 10} KiB" for name, size in about.get("caches", {}).items())
    return "; ".join(
        filter(None, [about.get("model", "an unknown processor"), caches, " ".join(about.get("features", []))])
    )


def _where(facts: dict[str, Any], figures: Outcome | None) -> str:
    if figures is None:
        names = "\n".join(one["workload"] for one in facts["workloads"])
        return f"Nothing was timed in this slot yet: the first trial tells. These are the workloads:\n\n{names}"
    timed, champion = facts["timed"], facts["champion"]
    same = champion["kernel_hash"] == timed["kernel"]
    whose = "the champion" if same else "not the champion, but the last that was timed"
    rows = [
        (one.name, duration(one.ns), duration(one.limit_ns), trials.percent(one.percent_of_limit))
        for one in sorted(figures.workloads, key=lambda one: one.percent_of_limit or 0.0)
    ]
    head = ("workload, the furthest from its limit first", "per query", "limit", "% of limit")
    return f"Kernel {timed['kernel']} ({whose}), as of trial {timed['trial']}:\n\n{tables.table(head, rows)}"


def _timed(rows: Sequence[TrialRow]) -> TrialRow | None:
    """Return the trial with the figures of the last kept kernel; of the last timed one, where none was kept."""
    timed = [row for row in rows if row.ending and row.ending["outcome"]["workloads"]]
    kept = [row for row in timed if row.decision is Decision.KEEP]
    return next(iter((kept or timed)[-1:]), None)


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
