"""`take` against what a user would pick instead: pyarrow's ``take``, one thread, the same table and the same ids.

``python -m bench.peers.take [--scale small|standard|large] [--backend numpy] [--distribution random] [--json FILE]``

pyarrow reads the table where it lies: rows of 4 and 8 bytes as int32 and int64, longer ones as a fixed-size list of
int32 and as fixed-size binary, the faster of which is the peer. Its bounds check is off; ours is on. Both allocate
what they return. Nothing is timed before the rows agree. `numpy.take` stands beside it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import Case, HostArray, Query, Target
from lar.trees import tree_map

TARGET = "take"
CALLS = 4  # distinct queries in rotation; those of a million ids are 4 MB each
SEED = 20_260_101


def arrow_tables(values: HostArray) -> dict[str, Any]:
    """Return the table as pyarrow may hold it, without a copy."""
    width = values.shape[1]
    if width <= 2:
        return {"pyarrow": pa.array(values.reshape(-1).view(np.int32 if width == 1 else np.int64))}
    flat = pa.array(values.reshape(-1))
    binary = pa.Array.from_buffers(pa.binary(4 * width), len(values), [None, flat.buffers()[1]])
    return {"pyarrow list": pa.FixedSizeListArray.from_arrays(flat, width), "pyarrow binary": binary}


def rows_of(taken: Any, width: int) -> HostArray:
    """Return what pyarrow took as int32 (n, W)."""
    words = taken.flatten() if pa.types.is_fixed_size_list(taken.type) else taken
    return np.frombuffer(words.buffers()[1], np.int32, len(taken) * width).reshape(-1, width)


def peer_call(table: Any, ids: Sequence[Any]) -> _interleaved.Call:
    """Return the call of pyarrow on one of the ids."""
    return lambda i: pc.take(table, ids[i % len(ids)], boundscheck=False)


def kernel_call(name: str, backend: Any, case: Case, values: HostArray, queries: Sequence[Query]) -> _interleaved.Call:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
    state = kernel.prepare(backend.xp, tree_map(backend.put, {"values": values}), **case.statics)
    run, staged = backend.compile(kernel.run, case.statics), [backend.put(query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def compare(target: Target, case: Case, backends: Sequence[Any], rounds: int) -> list[_interleaved.Figure]:
    """Time the peers and all kernels on one case."""
    values, width = target.data(case)["values"], case.shape["W"]
    queries = target.queries(case, {"values": values}, SEED, CALLS)
    asked = [pa.array(query) for query in queries]
    calls: dict[str, _interleaved.Call] = {
        name: peer_call(table, asked) for name, table in arrow_tables(values).items()
    }
    peers = list(calls)
    calls["numpy.take"] = lambda i: np.take(values, queries[i % CALLS], axis=0)
    for backend in backends:
        for kernel in ("tuned", "portable"):
            calls[f"{backend.name} {kernel}"] = kernel_call(kernel, backend, case, values, queries)
    for name, call in calls.items():
        for i, query in enumerate(queries):
            got = call(i)
            got = rows_of(got, width) if name in peers else np.asarray(got[0] if isinstance(got, tuple) else got)
            if not np.array_equal(got, values[query]):
                raise ValueError(f"{name}: rows differ from those that were asked for")
    times = _interleaved.interleave(calls, rounds)
    best = min(peers, key=lambda name: sorted(times[name].cpu)[rounds // 2])
    return _interleaved.figures(case.name, times, best)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.take", description="take against pyarrow, one thread")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--distribution", action="append", help="default: random; may be repeated")
    parser.add_argument("--width", type=int, action="append", help="words a row; default: all; may be repeated")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    pa.set_cpu_count(1)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    found: list[_interleaved.Figure] = []
    for case in target.workloads(SEED, chosen.scale, (1,)):
        if case.distribution in (chosen.distribution or ["random"]) and (
            not chosen.width or case.shape["W"] in chosen.width
        ):
            here = compare(target, case, backends, chosen.rounds)
            found += here
            print(_interleaved.show(here), flush=True)
            for backend in backends:
                price = {one.name: one.cpu_ns for one in here}
                tuned, portable = price[f"{backend.name} tuned"], price[f"{backend.name} portable"]
                print(f"price of portability on {backend.name}: {100 * (portable / tuned - 1):.0f} %\n", flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("pyarrow", "numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
