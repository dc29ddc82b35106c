"""The progress of a slot as a picture: every trial a point, what was kept a staircase.

Heights are chained from the paired ratios (a candidate's is its champion's times the ratio), not from times measured on
different days: a machine that drifts would draw its own mood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lar.contracts import Decision, Interval

_COLOURS = {Decision.KEEP: "#1a7f37", Decision.REVERT: "#8c959f", Decision.INCONCLUSIVE: "#bf8700"}
_WRONG = "#cf222e"


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
    axes.step(numbers, [1.0, *(point.champion for point in drawn)], where="post", color=_COLOURS[Decision.KEEP], lw=1.5)
    for point in drawn:
        _mark(axes, point)
    axes.set_yscale("log")
    axes.set_xticks(numbers[1:])
    axes.set_xlabel("trial")
    axes.set_ylabel("time relative to the first champion")
    axes.set_title(title)
    axes.grid(axis="y", which="both", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _mark(axes: "object", point: Point) -> None:
    colour = _COLOURS.get(point.step.decision, _WRONG)
    bars = [[point.height - point.low], [point.high - point.height]]
    marker = "o" if point.step.ratio else "x"
    axes.errorbar(  # type: ignore[attr-defined]  # matplotlib may be absent where types are checked
        [point.step.number], [point.height], yerr=bars, fmt=marker, color=colour, capsize=3, ms=7
    )
    word = f"{point.step.label}: {point.step.decision}" if point.step.label else str(point.step.decision)
    axes.annotate(  # type: ignore[attr-defined]  # as above
        word, (point.step.number, point.height), (6, 5), textcoords="offset points", fontsize=8, color=colour
    )
