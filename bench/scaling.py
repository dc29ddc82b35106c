"""How the time of a call grows with rows, components and queries a call, for every backend: figures and a picture.

``python -m bench.scaling TARGET [--backend NAME ...] [--most GIB] [--out FOLDER]``

Each kernel runs in a worker behind its walls, every output checked, as in `lar bench`; a figure is the median of a few
batches. Along each size a line is fitted to the logarithms of the upper half of its points: its slope may not exceed
the complexity that the target states by more than 0.15. Ends with 1 if one does.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lar import bench, catalog, machine
from lar.bench import Request
from lar.clock import StopRule
from lar.contracts import Growth, Target
from lar.datasets import Datasets
from lar.report.tables import table
from lar.report.units import duration
from lar.supervisor import WorkerProcess
from lar.timing import Session

SLACK = 0.15
"""Caches end along a size, so that a loop which does a fixed amount of work a row grows a little faster than its rows.
How much faster was not measured; this is an allowance."""

_PATIENCE_S = 600.0
_LABELS = {"N": "rows", "dim": "components", "nq": "queries a call"}


@dataclass(frozen=True)
class Line:
    """One kernel along one size.

    Attributes
    ----------
    size, kernel : str
    at : tuple of int
        Values of the size.
    ns : tuple of float
        Nanoseconds a call at each.
    exponent, stated : float
        The slope of the upper half, and the complexity stated.
    """

    size: str
    kernel: str
    at: tuple[int, ...]
    ns: tuple[float, ...]
    exponent: float
    stated: float

    @property
    def too_steep(self) -> bool:
        """Whether it grows faster than stated."""
        return self.exponent > self.stated + SLACK


def measure(target: Target, backend: str, kernel: str, size: str, growth: Growth, rounds: int) -> Line:
    """Time one kernel along one size."""
    request = Request(target.name, backend, backend, kernel=kernel)
    path = catalog.kernel_path(target.name, kernel, backend)
    with tempfile.TemporaryDirectory(prefix="lar-scaling-") as cache:
        ns = [_call_ns(target, request, path, Path(cache), growth, i, rounds) for i in range(len(growth.cases))]
    at = tuple(int(case.shape[size]) for case in growth.cases)
    return Line(size, f"{backend} {kernel}", at, tuple(ns), slope(at, ns), growth.exponent)


def _call_ns(
    target: Target, request: Request, path: Path, cache: Path, growth: Growth, number: int, rounds: int
) -> float:
    """Return the median time of a call of one case, in a worker of its own: the largest case needs all memory."""
    case = growth.cases[number]
    launch = bench.launch_of(request, path, cache, deadline=time.monotonic() + _PATIENCE_S)
    with WorkerProcess(launch) as worker:
        session = Session(worker, Datasets(target), [case], 1)
        session.prepare([], lambda *_: None)
        session.rounds(StopRule(least=rounds, most=rounds, width=0.0, seconds=60.0), lambda *_: None)
        return float(np.median(session.tracks[0].wall)) * case.operations


def slope(at: Sequence[int], ns: Sequence[float]) -> float:
    """Return the exponent of growth over the upper half of the points."""
    first = len(at) // 2
    return float(np.polyfit(np.log(at[first:]), np.log(ns[first:]), 1)[0])


def draw(lines: Sequence[Line], title: str, path: Path) -> None:
    """Draw time against each size, both axes logarithmic, with the stated complexity as a dotted line."""
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys(line.size for line in lines))
    figure = Figure(figsize=(4.2 * len(sizes), 3.8), layout="constrained")
    for axes, size in zip(figure.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
        for line in (one for one in lines if one.size == size):
            axes.loglog(line.at, [one / 1e3 for one in line.ns], "o-", ms=3, lw=1.2, label=line.kernel)
        longest = max((one for one in lines if one.size == size), key=lambda one: one.ns[-1])
        guide = [longest.ns[-1] / 1e3 * (value / longest.at[-1]) ** longest.stated for value in longest.at]
        axes.loglog(longest.at, guide, ":", color="#8c959f", lw=1, label=f"{size}^{longest.stated:g}")
        axes.set_xlabel(_LABELS.get(size, size))
        axes.set_ylabel("microseconds a call")
        axes.grid(visible=True, which="major", alpha=0.25)
        axes.legend(fontsize=7)
    figure.suptitle(title)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def show(lines: Sequence[Line]) -> str:
    """Return the lines as a table."""
    head = ("size", "kernel", "from", "to", "grows by", "stated", "")
    return table(
        head,
        [
            (
                one.size,
                one.kernel,
                f"{one.at[0]}: {duration(one.ns[0])}",
                f"{one.at[-1]}: {duration(one.ns[-1])}",
                f"{one.size}^{one.exponent:.2f}",
                f"{one.size}^{one.stated:g}",
                "too steep" if one.too_steep else "",
            )
            for one in lines
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.scaling", description="how a target's kernels grow")
    parser.add_argument("target")
    parser.add_argument("--backend", nargs="+", default=["numpy", "jax", "torch", "cupy"])
    parser.add_argument("--most", type=float, default=1.0, help="GiB of the largest data set")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None, help="folder for TARGET-scaling.svg and .json")
    asked = parser.parse_args(arguments)
    target = catalog.target(asked.target)
    if target.growth is None:
        parser.error(f"{asked.target} does not say how it grows")
    backends = [name for name in asked.backend if catalog.backend(name).available() is None]
    along = target.growth(0, int(asked.most * 2**30))
    lines = []
    for backend, (size, growth) in itertools.product(backends, along.items()):
        kernels = {catalog.kernel_path(target.name, name, backend): name for name in ("portable", "tuned")}
        lines += [measure(target, backend, name, size, growth, asked.rounds) for name in kernels.values()]
        print(show(lines[-len(kernels) :]), flush=True)
    if asked.out:
        draw(
            lines,
            f"{target.name}: {machine.environment().get('processor', '')}",
            asked.out / f"{target.name}-scaling.svg",
        )
        document = {"environment": machine.environment(), "lines": [asdict(line) for line in lines]}
        (asked.out / f"{target.name}-scaling.json").write_text(json.dumps(document, indent=1, default=str) + "\n")
    return 1 if any(line.too_steep for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
