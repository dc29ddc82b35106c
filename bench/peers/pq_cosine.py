"""`pq-cosine` against the nearest thing a user would pick: faiss ``IndexPQ`` by inner product, one thread.

``python -m bench.peers.pq_cosine [--scale standard|large] [--backend numpy] [--only clustered] [--json FILE]``

faiss has no cosine of decoded rows: whoever wants one normalises vectors before they are encoded, and takes the inner
product with what they are decoded to, whatever norm that has. It is the same scan with less to do, since it knows no
norms, so the comparison favours faiss.
"""

import sys
from typing import Any

from bench.peers import _pq

from lar.contracts import HostArray, Query

GOAL = 6.0


def agree(index: Any, query: Query, distances: HostArray, ids: HostArray) -> float:
    """Compare the distances with those of the rows as faiss decodes them, and its best rows with what was returned.

    A row that faiss finds by inner product, and that was not returned, may not be nearer than the last one returned.
    """
    _, theirs = index.search(query, distances.shape[1])
    returned = (theirs[:, :, None] == ids[:, None, :]).any(axis=2)
    nearer = (distances[:, -1:] - _distances(index, query, theirs)) * ~returned
    return max(_pq.difference(distances, _distances(index, query, ids)), float(nearer.max()) / 1e-6)


def _distances(index: Any, query: Query, ids: HostArray) -> HostArray:
    q, x = query.astype("float64")[:, None, :], _pq.decoded(index, ids)
    out: HostArray = 1 - (q * x).sum(axis=2) / ((q * q).sum(axis=2) * (x * x).sum(axis=2)) ** 0.5
    return out


COMPARISON = _pq.comparison("pq-cosine", _pq.INNER_PRODUCT, agree, lambda _: GOAL)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
