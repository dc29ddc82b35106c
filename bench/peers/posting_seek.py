"""`posting-seek` against what a user would pick instead: ``np.searchsorted`` of the whole batch in the decoded list.

``python -m bench.peers.posting_seek [--scale small|standard|large] [--backend numpy] [--pattern deep] [--json FILE]``

The peer is handed the ids decoded, as uint32 like the targets, and looks the answers up with one ``take``. Nothing is
timed before the answers agree.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import NO_ID, Case, Data, Query, Target
from lar.targets import posting_seek
from lar.trees import tree_map

TARGET = "posting-seek"
PEER = "np.searchsorted"
CALLS = 64  # distinct queries in rotation
SEED = 20_260_101


def peer_call(ids: Any, queries: Sequence[Query]) -> _interleaved.Call:
    """Return the call of NumPy's search: the ids found, and whether there was one."""
    known = np.append(ids, np.uint32(NO_ID))

    def call(i: int) -> tuple[Any, Any]:
        place = np.searchsorted(ids, queries[i % CALLS])
        return known[place], place < len(ids)

    return call


def kernel_call(name: str, backend: Any, case: Case, data: Data, queries: Sequence[Query]) -> _interleaved.Call:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **case.statics)
    run, staged = backend.compile(kernel.run, case.statics), [backend.put(query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % CALLS]))


def compare(target: Target, case: Case, backends: Sequence[Any], rounds: int) -> list[_interleaved.Figure]:
    """Time the peer and all kernels on one case."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    truth = target.audit(case, data, queries).values  # type: ignore[union-attr]  # the truth of integers is `Exact`
    ids = posting_seek.ids_in(case, data).astype(np.uint32)
    calls: dict[str, _interleaved.Call] = {PEER: peer_call(ids, queries)}
    for backend in backends:
        for kernel in ("tuned", "portable"):
            calls[f"{backend.name} {kernel}"] = kernel_call(kernel, backend, case, data, queries)
    for name, call in calls.items():
        for i in range(CALLS):
            if not all(np.array_equal(got, right[i]) for got, right in zip(call(i), truth, strict=True)):
                raise ValueError(f"{name}: answers to query {i} differ from the reference")
    return _interleaved.figures(case.name, _interleaved.interleave(calls, rounds), PEER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.posting_seek", description="posting-seek against NumPy's search")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--pattern", action="append", help="default: all; may be repeated")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    found: list[_interleaved.Figure] = []
    for case in target.workloads(SEED, chosen.scale, (1,)):
        if not chosen.pattern or case.distribution in chosen.pattern:
            here = compare(target, case, backends, chosen.rounds)
            found += here
            print(_interleaved.show(here), flush=True)
            for backend in backends:
                price = {one.name: one.cpu_ns for one in here}
                tuned, portable = price[f"{backend.name} tuned"], price[f"{backend.name} portable"]
                print(f"price of portability on {backend.name}: {100 * (portable / tuned - 1):.0f} %\n", flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
