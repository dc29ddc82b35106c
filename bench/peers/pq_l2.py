"""`pq-l2` against what a user would pick instead: faiss ``IndexPQ``, one thread, the same codebooks and codes.

``python -m bench.peers.pq_l2 [--scale standard|large] [--backend numpy] [--distribution clustered] [--json FILE]``

Prints, for each shape and number of queries a call, the time of faiss, of the tuned and of the portable kernel, how
many times faster than faiss each is, and what portability costs: the portable kernel's time over the tuned one's.
Nothing is timed before its distances agree with those of faiss.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by faiss and by NumPy's BLAS when they are loaded

import faiss
import numpy as np
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import Case, Data, Query, Target
from lar.trees import tree_map

TARGET = "pq-l2"
PEER = "faiss IndexPQ"
CALLS = 16  # distinct queries in rotation
SEED = 20_260_101


def cases(target: Target, scale: str, distribution: str) -> list[Case]:
    """Return the cases to time; a large batch is timed for one shape, since it takes the peer a second a call."""
    every = [one for one in target.workloads(SEED, scale, (1, 32)) if one.distribution == distribution]
    return [one for one in every if scale != "large" or one.shape["nq"] == 1 or one.shape["dim"] == 128]


def faiss_index(data: Data) -> Any:
    """Return an index of the data set as it is, neither trained nor encoded anew."""
    codebook, codes = data["codebook"], data["codes"]
    m, K, width = codebook.shape
    if K != 256:
        raise ValueError(f"faiss keeps codes of 8 bits: K is {K}, expected 256")
    index = faiss.IndexPQ(m * width, m, 8)
    faiss.copy_array_to_vector(codebook.ravel(), index.pq.centroids)
    faiss.copy_array_to_vector(codes.ravel(), index.codes)
    index.is_trained, index.ntotal = True, len(codes)
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
        if not np.allclose(ours, theirs, rtol=1e-5, atol=1e-6):
            raise ValueError(f"{name}: distances differ from those of faiss by {np.abs(ours - theirs).max():.3g}")


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
    parser = argparse.ArgumentParser(prog="bench.peers.pq_l2", description="pq-l2 against faiss IndexPQ, one thread")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--distribution", choices=("clustered", "uniform", "sparse"), default="clustered")
    parser.add_argument("--rounds", type=int, default=None, help="default: 15, large 5")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    faiss.omp_set_num_threads(1)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    rounds = chosen.rounds or (5 if chosen.scale == "large" else 15)
    found: list[_interleaved.Figure] = []
    for case in cases(target, chosen.scale, chosen.distribution):
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
