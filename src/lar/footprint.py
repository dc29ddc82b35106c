"""How much memory a run will take, said before anything is built, and refused where it does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from lar.contracts import Case, Target
from lar.errors import LarError

_IN_A_WORKER = 3
"""A worker holds a data set as it was handed over, as `prepare` left it, and for a while what `prepare` computes on."""

_BUILDING = 8
"""What the largest data set takes while it is generated: its vectors are drawn in float64, and encoded from a copy.
An estimate on the safe side, as are the other two; none was measured."""

_LIBRARIES = 1 << 30
"""Interpreters, compilers and libraries of supervisor and workers."""


@dataclass(frozen=True)
class Footprint:
    """Bytes: all data sets together, about what the whole run takes, what the machine has left."""

    data: int
    needed: int
    available: int

    def __str__(self) -> str:
        all_in_all = f"about {_gib(self.needed)} of memory in all; {_gib(self.available)} are available"
        return f"data sets of {_gib(self.data)}, {all_in_all}"


def footprint(target: Target, cases: Sequence[Case], workers: int) -> Footprint | None:
    """Return what running these workloads takes; None if the target does not tell.

    Parameters
    ----------
    target : Target
    cases : sequence of Case
        The workloads; those that share a data set count once.
    workers : int
        How many run at the same time.
    """
    if target.data_bytes is None:
        return None
    sizes = {case.data_key: target.data_bytes(case) for case in cases if not case.recorded}
    data, largest = sum(sizes.values()), max(sizes.values(), default=0)
    needed = data * (1 + _IN_A_WORKER * workers) + largest * _BUILDING + _LIBRARIES
    return Footprint(data, needed, psutil.virtual_memory().available)


def refuse_what_does_not_fit(found: Footprint, what: str) -> None:
    """Raise where a run would not fit.

    Raises
    ------
    LarError
        With what it takes and what is there.
    """
    if found.needed > found.available:
        raise LarError(f"{what} does not fit: {found}. Expect to need a smaller --scale, or a larger machine")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
