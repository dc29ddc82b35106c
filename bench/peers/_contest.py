"""What every comparison with a peer has in common: contests, agreement before timing, the command line, the rows.

A module of this package names its target, the libraries it compares with, the cases to time, and, for each case, one
contest or several: peers and kernels that are given the same inputs, and a function that says whether they agree.
Everything else is here. `hamming` shows its use.
"""

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers import _interleaved, _rows
from bench.peers._interleaved import Call, Figure
from bench.peers._rows import Row

from lar import catalog
from lar.contracts import Case, Data, Query, Target
from lar.trees import tree_map

SEED = 20_260_101
SCALES = ("small", "standard", "large")
BACKENDS = ("numpy", "jax")


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
        How many times the peer's speed the tuned kernel on NumPy is to have, at the sizes of a store: the standard
        scale and the large one.
    name : str
        Of the contest, where a case has several.
    beside : mapping of str to callable
        Other functions to be seen beside them, which are not the peer: they do less or more than is asked.
    """

    case: Case
    peers: Mapping[str, Call]
    entrants: Mapping[str, Entrant]
    agree: Agree
    inputs: int
    goal: float | None = None
    name: str = ""
    beside: Mapping[str, Call] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name it is shown under."""
        return self.name or self.case.name


@dataclass(frozen=True)
class Comparison:
    """A target and what it is compared with.

    Attributes
    ----------
    target : str
    libraries : sequence of str
        Distributions whose versions stand in the results.
    cases : callable
        ``(target, scale) -> cases`` that can be timed.
    contests : callable
        ``(target, case, backends) -> contests``, made one after another.
    rounds : int
        Unless told otherwise; a third at large scale.
    begin : callable, optional
        Called once at first, to hold a library to one thread.
    usual : sequence of str
        Parts of the names of those cases that are timed unless ``--only`` names others; all, if empty.
    """

    target: str
    libraries: Sequence[str]
    cases: Callable[[Target, str], Iterable[Case]]
    contests: Callable[[Target, Case, Sequence[Any]], Iterable[Contest]]
    rounds: int = 15
    begin: Callable[[], object] | None = None
    usual: Sequence[str] = ()

    def run(
        self, scale: str, backends: Sequence[Any], only: Sequence[str] = (), rounds: int | None = None
    ) -> Iterator[tuple[list[Figure], list[Row]]]:
        """Check and time one contest after another.

        Parameters
        ----------
        scale : {'small', 'standard', 'large'}
        backends : sequence of Backend
        only : sequence of str
            Cases whose name has one of these parts; as usual, if empty.
        rounds : int, optional

        Yields
        ------
        list of Figure, list of Row
            Of all that took part in a contest, and of the tuned kernels among them.

        Raises
        ------
        ValueError
            If a peer or a kernel disagrees; the message names it, the case and the input.
        """
        if self.begin:
            self.begin()
        target = catalog.target(self.target)
        count = rounds or (max(3, self.rounds // 3) if scale == "large" else self.rounds)
        parts = only or self.usual or ("",)
        for case in self.cases(target, scale):
            if any(part in case.name for part in parts):
                for contest in self.contests(target, case, backends):
                    goal = None if scale == "small" else contest.goal
                    yield _held(target, dataclasses.replace(contest, goal=goal), backends, count)

    def main(self, arguments: Sequence[str] | None = None, *, brief: bool = False) -> int:
        """Run the comparison, print its tables, or in brief a line a row on stderr, and write what was found."""
        parser = self._parser()
        chosen = parser.parse_args(arguments)
        backends = [opened(name, parser) for name in chosen.backend or BACKENDS[:1]]
        shown: list[Figure] = []
        rows: list[Row] = []
        for figures, here in self.run(chosen.scale, backends, chosen.only, chosen.rounds):
            shown += figures
            rows += here
            if brief:
                for one in here:
                    print(f"  {one.workload}: {_rows.said(one)}", file=sys.stderr, flush=True)
            else:
                print("\n".join([_interleaved.show(figures), *map(_rows.said, here)]), end="\n\n", flush=True)
            if chosen.json:  # after every contest: what was found is kept, whatever becomes of the next one
                libraries = (*self.libraries, "numpy", "numba")
                _interleaved.save(chosen.json, shown, libraries, rows=[dataclasses.asdict(one) for one in rows])
        if not shown and not brief:
            parser.error(f"no case of {self.target} is called {' or '.join(chosen.only)}")
        return 0

    def _parser(self) -> argparse.ArgumentParser:
        module = self.target.replace("-", "_")
        parser = argparse.ArgumentParser(
            prog=f"python -m bench.peers.{module}", description=f"{self.target} against its peers"
        )
        usual = f"; default: {' '.join(self.usual)}" if self.usual else ""
        add_options(parser, only=usual, rounds=f"{self.rounds}, a third at large scale")
        parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write what was found there")
        return parser


def add_options(parser: argparse.ArgumentParser, *, only: str = "", rounds: str) -> None:
    """Add what one comparison and all of them take alike; the two texts say what is the default."""
    parser.add_argument("--scale", choices=SCALES, default="standard")
    parser.add_argument(
        "--backend", action="extend", nargs="+", choices=BACKENDS, metavar="BACKEND", help="numpy (default), jax"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART", help=f"cases whose name has it; repeatable{only}"
    )
    parser.add_argument("--rounds", type=_positive, default=None, help=f"default: {rounds}")


def opened(name: str, parser: argparse.ArgumentParser) -> Any:
    """Open a backend; end with its own reason where it is not available."""
    backend = catalog.backend(name)
    if reason := backend.available():
        parser.error(f"--backend {name}: {reason}")
    return backend()


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


def _held(target: Target, contest: Contest, backends: Sequence[Any], rounds: int) -> tuple[list[Figure], list[Row]]:
    """Check and time one contest."""
    others = {**contest.peers, **contest.beside}
    for i in range(contest.inputs):
        for name, call in others.items():
            _agreed(contest, name, i, call(i))
        for name, one in contest.entrants.items():
            _agreed(contest, name, i, one.get(one.call(i)))
    times = _interleaved.interleave({**others, **{name: one.call for name, one in contest.entrants.items()}}, rounds)
    peer = min(contest.peers, key=lambda name: statistics.median(times[name].cpu))
    found = _interleaved.figures(contest.title, times, peer)
    named = {one.name: one for one in found}
    rows = [_rows.row(target, contest.case, one.name, contest.goal, peer, named, times) for one in backends]
    return found, [one for one in rows if one]


def _agreed(contest: Contest, name: str, i: int, result: Any) -> None:
    try:
        contest.agree(name, i, result)
    except ValueError as why:
        raise ValueError(f"{contest.title}: {name} disagrees about input {i}: {why}") from why


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word}, expected 1 or more")
    return number
