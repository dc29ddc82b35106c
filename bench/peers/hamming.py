"""`hamming` against what a user would pick instead: faiss ``IndexBinaryFlat``, one thread, the same codes.

``python -m bench.peers.hamming [--scale standard|large] [--backend numpy] [--only random] [--json FILE]``
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import faiss
import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest

from lar.contracts import Case, Target

PEER = "faiss IndexBinaryFlat"
CALLS = 16  # distinct queries in rotation
GOALS = {1: 1.0, 32: 2.5}


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, tuple(GOALS))


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case. Ids are not compared, since equal distances leave their choice open."""
    data, k, nq = target.data(case), int(case.shape["k"]), case.shape["nq"]
    queries = target.queries(case, data, SEED, CALLS if nq == 1 else 2)
    index = faiss.IndexBinaryFlat(8 * data["codes"].shape[1])
    index.add(data["codes"])
    truth = [np.sort(index.search(query, k)[0], axis=1) for query in queries]

    def agree(name: str, i: int, result: Any) -> None:
        del name
        if not np.array_equal(np.sort(result[0], axis=1), truth[i]):
            raise ValueError(f"distances {result[0][0]} where faiss has {truth[i][0]}")

    yield Contest(
        case,
        {PEER: lambda i: index.search(queries[i % len(queries)], k)},
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        len(queries),
        GOALS[nq],
    )


COMPARISON = Comparison("hamming", ("faiss-cpu",), cases, contests, begin=lambda: faiss.omp_set_num_threads(1))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
