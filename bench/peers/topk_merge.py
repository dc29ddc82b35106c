"""`topk-merge` against what a user would pick instead: `jax.lax.top_k` over all scores, and NumPy's stable sort.

``python -m bench.peers.topk_merge [--scale standard|large] [--backend numpy] [--only random/top10/] [--json FILE]``

``top``: the k = 10, 100, 1000 best of a million items in 8, 64, 1024 runs, and in a million runs of one: no order to
make use of. The peer is `jax.lax.top_k` over all of them, with the ids taken by position. Beside it stands the same
over the first k of each run, which the order of the runs allows and a user may think of.

``merge``: all items in order. The peer is ``np.sort(kind="stable")`` of the scores alone, which finds the runs and
merges them; beside it stand what also brings the ids into order: ``np.argsort``, and ``np.sort`` of keys made of both.

All are held against the reference; ids are compared where no two scores are equal.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from bench.peers._interleaved import Call

from lar.contracts import Case, HostArray, Query, Target
from lar.trees import tree_map

TOP_K, STABLE_SORT = "jax.lax.top_k, all", "np.sort stable, scores alone"
ITEMS = {"small": 10_000, "standard": 1_000_000, "large": 10_000_000}
RUNS, GOALS = (8, 64, 1_024), {10: 10.0, 100: 6.0, 1_000: 4.0}
MERGED_RUNS, MERGED_SHORT = (4, 16, 64), ((16, 1_000), (64, 100))
MERGE_GOAL = 1.5
CALLS = 4  # distinct queries in rotation


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time. They are longer than the target's own workloads, where a run is as long as k."""
    del target
    items = ITEMS[scale]
    for distribution in ("random", "sorted", "ties"):
        for R in (*RUNS, items):
            for k in GOALS:
                yield _case(distribution, f"top{k}", R, items // R, k)
        for R, L in (*((R, items // R) for R in MERGED_RUNS), *MERGED_SHORT):
            yield _case(distribution, "merge", R, L, R * L)


def _case(distribution: str, what: str, R: int, L: int, k: int) -> Case:
    sizes = {"R": R, "L": L, "k": k, "nq": 1}
    return Case(f"{distribution}/{what}/{R}x{L}", distribution, sizes, SEED, {"k": k}, 1, f"{distribution}/{R}x{L}")


def top_k(k: int, seen: int) -> Any:
    """Return the peer compiled: the k best of the first `seen` items of each run."""

    def run(query: Any) -> Any:
        scores, ids = (query[name][0, :, :seen].reshape(-1) for name in ("scores", "ids"))
        best, places = jax.lax.top_k(scores, k)
        return best, ids[places]

    return jax.jit(run)


def top_call(k: int, seen: int, staged: Sequence[Any]) -> Call:
    """Return its call, waited for."""
    run = top_k(k, seen)
    return lambda i: jax.block_until_ready(run(staged[i % len(staged)]))


def keys_of(query: Query) -> HostArray:
    """Return items as uint64 that ascend in their order; not timed."""
    bits = query["scores"].reshape(-1).view(np.int32).astype(np.int64)
    ascending = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    keys: HostArray = ((0x7FFFFFFF - ascending).astype(np.uint64) << np.uint64(32)) | query["ids"].reshape(-1)
    return keys


def sorts(queries: Sequence[Query]) -> dict[str, Call]:
    """Return NumPy's ways to put all in order, on scores turned round beforehand, since it sorts in ascending order."""
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


def hold(truth: Sequence[HostArray], result: Any) -> None:
    """Raise if what a function returned is not what the reference says, as far as it returned it."""
    best, ids = truth
    got, got_ids = (None if part is None else np.asarray(part).reshape(-1) for part in result)
    if got is not None and not any(np.array_equal(got, sign * best[0]) for sign in (1, -1)):  # ascending, or not
        raise ValueError("the scores differ from the reference's")
    if got_ids is not None:
        same = best[0, 1:] == best[0, :-1]
        apart = ~np.append(False, same) & ~np.append(same, True)  # what ties with the item behind it is not known
        named = (got_ids & np.array(2**32 - 1, got_ids.dtype)).astype(np.uint32)
        if not np.array_equal(named[apart], ids[0, apart]):
            raise ValueError("the ids differ from the reference's")


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case."""
    data, k, length = target.data(case), case.shape["k"], case.shape["L"]
    queries = target.queries(case, data, SEED, CALLS)
    truths = [target.reference(case, data, query).values for query in queries]  # type: ignore[union-attr]
    if k == case.shape["R"] * length:
        peer, goal, calls = STABLE_SORT, MERGE_GOAL, sorts(queries)
    else:
        staged = [tree_map(jax.device_put, query) for query in queries]
        seen = {TOP_K: length, "jax.lax.top_k, first k of each run": min(k, length)}
        peer, goal, calls = TOP_K, GOALS[k], {name: top_call(k, first, staged) for name, first in seen.items()}
    yield Contest(
        case,
        {peer: calls.pop(peer)},
        _contest.entrants(target.name, case, backends, {}, queries),
        lambda _, i, result: hold(truths[i], result),
        CALLS,
        goal,
        beside=calls,
    )


COMPARISON = Comparison("topk-merge", ("jax",), cases, contests, rounds=9, usual=("random/",))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
