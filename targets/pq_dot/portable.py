"""`pq-dot` once, against the array API: a table of products per query, one look-up per code, k smallest.

How codes lie, and how they are looked up, is in `lar.pq.portable`.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree
from lar.pq.portable import columns, probe


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Turn the codes into contiguous rows, one per sub-space.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``codebook`` float32 (m, K, dim/m) and ``codes`` uint8 (N, m).
    k : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``codebook`` as given and ``columns`` uint8 (m, N).
    """
    del k
    return {"codebook": data["codebook"], "columns": columns(xp, data["codes"])}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        float32 (nq, dim).
    k : int
        How many rows to return; what exceeds N is padded.

    Returns
    -------
    distances : array
        float32 (nq, k): 1 - q.x, ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    codebook = state["codebook"]
    m, _, width = codebook.shape

    def nearest(row: Array) -> tuple[Array, Array]:
        table = xp.sum(xp.reshape(row, (m, 1, width)) * codebook, axis=2)
        return ops.top_k(xp, 1.0 - probe(xp, table, state["columns"]), k, largest=False)

    distances, ids = ops.map_rows(xp, nearest, query)
    return distances, ops.bitcast(xp, ids, xp.uint32)
