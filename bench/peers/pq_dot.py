"""`pq-dot` against what a user would pick instead: faiss ``IndexPQ`` by inner product, one thread, the same data set.

``python -m bench.peers.pq_dot [--scale standard|large] [--backend numpy] [--distribution clustered] [--json FILE]``

What is printed stands in `bench.peers._pq`.
"""

import sys
from typing import Any

from bench.peers import _pq

from lar.contracts import HostArray, Query


def agree(index: Any, query: Query, distances: HostArray, ids: HostArray) -> float:
    """Compare the distances with 1 less the inner products of faiss."""
    del ids
    theirs, _ = index.search(query, distances.shape[1])
    return _pq.difference(distances, 1 - theirs)


if __name__ == "__main__":
    sys.exit(_pq.main("pq-dot", _pq.INNER_PRODUCT, agree))
