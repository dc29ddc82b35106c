"""The progress of a slot as a picture: every trial a point, what was kept a staircase.

Heights are chained from the paired ratios (a candidate's is its champion's times the ratio), not from times measured on
different days: a machine that drifts would draw its own mood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lar.contracts import Decision, Interval

_KINDS = (
    ("kept", "#1a7f37", {Decision.KEEP}),
    ("not kept", "#8c959f", {Decision.REVERT}),
    ("inconclusive", "#bf8700", {Decision.INCONCLUSIVE}),
    ("wrong or broken", "#cf222e", set(Decision) - {Decision.KEEP, Decision.REVERT, Decision.INCONCLUSIVE}),
)


@dataclass(frozen=True)
class Step:
    """One finished trial.

    Attributes
    ----------
    number : int
    decision : Decision
    ratio : Interval or None
        Candidate over champion; None where it was not timed.
    label : str
        What was tried.
    """

    number: int
    decision: Decision
    ratio: Interval | None
    label: str


@dataclass(frozen=True)
class Point:
    """Where a trial is drawn: time relative to the first champion's, and that of the champion after it."""

    step: Step
    height: float
    low: float
    high: float
    champion: float


def points(steps: Sequence[Step]) -> list[Point]:
    """Return where each trial stands; one that was not timed stands on its champion."""
    champion, found = 1.0, []
    for step in steps:
        value, low, high = (step.ratio.value, step.ratio.low, step.ratio.high) if step.ratio else (1.0, 1.0, 1.0)
        height, low, high = (champion * one for one in (value, low, high))
        champion = height if step.decision is Decision.KEEP else champion
        found.append(Point(step, height, low, high, champion))
    return found


def draw(steps: Sequence[Step], title: str, path: Path) -> None:
    """Draw the progress into a file; its ending says the format (svg, png, pdf).

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    drawn = points(steps)
    figure = Figure(figsize=(9.0, 4.8), layout="constrained")
    axes = figure.subplots()
    numbers = [0, *(point.step.number for point in drawn)]
    axes.step(numbers, [1.0, *(point.champion for point in drawn)], where="post", color=_KINDS[0][1], lw=1.5)
    for name, colour, decisions in _KINDS:
        mine = [point for point in drawn if point.step.decision in decisions]
        if mine:
            bars = [[p.height - p.low for p in mine], [p.high - p.height for p in mine]]
            where = [p.step.number for p in mine], [p.height for p in mine]
            axes.errorbar(*where, yerr=bars, fmt="o", color=colour, capsize=3, ms=7, label=f"{name} ({len(mine)})")
    for point in drawn:
        if (
            point.step.decision is Decision.KEEP
        ):  # what was not kept is told by `lar log`: here it would hide the stairs
            late = point.step.number > sum(numbers[-1:]) / 2
            axes.annotate(
                f"{point.step.label or f'trial {point.step.number}'} ({point.height:.3g})",
                (point.step.number, point.height),
                (-8, -4) if late else (8, 6),
                textcoords="offset points",
                fontsize=8,
                ha="right" if late else "left",
                va="top" if late else "bottom",
            )
    if drawn:
        axes.legend(frameon=False, fontsize=8, loc="lower left")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(numbers[1:])
    axes.set_xmargin(0.08)
    axes.set_xlabel("trial")
    axes.set_ylabel("time relative to the first champion")
    axes.set_title(title)
    axes.grid(axis="y", which="both", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
