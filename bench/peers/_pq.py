"""What the targets over product-quantised rows compare alike: faiss ``IndexPQ``, the same codebooks and codes.

A target's own script says in what way its results are to agree with those of faiss.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import faiss
import numpy as np
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest

from lar.contracts import Case, Data, HostArray, Query, Target

L2, INNER_PRODUCT = faiss.METRIC_L2, faiss.METRIC_INNER_PRODUCT
CALLS = 16  # distinct queries in rotation

Agree = Callable[[Any, Query, HostArray, HostArray], float]
"""``(index, query, distances, ids) -> how far`` a kernel's results are from what faiss says of them; 1 is too far."""


def comparison(name: str, metric: int, agree: Agree, goal: Callable[[Case], float]) -> Comparison:
    """Return the comparison of a target.

    Parameters
    ----------
    name : str
    metric : int
        faiss's number of what its index ranks by.
    agree : callable
    goal : callable
        ``case -> times the speed of faiss``.
    """

    def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
        yield contest(target, case, backends, metric, agree, goal(case))

    one_thread = lambda: faiss.omp_set_num_threads(1)  # noqa: E731
    return Comparison(name, ("faiss-cpu",), cases, contests, begin=one_thread, usual=("clustered",))


def cases(target: Target, scale: str) -> list[Case]:
    """Return the cases to time; a large batch is timed for one shape, since it takes the peer a second a call."""
    every = target.workloads(SEED, scale, (1, 32))
    return [one for one in every if scale != "large" or one.shape["nq"] == 1 or one.shape["dim"] == 128]


def contest(target: Target, case: Case, backends: Sequence[Any], metric: int, agree: Agree, goal: float) -> Contest:
    """Return the one contest of a case; what faiss finds is taken for right, and all else held against it."""
    data, k = target.data(case), int(case.shape["k"])
    queries = target.queries(case, data, SEED, CALLS if case.shape["nq"] == 1 else 2)
    index = faiss_index(data, metric)
    peer = "faiss IndexPQ" + (" inner product" if metric == INNER_PRODUCT else "")

    def agreed(name: str, i: int, result: Any) -> None:
        off = 0.0 if name == peer else agree(index, queries[i], *result)
        if not off < 1:
            raise ValueError(f"{off:.3g} times as far from faiss as rounding explains")

    return Contest(
        case,
        {peer: lambda i: index.search(queries[i % len(queries)], k)},
        _contest.entrants(target.name, case, backends, data, queries),
        agreed,
        len(queries),
        goal,
    )


def faiss_index(data: Data, metric: int) -> Any:
    """Return an index of the data set as it is, neither trained nor encoded anew."""
    codebook, codes = data["codebook"], data["codes"]
    m, K, width = codebook.shape
    if K != 256:
        raise ValueError(f"faiss keeps codes of 8 bits: K is {K}, expected 256")
    index = faiss.IndexPQ(m * width, m, 8, metric)
    faiss.copy_array_to_vector(codebook.ravel(), index.pq.centroids)
    faiss.copy_array_to_vector(codes.ravel(), index.codes)
    index.is_trained, index.ntotal = True, len(codes)
    return index


def decoded(index: Any, ids: HostArray) -> HostArray:
    """Return float64 (nq, k, dim): the rows of these ids (nq, k) as faiss decodes them."""
    flat = index.reconstruct_batch(ids.reshape(-1).astype(np.int64))
    rows: HostArray = flat.reshape(*ids.shape, -1).astype(np.float64)
    return rows


def difference(got: HostArray, expected: HostArray) -> float:
    """Return the largest difference in units of what rounding explains: 1e-5 of a number, and 1e-6."""
    return float((abs(got - expected) / (1e-6 + 1e-5 * abs(expected))).max())
