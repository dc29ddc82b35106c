"""`pq-cosine` once, against the array API: a table of a unit query's products, one look-up per code, k smallest.

Norms of rows depend on the data alone: they are looked up once, in `prepare`, by the same probe, from a table of the
centroids' squares. What has no norm is told by its square being 0, and gets a factor of 0, so that its distance is 1.
How codes lie, and how they are looked up, is in `lar.pq.portable`.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree
from lar.pq.portable import columns, probe


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Turn the codes into contiguous rows, one per sub-space, and find the norms of the rows that they stand for.

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
        ``codebook`` as given, ``columns`` uint8 (m, N) and ``inverse`` float32 (N,), see `inverse_norms`.
    """
    del k
    rows = columns(xp, data["codes"])
    return {"codebook": data["codebook"], "columns": rows, "inverse": inverse_norms(xp, data["codebook"], rows)}


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
        float32 (nq, k): 1 - q.x / (norm q * norm x), ascending, padded with +inf; 1 where q or x is zero.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    codebook, inverse = state["codebook"], state["inverse"]
    m, _, width = codebook.shape

    def nearest(row: Array) -> tuple[Array, Array]:
        table = xp.sum(xp.reshape(row, (m, 1, width)) * codebook, axis=2)
        return ops.top_k(xp, 1.0 - probe(xp, table, state["columns"]) * inverse, k, largest=False)

    distances, ids = ops.map_rows(xp, nearest, unit(xp, query))
    return distances, ops.bitcast(xp, ids, xp.uint32)


def inverse_norms(xp: Any, codebook: Array, columns: Array) -> Array:
    """Return float32 (N,): 1 / norm of each decoded row, 0 of a row of zeros; `columns` is uint8 (m, N)."""
    return _inverse_root(xp, probe(xp, xp.sum(codebook * codebook, axis=2), columns))


def unit(xp: Any, query: Array) -> Array:
    """Return float32 (nq, dim): each query over its norm, zeros for a query of zeros."""
    return query * _inverse_root(xp, xp.sum(query * query, axis=1, keepdims=True))


def _inverse_root(xp: Any, square: Array) -> Array:
    some = square > 0
    return xp.where(some, 1.0 / xp.sqrt(xp.where(some, square, xp.ones_like(square))), xp.zeros_like(square))
