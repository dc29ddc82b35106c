"""`posting-intersect` against what a user would pick instead: NumPy and pyroaring (CRoaring), one thread.

``python -m bench.peers.posting_intersect [--scale standard|large] [--backend numpy] [--only k2/] [--json FILE]``

For each case there are two contests. *From arrays*: nothing is prepared, each function is given the lists as sorted
arrays; `np.searchsorted`, `np.intersect1d`, pyroaring bitmaps built and intersected, and the tuned kernel without
containers, against the best of the peers. *Prepared*: pyroaring bitmaps built beforehand, with the result left in one,
against the tuned kernel and the portable one; with its ids taken out, which is what is asked here, it stands beside.
"""

import array
import functools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyroaring
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from bench.peers._interleaved import Call

from lar.contracts import Case, Data, Target

Ids = npt.NDArray[np.uint32]
FROM_ARRAYS_GOAL, PREPARED_GOAL = 2.4, 1.0


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1, 32))


def searched(lists: Sequence[Ids]) -> Ids:
    """Search the shortest list in the others."""
    kept, *others = sorted(lists, key=len)
    for other in others:
        if not len(other):
            return other
        places = np.searchsorted(other, kept)
        places[places == len(other)] = 0
        kept = kept[other[places] == kept]
    return kept


def sorted_together(lists: Sequence[Ids]) -> Ids:
    """Intersect pair by pair, as NumPy does."""
    return functools.reduce(lambda a, b: np.intersect1d(a, b, assume_unique=True), lists)


def bitmap_of(ids: Ids) -> Any:
    """Build a bitmap by way of an `array`: an array of NumPy's is read id by id, which takes twenty times as long."""
    return pyroaring.BitMap(array.array("I", ids.tobytes()))


def roared(lists: Sequence[Ids]) -> Any:
    """Build a bitmap of every list, and intersect."""
    return pyroaring.BitMap.intersection(*map(bitmap_of, lists))


def ids_of(bitmap: Any) -> Ids:
    """Take the ids out of a bitmap."""
    return np.frombuffer(bitmap.to_array(), np.uint32)


def given(lists: Sequence[Ids]) -> dict[str, Callable[[Any], Any]]:
    """Return functions of one row of list numbers, of which nothing is prepared."""
    return {
        "np.searchsorted": lambda row: searched([lists[number] for number in row]),
        "np.intersect1d": lambda row: sorted_together([lists[number] for number in row]),
        "pyroaring": lambda row: roared([lists[number] for number in row]),
    }


def rotated(function: Callable[[Any], Any], rows: Sequence[Sequence[Sequence[int]]]) -> Call:
    """Return the call of a peer's function on each row of a query."""
    return lambda i: [function(row) for row in rows[i % len(rows)]]


def lists_of(data: Data) -> list[Ids]:
    """Return the lists of a store."""
    ids, offsets = data["ids"], data["offsets"]
    return [ids[offsets[number] : offsets[number + 1]] for number in range(len(offsets) - 1)]


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the two contests of a case."""
    data, capacity = target.data(case), case.shape["capacity"]
    queries = target.queries(case, data, SEED, 64 if case.shape["nq"] == 1 else 4)
    rows = [query.tolist() for query in queries]
    lists, intersection = lists_of(data), pyroaring.BitMap.intersection
    bitmaps = [bitmap_of(one) for one in lists]
    from_arrays = {name: rotated(one, rows) for name, one in given(lists).items()}
    truth = [[searched([lists[number] for number in row]) for row in query] for query in rows]

    def agree(name: str, i: int, result: Any) -> None:
        del name
        if isinstance(result, tuple):
            for expected, ids, count in zip(truth[i], *result, strict=True):
                if count != len(expected) or not np.array_equal(ids[: len(expected)], expected[:capacity]):
                    raise ValueError(f"{count} ids, np.searchsorted finds {len(expected)}, or others")
        else:
            for expected, one in zip(truth[i], result, strict=True):
                ids = ids_of(one) if isinstance(one, pyroaring.BitMap) else one
                if not np.array_equal(ids, expected):
                    raise ValueError(f"{len(ids)} ids, np.searchsorted finds {len(expected)}, or others")

    def prepared(function: Callable[..., Any]) -> Call:
        return rotated(lambda row: function(*[bitmaps[number] for number in row]), rows)

    for backend in backends:
        if backend.name == "numpy":
            bare = _contest.entrant(target.name, "tuned", backend, case, data, queries, dense=False)
            kernels: Mapping[str, Any] = {"numpy tuned": bare}
            name = f"{case.name}, from arrays"
            yield Contest(case, from_arrays, kernels, agree, len(rows), FROM_ARRAYS_GOAL, name=name)
    yield Contest(
        case,
        {"pyroaring, a bitmap out": prepared(intersection)},
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        len(rows),
        PREPARED_GOAL,
        name=f"{case.name}, prepared",
        beside={"pyroaring, ids out": prepared(lambda *given: ids_of(intersection(*given)))},
    )


COMPARISON = Comparison("posting-intersect", ("pyroaring",), cases, contests, rounds=11)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
