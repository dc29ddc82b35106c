"""`pq-l2` against what a user would pick instead: faiss ``IndexPQ``, one thread, the same codebooks and codes.

``python -m bench.peers.pq_l2 [--scale standard|large] [--backend numpy] [--only clustered] [--json FILE]``
"""

import sys
from typing import Any

from bench.peers import _pq

from lar.contracts import Case, HostArray, Query


def goal(case: Case) -> float:
    """Return the goal: more of a data set that the caches hold, and of a batch, which reads a large one once."""
    if case.shape["N"] < 1_000_000:
        return 8.0
    return 6.0 if case.shape["nq"] == 1 else 15.0


def agree(index: Any, query: Query, distances: HostArray, ids: HostArray) -> float:
    """Compare the distances with those of faiss."""
    del ids
    theirs, _ = index.search(query, distances.shape[1])
    return _pq.difference(distances, theirs)


COMPARISON = _pq.comparison("pq-l2", _pq.L2, agree, goal)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
