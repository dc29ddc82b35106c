"""`topk-merge` against what a user would pick instead: `jax.lax.top_k` over all scores, NumPy's stable sort, a heap.

``python -m bench.peers.topk_merge [--what top|merge] [--distribution random] [--json FILE]``

``top``: the k = 10, 100, 1000 best of a million items in 8, 64, 1024 runs, and in a million runs of one: no order to
make use of. The peer is `jax.lax.top_k` over all of them, with the ids taken by position. Beside it stands the same
over the first k of each run, which the order of the runs allows and a user may think of.

``merge``: all items in order. The peer is ``np.sort(kind="stable")`` of the scores alone, which finds the runs and
merges them; beside it stand what also brings the ids into order: ``np.argsort``, and ``np.sort`` of keys made of both.

Nothing is timed before it agrees with the reference; ids are compared where no two scores are equal.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax
import numpy as np
from bench.peers import _interleaved

from lar import catalog
from lar.contracts import Case, HostArray, Query, Target
from lar.trees import tree_map

TARGET = "topk-merge"
TOP_K, STABLE_SORT = "jax.lax.top_k, all", "np.sort stable, scores alone"
ITEMS = 1_000_000
RUNS, KS = (8, 64, 1_024, ITEMS), (10, 100, 1_000)
MERGED = ((4, 250_000), (16, 62_500), (64, 15_625), (16, 1_000), (64, 100))
CALLS = 4  # distinct queries in rotation
SEED = 20_260_101


def cases(what: str, distribution: str) -> list[Case]:
    """Return the cases to time."""
    top = [(R, ITEMS // R, k) for R in RUNS for k in KS]
    shapes = top if what == "top" else [(R, L, R * L) for R, L in MERGED]
    return [_case(distribution, *shape) for shape in shapes]


def _case(distribution: str, R: int, L: int, k: int) -> Case:
    sizes = {"R": R, "L": L, "k": k, "nq": 1}
    name = f"{distribution}/{R}x{L}/k{k}"
    return Case(name, distribution, sizes, SEED, {"k": k}, 1, name)


def top_k(k: int, seen: int) -> Any:
    """Return the peer compiled: the k best of the first `seen` items of each run."""

    def run(query: Any) -> Any:
        scores, ids = (query[name][0, :, :seen].reshape(-1) for name in ("scores", "ids"))
        best, places = jax.lax.top_k(scores, k)
        return best, ids[places]

    return jax.jit(run)


def keys_of(query: Query) -> HostArray:
    """Return items as uint64 that ascend in their order; not timed."""
    bits = query["scores"].reshape(-1).view(np.int32).astype(np.int64)
    ascending = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return ((0x7FFFFFFF - ascending).astype(np.uint64) << np.uint64(32)) | query["ids"].reshape(-1)


def top_peers(case: Case, queries: Sequence[Query]) -> dict[str, _interleaved.Call]:
    """Return the peers of ``top``, whole and prefix; both wait for their result."""
    k, length = case.shape["k"], case.shape["L"]
    staged = [tree_map(jax.device_put, query) for query in queries]
    calls: dict[str, _interleaved.Call] = {}
    for name, seen in ((TOP_K, length), ("jax.lax.top_k, first k of each run", min(k, length))):
        run = top_k(k, seen)
        calls[name] = lambda i, run=run: jax.block_until_ready(run(staged[i % len(staged)]))
    return calls


def merge_peers(queries: Sequence[Query]) -> dict[str, _interleaved.Call]:
    """Return the peers of ``merge``, on scores turned round beforehand, since they sort in ascending order."""
    flat = [-query["scores"].reshape(-1) for query in queries]
    scores, ids = [query["scores"].reshape(-1) for query in queries], [query["ids"].reshape(-1) for query in queries]
    keys = [keys_of(query) for query in queries]

    def by_argsort(i: int) -> tuple[HostArray, HostArray]:
        order = np.argsort(flat[i % len(flat)], kind="stable")
        return scores[i % len(flat)][order], ids[i % len(flat)][order]

    return {
        STABLE_SORT: lambda i: (np.sort(flat[i % len(flat)], kind="stable"), None),
        "np.argsort stable, scores and ids": by_argsort,
        "np.sort stable of keys": lambda i: (None, np.sort(keys[i % len(keys)], kind="stable")),
        "np.sort of keys": lambda i: (None, np.sort(keys[i % len(keys)])),
    }


def kernel_call(name: str, backend: Any, case: Case, queries: Sequence[Query]) -> _interleaved.Call:
    """Prepare a kernel on a backend and return the call of its `run`, waited for."""
    kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
    state = kernel.prepare(backend.xp, {}, **case.statics)
    run, staged = backend.compile(kernel.run, case.statics), [tree_map(backend.put, query) for query in queries]
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def agree(name: str, call: _interleaved.Call, truths: Sequence[Sequence[HostArray]]) -> None:
    """Raise if what a function returns is not what the reference says, as far as it returns it."""
    for i, (best, ids) in enumerate(truths):
        got, got_ids = (None if part is None else np.asarray(part).reshape(-1) for part in call(i))  # type: ignore[attr-defined]
        if got is not None and not any(np.array_equal(got, sign * best[0]) for sign in (1, -1)):  # ascending, or not
            raise ValueError(f"{name}: the scores of call {i} differ from the reference's")
        if got_ids is not None:
            same = best[0, 1:] == best[0, :-1]
            apart = ~np.append(False, same) & ~np.append(same, True)  # what ties with the item behind it is not known
            named = (got_ids & np.array(2**32 - 1, got_ids.dtype)).astype(np.uint32)
            if not np.array_equal(named[apart], ids[0, apart]):
                raise ValueError(f"{name}: the ids of call {i} differ from the reference's")


def compare(target: Target, case: Case, what: str, backends: Sequence[Any], rounds: int) -> list[_interleaved.Figure]:
    """Time the peers and all kernels on one case."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    truths = [target.reference(case, data, query).values for query in queries[:2]]  # type: ignore[union-attr]
    calls = top_peers(case, queries) if what == "top" else merge_peers(queries)
    for backend in backends:
        for kernel in ("tuned", "portable"):
            calls[f"{backend.name} {kernel}"] = kernel_call(kernel, backend, case, queries)
    for name, call in calls.items():
        agree(f"{case.name}, {name}", call, truths)
    peer = TOP_K if what == "top" else STABLE_SORT
    return _interleaved.figures(case.name, _interleaved.interleave(calls, rounds), peer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.topk_merge", description="topk-merge against its peers")
    parser.add_argument("--what", choices=("top", "merge"), default="top")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--distribution", choices=("random", "sorted", "ties"), default="random")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    found: list[_interleaved.Figure] = []
    for case in cases(chosen.what, chosen.distribution):
        here = compare(target, case, chosen.what, backends, chosen.rounds)
        found += here
        print(f"{_interleaved.show(here)}\n", flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("jax", "numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
