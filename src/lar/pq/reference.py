"""Truths of a search made of a target's own float64 distances: the k smallest of a call, or those of returned ids.

A target hands over two functions of float64 distances, each with *magnitudes*: the sums of the absolute values of the
terms behind them. How a distance is computed is for the target to say, one operation a line; here is only choosing.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lar.contracts import Case, HostArray, Query, Ranked

Scores = tuple[HostArray, HostArray]
"""Distances and magnitudes."""

OfAll = Callable[[HostArray], Scores]
"""One query (dim,) -> scores (N,) of all rows."""

OfIds = Callable[[HostArray, HostArray], Scores]
"""Queries (R, dim), ids (R, k) -> scores (R, k): of row ``ids[r, t]`` for query r."""


def reference(case: Case, query: Query, of_all: OfAll, of_ids: OfIds) -> Ranked:
    """Return the truth of one call: query float32 (nq, dim)."""
    kept = min(case.shape["k"], case.shape["N"])
    best, magnitudes = np.empty((len(query), kept)), np.empty((len(query), kept))
    for r, row in enumerate(query):
        distances, sizes = of_all(row)
        nearest = np.argpartition(distances, kept - 1)[:kept]
        nearest = nearest[np.argsort(distances[nearest], kind="stable")]
        best[r], magnitudes[r] = distances[nearest], sizes[nearest]
    return _ranked(case, query, best, magnitudes, of_ids)


def audit(case: Case, queries: Sequence[Query], of_ids: OfIds) -> Ranked:
    """Return the truth of many calls' outputs, stacked, as far as each returned id gives it."""
    return _ranked(case, np.stack(queries), None, None, of_ids)


def _ranked(
    case: Case, queries: HostArray, best: HostArray | None, magnitudes: HostArray | None, of_ids: OfIds
) -> Ranked:
    rows = queries.reshape(-1, case.shape["dim"])

    def score_of(ids: HostArray) -> Scores:
        flat = np.ascontiguousarray(ids.reshape(len(rows), -1))
        scores, sizes = of_ids(rows, flat)
        return scores.reshape(ids.shape), sizes.reshape(ids.shape)

    return Ranked(best, magnitudes, score_of, rows=case.shape["N"], terms=case.shape["dim"])
