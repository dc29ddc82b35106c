"""`pq-l2` against what a user would pick instead: faiss ``IndexPQ``, one thread, the same codebooks and codes.

``python -m bench.peers.pq_l2 [--scale standard|large] [--backend numpy] [--distribution clustered] [--json FILE]``

What is printed stands in `bench.peers._pq`.
"""

import sys
from typing import Any

from bench.peers import _pq

from lar.contracts import HostArray, Query


def agree(index: Any, query: Query, distances: HostArray, ids: HostArray) -> float:
    """Compare the distances with those of faiss."""
    del ids
    theirs, _ = index.search(query, distances.shape[1])
    return _pq.difference(distances, theirs)


if __name__ == "__main__":
    sys.exit(_pq.main("pq-l2", _pq.L2, agree))
