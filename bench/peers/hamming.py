"""`hamming` against what a user would pick instead: faiss ``IndexBinaryFlat``, one thread, the same codes.

``python -m bench.peers.hamming [--scale standard|large] [--backend numpy] [--distribution random] [--json FILE]``

Prints, for each width and number of queries a call, the time of faiss, of the tuned and of the portable kernel, how
many times faster than faiss each is, and what portability costs: the portable kernel's time over the tuned one's.
Nothing is timed before its distances are those of faiss.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by faiss when it is loaded

import faiss
import numpy as np
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import Case, Data, Query, Target
from lar.trees import tree_map

TARGET = "hamming"
PEER = "faiss IndexBinaryFlat"
CALLS = 16  # distinct queries in rotation
SEED = 20_260_101
DISTRIBUTIONS = ("random", "clustered", "duplicates")


def cases(target: Target, scale: str, distributions: Sequence[str]) -> list[Case]:
    """Return the cases to time."""
    return [one for one in target.workloads(SEED, scale, (1, 32)) if one.distribution in distributions]


def faiss_index(data: Data) -> Any:
    """Return an index of the data set."""
    codes = data["codes"]
    index = faiss.IndexBinaryFlat(8 * codes.shape[1])
    index.add(codes)
    return index


def kernel_call(name: str, backend: Any, case: Case, data: Data, queries: Sequence[Query]) -> _interleaved.Call:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **case.statics)
    run, staged = backend.compile(kernel.run, case.statics), [backend.put(query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def agree(name: str, backend: Any, call: _interleaved.Call, index: Any, queries: Sequence[Query], k: int) -> None:
    """Raise if the distances of a kernel are not those of faiss."""
    for i, query in enumerate(queries):
        ours, theirs = backend.get(call(i)[0]), np.sort(index.search(query, k)[0], axis=1)  # type: ignore[index]
        if not np.array_equal(ours, theirs):
            raise ValueError(f"{name}: distances {ours[0]} where faiss has {theirs[0]}")


def compare(target: Target, case: Case, backends: Sequence[Any], rounds: int) -> list[_interleaved.Figure]:
    """Time the peer and all kernels on one case."""
    data, k = target.data(case), int(case.shape["k"])
    queries = target.queries(case, data, SEED, CALLS if case.shape["nq"] == 1 else 2)
    index = faiss_index(data)
    calls: dict[str, _interleaved.Call] = {PEER: lambda i: index.search(queries[i % len(queries)], k)}
    for backend in backends:
        for kernel in ("tuned", "portable"):
            call = kernel_call(kernel, backend, case, data, queries)
            agree(f"{backend.name} {kernel}", backend, call, index, queries, k)
            calls[f"{backend.name} {kernel}"] = call
    return _interleaved.figures(case.name, _interleaved.interleave(calls, rounds), PEER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.hamming", description="hamming against faiss, one thread")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--distribution", action="append", choices=DISTRIBUTIONS, help="default: all; may be repeated")
    parser.add_argument("--rounds", type=int, default=None, help="default: 15, large 5")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    faiss.omp_set_num_threads(1)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    rounds = chosen.rounds or (5 if chosen.scale == "large" else 15)
    found: list[_interleaved.Figure] = []
    for case in cases(target, chosen.scale, chosen.distribution or DISTRIBUTIONS):
        here = compare(target, case, backends, rounds)
        found += here
        print(_interleaved.show(here))
        for backend in backends:
            price = {one.name: one.cpu_ns for one in here}
            tuned, portable = price[f"{backend.name} tuned"], price[f"{backend.name} portable"]
            print(f"price of portability on {backend.name}: {100 * (portable / tuned - 1):.0f} %\n", flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("faiss-cpu", "numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
