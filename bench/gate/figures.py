"""Draw the results of the simulation: ``python -m bench.gate.figures RESULTS.json --out DIR``, as SVG and PNG."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lar.gate import RULES

Row = Mapping[str, Any]

# Colours that readers with any colour vision tell apart (Okabe, Ito), and a marker for each besides.
RULES_DRAWN: Mapping[str, tuple[str, str, str]] = {
    "kept": ("lar: screened and confirmed", "#0072B2", "o"),
    "screened": ("lar: screened alone", "#56B4E9", "s"),
    "sequential": ("one after the other, lower by 1 %", "#E69F00", "^"),
    "ancestor": ("one after the other, pooled intervals apart", "#D55E00", "v"),
}


def power(rows: Sequence[Row]) -> Figure:
    """Return the share of true gains that are kept, over their size, a panel for each kind of noise."""
    kinds = list(dict.fromkeys(row["noise"] for row in rows))
    figure: Figure
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.5), sharex=True, sharey=True, layout="constrained")
    for axis, kind in zip(axes.flat, kinds, strict=True):
        of_kind = [row for row in rows if row["noise"] == kind]
        for rule, (label, colour, marker) in RULES_DRAWN.items():
            _curve(axis, [100 * row["gain"] for row in of_kind], [row[rule] for row in of_kind], label, colour, marker)
        axis.axvline(100 * RULES.epsilon, color="0.7", linewidth=0.8, linestyle=":")
        axis.set_title(kind, fontsize=10)
    for axis in axes[1]:
        axis.set_xlabel("true gain, %")
    for axis in axes[:, 0]:
        axis.set_ylabel("kept, % of trials")
    _legend(figure, axes[0, 0])
    return figure


def false_keeps(rows: Sequence[Row]) -> Figure:
    """Return the share of changes that change nothing and are kept, a row for each kind of noise."""
    figure: Figure
    figure, axis = plt.subplots(figsize=(9, 6.5), layout="constrained")
    places = range(len(rows))
    for offset, (rule, (label, colour, marker)) in enumerate(RULES_DRAWN.items()):
        shares = [row[rule] for row in rows]
        middle = [share["percent"] for share in shares]
        # Rounding may put an end of the interval on the wrong side of an estimate of 0 or 100 %.
        errors = [
            [max(0.0, s["percent"] - s["low"]) for s in shares],
            [max(0.0, s["high"] - s["percent"]) for s in shares],
        ]
        at = [place + 0.18 * (offset - 1.5) for place in places]
        axis.errorbar(middle, at, xerr=errors, fmt=marker, color=colour, markersize=4, linewidth=1, label=label)
    axis.axvline(1.0, color="0.5", linewidth=0.8, linestyle=":")
    axis.set_xscale("symlog", linthresh=1.0, linscale=1.0)
    axis.set_xlim(-0.05, 100)
    axis.set_xticks([0, 0.5, 1, 2, 5, 10, 20, 50, 100], ["0", "0.5", "1", "2", "5", "10", "20", "50", "100"])
    axis.set_yticks(list(places), [row["noise"] for row in rows], fontsize=8)
    axis.invert_yaxis()
    axis.grid(axis="y", color="0.92")
    axis.set_axisbelow(True)
    axis.set_xlabel("changes that change nothing and are kept, % of trials (95 % interval; dotted: 1 %)")
    _legend(figure, axis)
    return figure


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a figure as SVG and as PNG, the same bytes each time."""
    figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    figure.savefig(out / f"{name}.png", dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results.json of bench.gate.simulate")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    arguments = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "lar"
    results = json.loads(arguments.results.read_text(encoding="utf-8"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    save(power(results["power"]), arguments.out, "gate-power")
    save(false_keeps(results["false_keeps"]), arguments.out, "gate-false-keeps")


def _legend(figure: Figure, axis: Axes) -> None:
    figure.legend(*axis.get_legend_handles_labels(), fontsize=8, loc="outside upper center", ncols=2, frameon=False)


def _curve(axis: Axes, x: Sequence[float], shares: Sequence[Row], label: str, colour: str, marker: str) -> None:
    axis.plot(x, [s["percent"] for s in shares], marker=marker, markersize=4, color=colour, label=label)
    axis.fill_between(x, [s["low"] for s in shares], [s["high"] for s in shares], color=colour, alpha=0.2, linewidth=0)


if __name__ == "__main__":
    main()
