"""`pq-l2` once, against the array API: a table per query, one look-up per code, k smallest.

Codes are kept as u8 rows [m, N], so that a probe reads one contiguous row, and widened a row at a time: a whole int32
copy would quadruple the bytes that a scan moves. The difference is squared directly, since ``q^2 + c^2 - 2qc`` cancels
on data with a common offset.
"""

from typing import Any

from lar import ops
from lar.contracts import Array, Data, Query, Tree


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
    codes = data["codes"]
    # A stack is contiguous in every namespace; a permutation of axes would leave NumPy and torch with strides.
    columns = xp.stack([codes[:, j] for j in range(codes.shape[1])])
    return {"codebook": data["codebook"], "columns": columns}


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
        float32 (nq, k), ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    codebook, columns = state["codebook"], state["columns"]
    m, _, width = codebook.shape

    def nearest(row: Array) -> tuple[Array, Array]:
        difference = xp.reshape(row, (m, 1, width)) - codebook
        table = xp.sum(difference * difference, axis=2)
        return ops.top_k(xp, _probe(xp, table, columns), k, largest=False)

    distances, ids = ops.map_rows(xp, nearest, query)
    return distances, ops.bitcast(xp, ids, xp.uint32)


def _probe(xp: Any, table: Array, columns: Array) -> Array:
    """Return float32 (N,): the sum over sub-spaces of each row's table entry."""
    total = xp.take(table[0, :], xp.astype(columns[0, :], xp.int32))
    for j in range(1, columns.shape[0]):
        total = total + xp.take(table[j, :], xp.astype(columns[j, :], xp.int32))
    return total
