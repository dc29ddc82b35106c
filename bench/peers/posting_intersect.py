"""`posting-intersect` against what a user would pick instead: NumPy and pyroaring (CRoaring), one thread.

``python -m bench.peers.posting_intersect [--scale standard] [--backend numpy] [--queries 1] [--lists 2] [--json FILE]``

Prints two tables for each case. *From arrays*: nothing is prepared, each function is given the lists as sorted arrays;
`np.searchsorted`, `np.intersect1d`, pyroaring bitmaps built and intersected, and the tuned kernel without containers,
against the best of the peers. *Prepared*: pyroaring bitmaps built beforehand, with the result left in one and with its
ids taken out, which is what is asked here, against the tuned kernel and the portable one.
Nothing is timed before all agree.
"""

import argparse
import array
import functools
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyroaring
from bench.peers import _interleaved
from bench.peers._interleaved import Call, Figure

from lar import catalog
from lar.contracts import Case, Data, Query, Target
from lar.trees import tree_map

TARGET = "posting-intersect"
SEED = 20_260_101
IDS_OUT, BITMAP_OUT = "pyroaring, ids out", "pyroaring, a bitmap out"
Ids = npt.NDArray[np.uint32]


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


def peers(data: Data) -> tuple[dict[str, Callable[[Any], Any]], dict[str, Callable[[Any], Any]]]:
    """Return functions of one row of list numbers: those that are given arrays, and those that find bitmaps."""
    ids, offsets = data["ids"], data["offsets"]
    arrays = [ids[offsets[number] : offsets[number + 1]] for number in range(len(offsets) - 1)]
    bitmaps = [bitmap_of(one) for one in arrays]
    intersection = pyroaring.BitMap.intersection
    given = {
        "np.searchsorted": lambda row: searched([arrays[number] for number in row]),
        "np.intersect1d": lambda row: sorted_together([arrays[number] for number in row]),
        "pyroaring": lambda row: roared([arrays[number] for number in row]),
    }
    found = {
        BITMAP_OUT: lambda row: intersection(*[bitmaps[number] for number in row]),
        IDS_OUT: lambda row: ids_of(intersection(*[bitmaps[number] for number in row])),
    }
    return given, found


def rotated(function: Callable[[Any], Any], rows: Sequence[Sequence[Sequence[int]]]) -> Call:
    """Return the call of a peer's function on each row of a query."""
    return lambda i: [function(row) for row in rows[i % len(rows)]]


def kernel_call(name: str, backend: Any, case: Case, data: Data, queries: Sequence[Query], **options: Any) -> Call:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **case.statics, **options)
    run, staged = backend.compile(kernel.run, case.statics), [backend.put(query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def agree(calls: Mapping[str, Call], kernels: Mapping[str, tuple[Any, Call]], capacity: int, count: int) -> None:
    """Raise if not all return the same ids."""
    for i in range(count):
        expected = [np.asarray(one, np.uint32) for one in calls["np.searchsorted"](i)]  # type: ignore[attr-defined]
        for name, call in calls.items():
            for row, one in zip(expected, call(i), strict=True):  # type: ignore[call-overload]
                ids = ids_of(one) if isinstance(one, pyroaring.BitMap) else one
                if not np.array_equal(ids, row):
                    raise ValueError(f"{name}: {len(ids)} ids, np.searchsorted finds {len(row)}, or others")
        for name, (backend, call) in kernels.items():
            ids, counts = (backend.get(part) for part in call(i))  # type: ignore[attr-defined]
            for row, own, found in zip(expected, ids, counts, strict=True):
                if found != len(row) or not np.array_equal(own[: len(row)], row[:capacity]):
                    raise ValueError(f"{name}: {found} ids, np.searchsorted finds {len(row)}, or others")


def compare(target: Target, case: Case, backends: Sequence[Any], rounds: int) -> tuple[list[Figure], list[Figure]]:
    """Time all on one case; return the figures from arrays and the prepared ones."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, 64 if case.shape["nq"] == 1 else 4)
    rows = [query.tolist() for query in queries]
    given, found = ({name: rotated(f, rows) for name, f in part.items()} for part in peers(data))
    arrays: dict[str, tuple[Any, Call]] = {}
    prepared: dict[str, tuple[Any, Call]] = {}
    for backend in backends:
        for name in ("tuned", "portable"):
            call = kernel_call(name, backend, case, data, queries)
            prepared[f"{backend.name} {name}"] = backend, call
        if backend.name == "numpy":
            arrays["numpy tuned"] = backend, kernel_call("tuned", backend, case, data, queries, dense=False)
    for kernels in (arrays, prepared):
        agree(given | found, kernels, case.shape["capacity"], len(rows))
    times = _interleaved.interleave(given | {name: call for name, (_, call) in arrays.items()}, rounds)
    best = min(given, key=lambda name: statistics.median(times[name].cpu))
    from_arrays = _interleaved.figures(f"{case.name} from arrays", times, best)
    times = _interleaved.interleave(found | {name: call for name, (_, call) in prepared.items()}, rounds)
    return from_arrays, _interleaved.figures(case.name, times, BITMAP_OUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.posting_intersect", description="against NumPy and pyroaring")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--queries", action="append", type=int, help="queries a call; default: 1 and 32")
    parser.add_argument("--lists", action="append", type=int, help="K; default: 2, 3 and 5")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    figures: list[Figure] = []
    for case in target.workloads(SEED, chosen.scale, chosen.queries or (1, 32)):
        if chosen.lists and case.shape["K"] not in chosen.lists:
            continue
        for part in compare(target, case, backends, chosen.rounds):
            figures += part
            print(_interleaved.show(part), flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, figures, ("pyroaring", "numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
