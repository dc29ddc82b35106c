"""A row of the table: a tuned kernel beside its peer in one contest, and what is made of both times.

All figures are of process CPU time, since other processes cannot add to it; wall time stands in what is saved.
"""

import functools
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers._interleaved import Figure, Times

from lar import ceilings, figures
from lar.ceilings import Ceilings
from lar.contracts import Case, Target


@dataclass(frozen=True)
class Row:
    """A tuned kernel beside its peer; times are nanoseconds a call.

    Attributes
    ----------
    target, workload, backend : str
    ours_ns, peer_ns : float
        CPU time, the median over rounds.
    ours_wall_ns, peer_wall_ns : float
    peer : str
        The fastest of the peers.
    ratio, low, high : float
        How many times the peer's speed ours has: the median over rounds, and its 90 % interval.
    goal : float, optional
        What the ratio is to be.
    percent_of_limit : float, optional
        The least time in which this machine can do the work, as a share of ours; None where its limits are not known.
    price_of_portability : float, optional
        The portable kernel's time over the tuned one's, less one; None where there is no portable one.
    """

    target: str
    workload: str
    backend: str
    ours_ns: float
    ours_wall_ns: float
    peer: str
    peer_ns: float
    peer_wall_ns: float
    ratio: float
    low: float
    high: float
    goal: float | None
    percent_of_limit: float | None
    price_of_portability: float | None

    @property
    def met(self) -> bool:
        """Whether there is no goal, or it is reached."""
        return self.goal is None or self.ratio >= self.goal


def row(
    target: Target,
    case: Case,
    backend: str,
    goal: float | None,
    peer: str,
    found: Mapping[str, Figure],
    times: Mapping[str, Times],
) -> Row | None:
    """Return the row of a backend's tuned kernel; None if it did not take part.

    Parameters
    ----------
    target : Target
    case : Case
        Says what the work is.
    backend : str
    goal : float, optional
        Of the tuned kernel on NumPy; those of other backends have none.
    peer : str
    found, times : mapping
        Of all that took part, by name.
    """
    tuned, portable = found.get(f"{backend} tuned"), found.get(f"{backend} portable")
    if tuned is None:
        return None
    price = None
    if portable:
        ratios = zip(times[portable.name].cpu, times[tuned.name].cpu, strict=True)
        price = statistics.median(theirs / ours for theirs, ours in ratios) - 1
    least = limit_ns(target, case, backend)
    return Row(
        target=target.name,
        workload=tuned.case,
        backend=backend,
        ours_ns=tuned.cpu_ns,
        ours_wall_ns=tuned.wall_ns,
        peer=peer,
        peer_ns=found[peer].cpu_ns,
        peer_wall_ns=found[peer].wall_ns,
        ratio=tuned.times_peer,
        low=tuned.low,
        high=tuned.high,
        goal=goal if backend == "numpy" else None,
        percent_of_limit=None if least is None else 100 * least / tuned.cpu_ns,
        price_of_portability=price,
    )


def limit_ns(target: Target, case: Case, backend: str) -> float | None:
    """Return the least time that one core of this machine needs for a call; None where its limits are not known."""
    limits, cost = limits_of(backend), target.cost(case)
    written = sum(spec.nbytes for spec in target.outputs(case))
    return ceilings.limit_ns(cost, limits, cost.bytes, written) if limits else None


@functools.cache
def limits_of(backend: str) -> Ceilings | None:
    """Return the ceilings of one core; once, since on a busy machine whoever asks measures them anew."""
    return figures.limits_of(backend, "cpu", 1)


def said(one: Row) -> str:
    """Return a row as one line."""
    goal = "" if one.goal is None else f"; goal {one.goal:g}x: {'met' if one.met else 'MISSED'}"
    limit = "" if one.percent_of_limit is None else f"; {one.percent_of_limit:.1f} % of limit"
    price = "" if one.price_of_portability is None else f"; price of portability {100 * one.price_of_portability:.0f} %"
    return f"{one.backend} tuned: {one.ratio:.2f}x {one.peer} [{one.low:.2f} .. {one.high:.2f}]{goal}{limit}{price}"


def load(path: Path) -> dict[str, Any]:
    """Return the document that `Comparison.main` wrote, its rows as instances of `Row`."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**document, "rows": [Row(**one) for one in document.get("rows", [])]}
