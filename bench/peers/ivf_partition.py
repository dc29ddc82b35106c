"""`ivf-partition` against what a user would pick instead: faiss ``IndexFlatL2``, one thread, the same centroids.

``python -m bench.peers.ivf_partition [--scale standard|large] [--backend numpy] [--only clustered] [--json FILE]``

For ``dot`` the peer is ``IndexFlatIP``. A quantiser of faiss' own inverted files is one of these two. As it is shipped,
faiss 1.15 takes 32 queries one by one; told to, it multiplies matrices, which is faster and cancels. Both are timed,
and the faster one is the peer.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by faiss' BLAS, and by NumPy's, when they are loaded

import faiss
import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from bench.peers._interleaved import Call

from lar.contracts import Case, Target

CALLS = 16  # distinct queries in rotation
SMALL = 256  # centroids up to which the smaller goal holds
WITHIN = 2e-5  # of a distance near 1; faiss' batches are sums of norms and products


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1, 32))


def goal(case: Case) -> float:
    """Return how many times the peer's speed is asked for."""
    return 1.4 if case.shape["nq"] == 1 and case.shape["C"] <= SMALL else 2.0


def searching(index: Any, queries: Sequence[Any], k: int, threshold: int) -> Call:
    """Return the call of faiss that multiplies matrices from so many queries on, or whatever it counts."""

    def call(i: int) -> Any:
        faiss.cvar.distance_compute_blas_threshold = threshold
        return index.search(queries[i % len(queries)], k)

    return call


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case. Ids are not compared, since equal distances leave their choice open."""
    data, k, nq = target.data(case), int(case.shape["k"]), case.shape["nq"]
    queries = target.queries(case, data, SEED, CALLS if nq == 1 else 4)
    squared = case.statics["metric"] == "l2"
    index = (faiss.IndexFlatL2 if squared else faiss.IndexFlatIP)(case.shape["dim"])
    index.add(data["centroids"])
    truth = [index.search(query, k)[0] for query in queries]
    truth = truth if squared else [1 - products for products in truth]
    name = f"faiss {type(index).__name__}"
    peers = {name: searching(index, queries, k, faiss.cvar.distance_compute_blas_threshold)}
    if nq > 1:
        peers[f"{name}, BLAS"] = searching(index, queries, k, 1)

    def agree(name: str, i: int, result: Any) -> None:
        found = 1 - result[0] if "FlatIP" in name else result[0]
        if not np.allclose(found, truth[i], rtol=WITHIN, atol=WITHIN):
            raise ValueError(f"{name}: distances {found[0]} where faiss has {truth[i][0]}")

    yield Contest(
        case,
        peers,
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        len(queries),
        goal(case),
    )


COMPARISON = Comparison("ivf-partition", ("faiss-cpu",), cases, contests, begin=lambda: faiss.omp_set_num_threads(1))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
