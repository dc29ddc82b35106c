"""Targets over product-quantised rows against faiss ``IndexPQ``: one thread, the same codebooks and codes.

Prints, for each shape and number of queries a call, the time of faiss, of the tuned and of the portable kernel, how
many times faster than faiss each is, and what portability costs: the portable kernel's time over the tuned one's.
Nothing is timed before its results agree with those of faiss, in the way that the target's own script says.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by faiss and by NumPy's BLAS when they are loaded

import faiss
import numpy as np
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import Case, Data, HostArray, Query, Target
from lar.trees import tree_map

L2, INNER_PRODUCT = faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT
CALLS = 16  # distinct queries in rotation
SEED = 20_260_101

Agree = Callable[[Any, Query, HostArray, HostArray], float]
"""``(index, query, distances, ids) -> how far`` a kernel's results are from what faiss says of them; 1 is too far."""


def cases(target: Target, scale: str, distribution: str) -> list[Case]:
    """Return the cases to time; a large batch is timed for one shape, since it takes the peer a second a call."""
    every = [one for one in target.workloads(SEED, scale, (1, 32)) if one.distribution == distribution]
    return [one for one in every if scale != "large" or one.shape["nq"] == 1 or one.shape["dim"] == 128]


def faiss_index(data: Data, metric: int) -> Any:
    """Return an index of the data set as it is, neither trained nor encoded anew."""
    codebook, codes = data["codebook"], data["codes"]
    m, K, width = codebook.shape
    if K != 256:
        raise ValueError(f"faiss keeps codes of 8 bits: K is {K}, expected 256")
    index = faiss.IndexPQ(m * width, m, 8, metric)
    faiss.copy_array_to_vector(codebook.ravel(), index.pq.centroids)
    faiss.copy_array_to_vector(codes.ravel(), index.codes)
    index.is_trained, index.ntotal = True, len(codes)
    return index


def kernel_call(target: str, name: str, backend: Any, case: Case, data: Data, queries: Sequence[Query]) -> Any:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(target, catalog.kernel_path(target, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **case.statics)
    run, staged = backend.compile(kernel.run, case.statics), [backend.put(query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def compare(
    target: Target, case: Case, metric: int, agree: Agree, backends: Sequence[Any], rounds: int
) -> list[_interleaved.Figure]:
    """Time the peer and all kernels on one case."""
    data, k = target.data(case), int(case.shape["k"])
    queries = target.queries(case, data, SEED, CALLS if case.shape["nq"] == 1 else 2)
    index = faiss_index(data, metric)
    peer = "faiss IndexPQ" + (" inner product" if metric == INNER_PRODUCT else "")
    calls: dict[str, _interleaved.Call] = {peer: lambda i: index.search(queries[i % len(queries)], k)}
    for backend in backends:
        for kernel in ("tuned", "portable"):
            name = f"{backend.name} {kernel}"
            calls[name] = kernel_call(target.name, kernel, backend, case, data, queries)
            for i, query in enumerate(queries):
                distances, ids = (backend.get(array) for array in calls[name](i))  # type: ignore[attr-defined]
                off = agree(index, query, distances, ids)
                if not off < 1:
                    raise ValueError(f"{case.name}, {name}: {off:.3g} times as far from faiss as rounding explains")
    return _interleaved.figures(case.name, _interleaved.interleave(calls, rounds), peer)


def decoded(index: Any, ids: HostArray) -> HostArray:
    """Return float64 (nq, k, dim): the rows of these ids (nq, k) as faiss decodes them."""
    flat = index.reconstruct_batch(ids.reshape(-1).astype(np.int64))
    rows: HostArray = flat.reshape(*ids.shape, -1).astype(np.float64)
    return rows


def difference(got: HostArray, expected: HostArray) -> float:
    """Return the largest difference in units of what rounding explains: 1e-5 of a number, and 1e-6."""
    return float((abs(got - expected) / (1e-6 + 1e-5 * abs(expected))).max())


def main(name: str, metric: int, agree: Agree, arguments: Sequence[str] | None = None) -> int:
    """Run the comparison of a target and print its tables."""
    module = name.replace("-", "_")
    parser = argparse.ArgumentParser(prog=f"bench.peers.{module}", description=f"{name} against faiss, one thread")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--distribution", choices=("clustered", "uniform", "sparse"), default="clustered")
    parser.add_argument("--rounds", type=int, default=None, help="default: 15, large 5")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    faiss.omp_set_num_threads(1)
    target = catalog.target(name)
    backends = [catalog.backend(backend)() for backend in chosen.backend or ["numpy"]]
    rounds = chosen.rounds or (5 if chosen.scale == "large" else 15)
    found: list[_interleaved.Figure] = []
    for case in cases(target, chosen.scale, chosen.distribution):
        here = compare(target, case, metric, agree, backends, rounds)
        found += here
        print(_interleaved.show(here))
        for backend in backends:
            price = {one.name: one.cpu_ns for one in here}
            tuned, portable = price[f"{backend.name} tuned"], price[f"{backend.name} portable"]
            print(f"price of portability on {backend.name}: {100 * (portable / tuned - 1):.0f} %\n", flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("faiss-cpu", "numpy", "numba"))
    return 0
