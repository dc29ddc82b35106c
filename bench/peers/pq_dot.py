"""`pq-dot` against what a user would pick instead: faiss ``IndexPQ`` by inner product, one thread, the same data set.

``python -m bench.peers.pq_dot [--scale standard|large] [--backend numpy] [--only clustered] [--json FILE]``
"""

import sys
from typing import Any

from bench.peers import _pq

from lar.contracts import HostArray, Query

GOAL = 6.0


def agree(index: Any, query: Query, distances: HostArray, ids: HostArray) -> float:
    """Compare the distances with 1 less the inner products of faiss."""
    del ids
    theirs, _ = index.search(query, distances.shape[1])
    return _pq.difference(distances, 1 - theirs)


COMPARISON = _pq.comparison("pq-dot", _pq.INNER_PRODUCT, agree, lambda _: GOAL)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
