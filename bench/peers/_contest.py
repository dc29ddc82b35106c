"""What every comparison with a peer has in common: contests, agreement before timing, the command line, the rows.

A module of this package names its target, the libraries it compares with, the cases to time, and, for each case, one
contest or several: peers and kernels that are given the same inputs, and a function that says whether they agree.
Everything else is here.
"""

import argparse
import dataclasses
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers import _interleaved
from bench.peers._interleaved import Call, Times

from lar import catalog, ceilings, figures
from lar.contracts import Case, Data, Query, Target
from lar.trees import tree_map

SEED = 20_260_101


@dataclass(frozen=True)
class Entrant:
    """A kernel on a backend: the call of its `run`, waited for, and how its outputs come to the host."""

    call: Call
    get: Callable[[Any], Any]


Agree = Callable[[str, int, Any], None]
"""``(name, i, result)``: raises `ValueError` if what this one made of input i is wrong. Outputs of kernels are tuples
of host arrays; what a peer returns comes as it is."""


@dataclass(frozen=True)
class Contest:
    """Peers and kernels in one case.

    Attributes
    ----------
    case : Case
        Says what the work is, for the share of the machine's limit.
    peers : mapping of str to callable
        The peer is the fastest of them.
    entrants : mapping of str to Entrant
        ``<backend> tuned`` and ``<backend> portable``, as `entrants` makes them, and whatever else is to be seen.
    agree : callable
    inputs : int
        How many distinct inputs are in rotation; all are checked.
    goal : float, optional
        How many times the peer's speed the tuned kernel on NumPy is to have.
    name : str
        Of the contest, where a case has several.
    """

    case: Case
    peers: Mapping[str, Call]
    entrants: Mapping[str, Entrant]
    agree: Agree
    inputs: int
    goal: float | None = None
    name: str = ""
    beside: Mapping[str, Call] = field(default_factory=dict)
    """Other functions to be seen beside them, which are not the peer: they do less or more than is asked."""

    @property
    def title(self) -> str:
        """The name it is shown under."""
        return self.name or self.case.name


@dataclass(frozen=True)
class Row:
    """A tuned kernel beside its peer; times are wall nanoseconds a call, the ratio is of CPU time."""

    target: str
    workload: str
    backend: str
    ours_ns: float
    peer: str
    peer_ns: float
    ratio: float
    low: float
    high: float
    goal: float | None
    percent_of_limit: float | None
    price_of_portability: float | None
    """The portable kernel's time over the tuned one's, less one."""


@dataclass(frozen=True)
class Comparison:
    """A target and what it is compared with.

    Attributes
    ----------
    target : str
    libraries : sequence of str
        Distributions whose versions stand in the results.
    cases : callable
        ``(target, scale) -> cases`` to time.
    contests : callable
        ``(target, case, backends) -> contests``, made one after another.
    rounds : int
        Unless told otherwise; a third at large scale.
    begin : callable, optional
        Called once at first, to hold a library to one thread.
    """

    target: str
    libraries: Sequence[str]
    cases: Callable[[Target, str], Iterable[Case]]
    contests: Callable[[Target, Case, Sequence[Any]], Iterable[Contest]]
    rounds: int = 15
    begin: Callable[[], object] | None = None

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run the comparison, print its tables and write what was found."""
        chosen = self._parser().parse_args(arguments)
        if self.begin:
            self.begin()
        target = catalog.target(self.target)
        backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
        rounds = chosen.rounds or (max(3, self.rounds // 3) if chosen.scale == "large" else self.rounds)
        shown: list[_interleaved.Figure] = []
        rows: list[Row] = []
        for case in self.cases(target, chosen.scale):
            if not any(part in case.name for part in chosen.only or [""]):
                continue
            for contest in self.contests(target, case, backends):
                if chosen.scale == "small":  # the goals are for sizes at which a store works
                    contest = dataclasses.replace(contest, goal=None)  # noqa: PLW2901
                figures_here, rows_here = _held(target, contest, backends, rounds)
                shown += figures_here
                rows += rows_here
                print(_interleaved.show(figures_here), flush=True)
                for one in rows_here:
                    print(_said(one), flush=True)
                print(flush=True)
        if chosen.json:
            libraries = (*self.libraries, "numpy", "numba")
            _interleaved.save(chosen.json, shown, libraries, rows=[dataclasses.asdict(one) for one in rows])
        return 0

    def _parser(self) -> argparse.ArgumentParser:
        module = self.target.replace("-", "_")
        parser = argparse.ArgumentParser(prog=f"bench.peers.{module}", description=f"{self.target} against its peers")
        parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
        parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; repeatable")
        parser.add_argument("--only", action="append", metavar="PART", help="cases whose name has it; repeatable")
        parser.add_argument("--rounds", type=int, default=None, help=f"default: {self.rounds}, a third at large scale")
        parser.add_argument("--json", type=Path, default=None, metavar="FILE")
        return parser


def entrants(
    target: str, case: Case, backends: Sequence[Any], data: Data, queries: Sequence[Query], **options: Any
) -> dict[str, Entrant]:
    """Prepare the tuned and the portable kernel on every backend.

    Parameters
    ----------
    target : str
    case : Case
    backends : sequence of Backend
    data : Data
    queries : sequence of Query
        In rotation; they lie on the device before the clock runs.
    **options
        Of `prepare`, beside the statics.
    """
    return {
        f"{backend.name} {name}": entrant(target, name, backend, case, data, queries, **options)
        for backend in backends
        for name in ("tuned", "portable")
    }


def entrant(
    target: str, name: str, backend: Any, case: Case, data: Data, queries: Sequence[Query], **options: Any
) -> Entrant:
    """Prepare one kernel on one backend."""
    kernel = catalog.load_kernel(target, catalog.kernel_path(target, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **case.statics, **options)
    run, staged = backend.compile(kernel.run, case.statics), [tree_map(backend.put, query) for query in queries]
    return Entrant(
        lambda i: backend.ready(run(state, staged[i % len(staged)])),
        lambda outputs: tuple(backend.get(one) for one in outputs),
    )


def _held(
    target: Target, contest: Contest, backends: Sequence[Any], rounds: int
) -> tuple[list[_interleaved.Figure], list[Row]]:
    """Check and time one contest."""
    for i in range(contest.inputs):
        for name, call in {**contest.peers, **contest.beside}.items():
            contest.agree(name, i, call(i))
        for name, one in contest.entrants.items():
            contest.agree(name, i, one.get(one.call(i)))
    calls = {**contest.peers, **contest.beside, **{name: one.call for name, one in contest.entrants.items()}}
    times = _interleaved.interleave(calls, rounds)
    peer = min(contest.peers, key=lambda name: statistics.median(times[name].cpu))
    found = _interleaved.figures(contest.title, times, peer)
    by_name = {one.name: one for one in found}
    rows = [_row(target, contest, backend, peer, by_name, times) for backend in backends]
    return found, [one for one in rows if one]


def _row(
    target: Target,
    contest: Contest,
    backend: Any,
    peer: str,
    found: Mapping[str, _interleaved.Figure],
    times: Mapping[str, Times],
) -> Row | None:
    tuned, portable = found.get(f"{backend.name} tuned"), found.get(f"{backend.name} portable")
    if tuned is None:
        return None
    cost = target.cost(contest.case)
    written = sum(spec.nbytes for spec in target.outputs(contest.case))
    limits = figures.limits_of(backend.name, "cpu", 1)
    limit = ceilings.limit_ns(cost, limits, cost.bytes, written) if limits else None
    price = None
    if portable:
        ratios = zip(times[portable.name].cpu, times[tuned.name].cpu, strict=True)
        price = statistics.median(theirs / ours for theirs, ours in ratios) - 1
    return Row(
        target=target.name,
        workload=contest.title,
        backend=backend.name,
        ours_ns=tuned.wall_ns,
        peer=peer,
        peer_ns=found[peer].wall_ns,
        ratio=tuned.times_peer,
        low=tuned.low,
        high=tuned.high,
        goal=contest.goal if backend.name == "numpy" else None,
        percent_of_limit=100 * limit / tuned.wall_ns if limit else None,
        price_of_portability=price,
    )


def _said(row: Row) -> str:
    goal = "" if row.goal is None else f"; goal {row.goal:g}x: {'met' if row.ratio >= row.goal else 'MISSED'}"
    limit = "" if row.percent_of_limit is None else f"; {row.percent_of_limit:.0f} % of limit"
    price = "" if row.price_of_portability is None else f"; price of portability {100 * row.price_of_portability:.0f} %"
    return f"{row.backend} tuned: {row.ratio:.2f}x {row.peer} [{row.low:.2f} .. {row.high:.2f}]{goal}{limit}{price}"


def load_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that `Comparison.main` wrote."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows
