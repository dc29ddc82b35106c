"""The scalar truth of `topk-merge`: k times, take the best of the runs' first items.

The multiway merge of Knuth, volume 3, section 5.4.1, by plain comparison of all heads, one step a line. Scores are
compared in float64, where those of float32 are exact and a subnormal is a number like any other; what is returned is
the item itself, so that outputs are equal or wrong. numba compiles the loop; no kernel shares a line with it.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar.contracts import NO_ID, Case, Data, Exact, HostArray, Query


@njit
def merge(scores: HostArray, ids: HostArray, best: HostArray, best_ids: HostArray) -> None:
    """Write the best items of runs (R, L), in order, to arrays of at most R * L."""
    R, L = scores.shape
    head = np.zeros(R, np.int64)
    for rank in range(best.size):
        chosen = -1
        for r in range(R):
            if head[r] == L:
                continue
            if chosen < 0:
                chosen = r
                continue
            score = np.float64(scores[r, head[r]])
            score_to_beat = np.float64(scores[chosen, head[chosen]])
            if score > score_to_beat:
                chosen = r
            if score == score_to_beat and ids[r, head[r]] < ids[chosen, head[chosen]]:
                chosen = r
        best[rank] = scores[chosen, head[chosen]]
        best_ids[rank] = ids[chosen, head[chosen]]
        head[chosen] += 1


def reference(case: Case, data: Data, query: Query) -> Exact:
    """Return the truth of one call."""
    del data
    nq, k, items = case.shape["nq"], case.shape["k"], case.shape["R"] * case.shape["L"]
    best, best_ids = np.full((nq, k), -np.inf, np.float32), np.full((nq, k), NO_ID, np.uint32)
    for q in range(nq):
        merge(query["scores"][q], query["ids"][q], best[q, :items], best_ids[q, :items])
    return Exact((best, best_ids))


def audit(case: Case, data: Data, queries: Sequence[Query]) -> Exact:
    """Return the truth of many calls' outputs, stacked."""
    truths = [reference(case, data, query).values for query in queries]
    return Exact(tuple(np.stack(column) for column in zip(*truths, strict=True)))
