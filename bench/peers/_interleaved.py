"""Times several functions side by side, so that whatever slows the machine down slows all of them down alike.

1. A round runs every function once in a random order and once more in the reverse of it (ABBA), so that drift within a
   round cancels; a figure is the median over rounds.
2. A function is repeated within its block until the clock resolves it, over inputs that it has in rotation.
3. Process CPU time decides, since other processes cannot add to it; wall time stands beside it.
4. A ratio is taken within each round and never between medians; its 90 % interval is a bootstrap over rounds. It holds
   for this process: a new one, with its memory laid out anew, differs by about half a percent.
"""

import contextlib
import json
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lar import processor
from lar.report.tables import table
from lar.report.units import duration

BLOCK_NS = 5_000_000
RESAMPLES = 2000

Call = Callable[[int], object]
"""Runs the operation on input number i; any i is taken."""


@dataclass(frozen=True)
class Times:
    """Nanoseconds a call, one figure a round."""

    cpu: tuple[float, ...]
    wall: tuple[float, ...]


@dataclass(frozen=True)
class Figure:
    """How a function did in one case, and how many times the peer's speed it has."""

    case: str
    name: str
    cpu_ns: float
    wall_ns: float
    times_peer: float
    low: float
    high: float
    rounds: int


def interleave(calls: Mapping[str, Call], rounds: int, seed: int = 0) -> dict[str, Times]:
    """Time all functions, round by round.

    Parameters
    ----------
    calls : mapping of str to callable
        The functions by name; each is called a few times beforehand.
    rounds : int
        How many rounds, two blocks of every function each.
    seed : int
        Of the orders.
    """
    repeats = {name: _repeats(call) for name, call in calls.items()}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    wall: dict[str, list[float]] = {name: [] for name in calls}
    draw, order = random.Random(seed), list(calls)
    for _ in range(rounds):
        draw.shuffle(order)
        halves: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
        for name in (*order, *reversed(order)):
            halves[name].append(_block(calls[name], repeats[name]))
        for name, ((cpu_a, wall_a), (cpu_b, wall_b)) in halves.items():
            cpu[name].append((cpu_a + cpu_b) / 2)
            wall[name].append((wall_a + wall_b) / 2)
    return {name: Times(tuple(cpu[name]), tuple(wall[name])) for name in calls}


def figures(case: str, times: Mapping[str, Times], peer: str, seed: int = 0) -> list[Figure]:
    """Return a figure for every function, the peer's own among them."""
    out = []
    for name, own in times.items():
        ratios = [theirs / ours for theirs, ours in zip(times[peer].cpu, own.cpu, strict=True)]
        low, high = _bootstrap(ratios, random.Random(seed))
        middle = statistics.median
        out.append(Figure(case, name, middle(own.cpu), middle(own.wall), middle(ratios), low, high, len(ratios)))
    return out


def show(found: Sequence[Figure]) -> str:
    """Return the figures as a table for a person."""
    head = ("case", "kernel", "CPU", "wall", "x peer", "90 % interval")
    return table(
        head,
        [
            (
                one.case,
                one.name,
                duration(one.cpu_ns),
                duration(one.wall_ns),
                f"{one.times_peer:.2f}",
                f"{one.low:.2f} .. {one.high:.2f}",
            )
            for one in found
        ],
    )


def save(path: Path, found: Sequence[Figure], libraries: Sequence[str], **more: Any) -> None:
    """Write the figures as JSON, with the machine and the versions they hold for."""
    about: dict[str, Any] = {"processor": processor.describe(), "python": platform.python_version()}
    about["libraries"] = {name: known for name in libraries if (known := _version(name))}
    document = {"about": about, "figures": [asdict(one) for one in found], **more}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _version(distribution: str) -> str | None:
    """Return an installed distribution's version; None if the library came by another name (conda's faiss)."""
    with contextlib.suppress(PackageNotFoundError):
        return version(distribution)
    return None


def _repeats(call: Call) -> int:
    for i in range(3):
        call(i)
    repeats = 1
    while True:
        cpu, _ = _block(call, repeats)
        if cpu * repeats >= BLOCK_NS / 4:
            return max(1, round(BLOCK_NS / cpu))
        repeats *= 2


def _block(call: Call, repeats: int) -> tuple[float, float]:
    """Return CPU and wall nanoseconds a call."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for i in range(repeats):
        call(i)
    return (time.process_time_ns() - cpu) / repeats, (time.perf_counter_ns() - wall) / repeats


def _bootstrap(values: Sequence[float], draw: random.Random) -> tuple[float, float]:
    """Return the 5th and the 95th percentile of the medians of resamples."""
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[RESAMPLES // 20], medians[-1 - RESAMPLES // 20]
