"""One kernel in front of the whole harness: what `lar bench` would say of it, where it was stopped, what it touched."""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.canaries import Canaries
from tests.hostile.collection import HOME, Exhibit

import lar.targets
from lar import bench, catalog, clock
from lar.bench import Request
from lar.contracts import Outcome, Status
from lar.datasets import Datasets
from lar.errors import LarError

GUESTS = HOME.parent / "guests"
BACKENDS = ("numpy", "jax", "torch", "cupy")

LEAST_SHARE = 0.4
"""A swallowed attack may not bring the figure below this share of the honest kernel's; a cheat aims at a tenth."""

MOST_CALLS = 512
"""Calls in a batch, fewer than `lar bench` makes: an examination is then quick, and no tell for a kernel."""

STATUS_OF = {
    **dict.fromkeys(
        ["shape", "dtype", "type", "count", "alias", "mutated", "nan", "value", "order", "duplicate", "range"],
        Status.INCORRECT,
    ),
    **dict.fromkeys(
        ["import", "signature", "compile", "exception", "memory", "signal", "exit", "hang", "output"], Status.CRASH
    ),
    **dict.fromkeys(("protocol", "forged", "background"), Status.CHEAT),
    "budget": Status.TIMEOUT,
}
"""The status that goes with a kind of failure."""


@dataclass(frozen=True)
class Finding:
    """What became of an exhibit on a backend.

    Attributes
    ----------
    outcome : Outcome
    phase : str
        What the harness was doing last: ``starting``, ``checking``, ``preparing``, ``timing``.
    disturbed : tuple of str
        Canaries that show a trace.
    share : float or None
        Its figure over that of the honest kernel, where it has one.
    """

    outcome: Outcome
    phase: str
    disturbed: tuple[str, ...]
    share: float | None

    @property
    def kind(self) -> str:
        """The failure's kind; ``passed`` where there is none."""
        return self.outcome.failure.kind if self.outcome.failure else "passed"

    @property
    def told(self) -> str:
        """How it ended, in a few words."""
        if self.outcome.failure is None:
            return "passed" if self.share is None else f"passed, {self.share:.2f} of the honest time"
        return f"{self.kind} in {self.phase}"

    def complaint(self, exhibit: Exhibit, backend: str) -> str | None:
        """Say what is not as it must be; None if all is."""
        failure = self.outcome.failure
        why = f"{self.outcome.status}: {failure.kind}: {failure.message}" if failure else "it passed"
        kinds = exhibit.kinds(backend)
        if self.disturbed:
            return "; ".join(self.disturbed)
        if failure is None and (exhibit.swallowed(backend) or not kinds):
            slow_enough = self.share is None or self.share >= LEAST_SHARE
            return None if slow_enough else f"took {self.share:.2f} of the honest time"
        if not kinds:
            return f"must pass, but {why}"
        if self.kind not in kinds or self.outcome.status is not STATUS_OF[self.kind]:
            return f"must be refused as {' or '.join(sorted(kinds))}, but {why}"
        return None


@contextlib.contextmanager
def guests() -> Iterator[None]:
    """Mount the targets that the collection answers, and keep batches short."""
    before = list(lar.targets.__path__), clock.MAX_CALLS
    catalog.mount([GUESTS])
    clock.MAX_CALLS = MOST_CALLS
    try:
        yield
    finally:
        lar.targets.__path__[:], clock.MAX_CALLS = before


def cannot_run(backend: str) -> str | None:
    """Say why a backend cannot run here."""
    return catalog.backend(backend).available()


def examine(exhibit: Exhibit, backend: str) -> Finding:
    """Have a kernel checked and timed, in a folder of its own that it knows of, with the canaries set."""
    source = exhibit.path.read_text(encoding="utf-8")
    share = None
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch, _homes_in(Path(scratch)):
        folder = Path(scratch, "kernel")
        folder.mkdir()
        path = folder / exhibit.path.name
        path.write_text(source, encoding="utf-8")
        canaries = Canaries(folder, Path(scratch))
        path.write_text(source.replace('CANARY = ""', f"CANARY = {canaries.address!r}"), encoding="utf-8")
        canaries.set()
        outcome, phase = _measure(exhibit.target, backend, str(path), exhibit.threads)
        disturbed = tuple(canaries.disturbed())
        if outcome.geomean_ns and exhibit.swallowed(backend):
            share = outcome.geomean_ns / _honest_ns(exhibit.target, backend, exhibit.threads)
            for _ in range(2):
                if share < LEAST_SHARE:  # or the machine was busy while the honest kernel ran: both once more
                    _honest_ns.cache_clear()
                    again, _ = _measure(exhibit.target, backend, str(path), exhibit.threads)
                    share = (again.geomean_ns or 0.0) / _honest_ns(exhibit.target, backend, exhibit.threads)
    return Finding(outcome, phase, disturbed, share)


@contextlib.contextmanager
def _homes_in(scratch: Path) -> Iterator[None]:
    """Have the supervisor make its temporary folders here, so that what is left of a worker can be told."""
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    try:
        yield
    finally:
        tempfile.tempdir = before


@functools.cache
def _datasets(target: str) -> Datasets:
    return Datasets(catalog.target(target))


@functools.cache
def _honest_ns(target: str, backend: str, threads: int) -> float:
    """Return the figure of the target's portable kernel."""
    outcome, _ = _measure(target, backend, "portable", threads)
    if outcome.geomean_ns is None:
        raise LarError(f"the portable kernel of {target} does not pass on {backend}: {outcome.failure}")
    return outcome.geomean_ns


def _measure(target: str, backend: str, kernel: str, threads: int) -> tuple[Outcome, str]:
    phases = [""]
    request = Request(
        target,
        backend,
        backend,
        kernel=kernel,
        scale="small",
        nq=(1,),
        threads=min(threads, os.cpu_count() or 1),
        mode="quick",
        time_budget=40.0,
    )
    outcome = bench.measure(request, _datasets(target), lambda what, _done, _of: phases.append(what))
    return outcome, phases[-1].split(",")[0].split()[0]
