"""`ivf-partition` once, against the array API: the distance of each query to every centroid, k smallest.

The difference is squared directly, since ``q^2 + c^2 - 2qc`` cancels on data with a common offset; and products are
added up by a sum and not by a matrix product, which a GPU may compute in fewer bits.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


def prepare(xp: Any, data: Data, *, k: int, metric: str) -> Tree:
    """Keep the centroids as they are.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``centroids`` float32 (C, dim).
    k : int
        Not used here, nor is `metric`; statics are given alike to `prepare` and `run`.
    metric : str
        ``l2`` or ``dot``.

    Returns
    -------
    dict of arrays
        ``centroids`` as given.
    """
    del xp, k, metric
    return {"centroids": data["centroids"]}


def run(xp: Any, state: Tree, query: Query, /, *, k: int, metric: str) -> tuple[Array, Array]:
    """Find the k nearest centroids of each query.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        float32 (nq, dim).
    k : int
        How many centroids to return (nprobe); what exceeds C is padded.
    metric : str
        ``l2``: the squared distance. ``dot``: 1 less the inner product.

    Returns
    -------
    distances : array
        float32 (nq, k), ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1; of equal distances the lower ids.
    """
    centroids = state["centroids"]

    def nearest(row: Array) -> tuple[Array, Array]:
        if metric == "l2":
            difference = centroids - row
            distances = xp.sum(difference * difference, axis=1)
        else:
            distances = 1.0 - xp.sum(centroids * row, axis=1)
        return ops.top_k(xp, distances, k, largest=False)

    distances, ids = ops.map_rows(xp, nearest, query)
    return distances, ops.bitcast(xp, ids, xp.uint32)
