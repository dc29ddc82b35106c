"""What `log`, `show`, `replay` and `champion` do: the journal, read."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lar import catalog, records
from lar.commands import results
from lar.commands.common import mount, only_measured, say
from lar.contracts import Exit
from lar.errors import LarError
from lar.journal import ChampionRow, Journal, TrialRow
from lar.report import progress, tables, trials
from lar.slots import export, restored


def log(
    store: Path | None, target: str | None, last: int | None, *, form: str, verify: bool, plot: Path | None
) -> Exit:
    """Print the trials of a target or of all, the newest last; or hold the journal's chain against itself."""
    with Journal.open(store) as journal:
        if verify:
            return _verify(journal)
        rows = journal.trials(target=target, last=last)
    if plot is not None:
        return _plot(rows, plot)
    if form == "json":
        say([_facts(row) for row in rows])
    elif form == "tsv":
        found = [results.cells(row, trial) for row in rows if (trial := records.trial(row)) is not None]
        say("\n".join("\t".join(line) for line in (results.COLUMNS, *found)))
    elif rows:
        head = ("trial", "begun (UTC)", "slot", "kernel", "decision", "x champion's time", "hypothesis", "reason")
        say(tables.table(head, [_line(row) for row in rows]))
    else:
        say(f"no trial of {target or 'any target'} yet")
    return Exit.DONE


def _plot(rows: Sequence[TrialRow], path: Path) -> Exit:
    """Draw the progress of the slot whose trials these are."""
    slots = sorted({row.slot for row in rows})
    if len(slots) != 1:
        raise LarError(f"--plot draws one slot, and these are trials of {', '.join(slots) or 'none'}: name a TARGET")
    steps = [progress.Step(row.id, row.decision, row.ratio, row.hypothesis) for row in rows if row.decision]
    try:
        progress.draw(steps, slots[0], path)
    except ImportError:
        raise LarError("--plot needs matplotlib: pip install 'lar[plots]'") from None
    except (OSError, ValueError) as error:
        raise LarError(f"--plot {path}: {error}") from None
    say(f"drawn: {path}")
    return Exit.DONE


def _verify(journal: Journal) -> Exit:
    broken = journal.verify()
    for line in broken:
        say(line)
    if not broken:
        say(f"whole: every entry of {journal.path} is as it was written (head {journal.head()[:12] or 'empty'})")
    return Exit.CHEAT if broken else Exit.DONE


def _line(row: TrialRow) -> tuple[str, ...]:
    target, backend, _ = row.slot.split("/", 2)
    decision = row.decision.value if row.decision else row.state.value
    return (
        str(row.id),
        f"{row.begun:%Y-%m-%d %H:%M}",
        f"{target}/{backend}",
        row.kernel_hash,
        decision,
        trials.ratio(row.ratio),
        row.hypothesis[:60] or "-",
        row.reason[:100],
    )


def _facts(row: TrialRow) -> dict[str, Any]:
    value = asdict(row)
    return {**value, "begun": row.begun.isoformat(), "ended": row.ended.isoformat() if row.ended else None}


def show(store: Path | None, number: int, out: Path | None, *, as_json: bool) -> Exit:
    """Print one trial whole; write its candidate's files into a folder where one is named."""
    with Journal.open(store) as journal:
        row = journal.trial(number)
        if out is not None:
            if "files" not in row.ending:
                raise LarError(f"trial {number} is {row.state}: it has no files to write")
            facts = {"kernel": row.facts["kernel"], "kernel_hash": row.kernel_hash, **row.ending}
            export(restored(journal, row.slot, facts), out)
    found = records.trial(row)
    if as_json:
        say(_facts(row))
    elif found is None:
        say("\n".join(f"{name}: {value}" for name, value in zip(("trial", *_HEAD), _line(row), strict=True)))
    else:
        say(trials.block(found))
        say(f"\n{trials.workloads(found)}" if found.judgement.workloads else "")
    return Exit.DONE


_HEAD = ("begun", "slot", "kernel", "state", "ratio", "hypothesis", "reason")


def replay(store: Path | None, number: int, *, as_json: bool) -> Exit:
    """Decide a trial again from its stored samples, and say whether that gives the same."""
    with Journal.open(store) as journal:
        row = journal.trial(number)
        again = records.decide_again(journal, row)
    if row.decision is None:
        raise LarError(f"trial {number} is {row.state}: it came to no decision")
    if again is None:
        say(
            f"trial {number}: {row.decision.value}: {row.reason}\nIt did not get as far as the gate: nothing to replay."
        )
        return Exit.DONE
    judgement, changed = again
    before = records.judgement(row.ending["judgement"])
    same = judgement == before
    if as_json:
        say({"trial": number, "same": same, "then": asdict(before), "now": asdict(judgement), "rules": changed})
    else:
        say(f"then: {before.decision.value.upper()}: {before.reason}")
        say(f"now:  {judgement.decision.value.upper()}: {judgement.reason}")
        for name, (then, now) in changed.items():
            say(f"rule changed: {name} was {then}, is {now}")
        say("the same decision from the stored samples" if same else "another answer than then")
    return Exit.DONE if judgement.decision is before.decision else Exit.INCONCLUSIVE


def champions(
    target: str, backend: str | None, store: Path | None, roots: Sequence[Path], out: Path | None, *, as_json: bool
) -> Exit:
    """Print the champions of a target's slots; write their files into a folder where one is named."""
    mount(roots)
    catalog.target(target)
    if backend is not None:
        only_measured(backend)
    with Journal.open(store) as journal:
        rows = [row for row in journal.champions(target) if backend in (None, row.slot.split("/")[1])]
        for row in rows if out else []:
            export(restored(journal, row.slot, row.body), Path(str(out)) / row.slot.split("/")[1])
    if as_json:
        say([{"slot": row.slot, "entry": row.seq, "at": row.at.isoformat(), **row.body} for row in rows])
    elif rows:
        head = ("slot", "kernel", "lines", "since (UTC)", "by", "reason")
        say(tables.table(head, [_champion(row) for row in rows]))
    else:
        where = f"{target} on {backend}" if backend else target
        say(f"{where} has no champion yet: the first trial of a slot takes the committed kernel, or the portable one")
    return Exit.DONE


def _champion(row: ChampionRow) -> tuple[str, ...]:
    kernel = f"{row.body.get('kernel')} {row.kernel_hash}"
    by = f"trial {row.trial}" if row.trial else row.action
    return row.slot, kernel, str(row.body.get("lines", "-")), f"{row.at:%Y-%m-%d %H:%M}", by, row.reason
