"""``results.tsv`` beside a target's kernels: one row a trial, appended and never rewritten, for people and their plots.

The journal has everything; this is what travels with the repository. Its last column is the journal entry's hash, so
that a row can be held against the journal it came from.
"""

from pathlib import Path

from lar.contracts import Decision, Trial
from lar.journal import TrialRow
from lar.report.units import duration

NAME = "results.tsv"
COLUMNS = (
    *("trial", "begun", "backend", "device", "kernel", "decision", "ratio", "low", "high", "ns_per_operation"),
    *("lines", "hypothesis", "reason", "journal"),
)


def append(home: Path, row: TrialRow, trial: Trial) -> str | None:
    """Append a trial's row to a target's table; return a complaint where that was not possible."""
    path = home / NAME
    try:
        new = not path.exists() or path.stat().st_size == 0
        with path.open("a", encoding="utf-8") as file:
            file.write(("\t".join(COLUMNS) + "\n" if new else "") + "\t".join(cells(row, trial)) + "\n")
    except OSError as error:
        return f"{path} was not written ({error.strerror}); the journal has the trial"
    return None


def cells(row: TrialRow, trial: Trial) -> list[str]:
    """Return a trial's row."""
    ratio, figure = trial.judgement.ratio, trial.outcome.geomean_ns
    numbers = [f"{value:.4f}" for value in (ratio.value, ratio.low, ratio.high)] if ratio else ["", "", ""]
    found = [
        str(trial.number),
        f"{row.begun:%Y-%m-%dT%H:%M:%SZ}",
        trial.outcome.backend,
        trial.slot.rpartition("/")[2],
        trial.candidate.hash,
        trial.judgement.decision.value,
        *numbers,
        "" if figure is None else f"{figure:.1f}",
        str(trial.candidate.lines),
        trial.hypothesis,
        trial.judgement.reason,
        trial.entry[:12],
    ]
    return [" ".join(cell.split()) for cell in found]  # no tab and no line break inside a cell


def headline(trial: Trial) -> str:
    """Return a trial as the one line of a commit message: what, by how much, and what it was to show."""
    ratio, outcome = trial.judgement.ratio, trial.outcome
    figures = [f"{duration(outcome.geomean_ns)} per query"] if outcome.geomean_ns is not None else []
    figures += [f"{100 * (ratio.value - 1):+.1f} %"] if ratio else []
    shown = ", ".join(figures) or trial.judgement.reason
    verb = {Decision.KEEP: "keep", Decision.REVERT: "revert"}.get(
        trial.judgement.decision, trial.judgement.decision.value
    )
    about = trial.hypothesis or "no hypothesis given"
    return f"{outcome.target} on {outcome.backend}: {verb}: {about} ({shown}; trial {trial.number})"
