"""`pq-cosine` in JAX: tables of a unit query's negative products, and the loops of `lar.pq.tuned.jax`.

Norms of rows are looked up in `prepare`; a sum times 1 / norm, and the 1 added to it, are fused into the selection.
"""

from typing import Any

from lar.targets.pq_cosine.portable import inverse_norms, unit

from lar.contracts import Array, Data, Query, Tree
from lar.pq.tuned.jax import Metric, nearest


def _term(query: Array, centroid: Array) -> Array:
    return -query * centroid


def _finish(sums: Array, inverse: Array) -> Array:
    return 1.0 + sums * inverse


METRIC = Metric(_term, _finish)


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Turn the codes into rows, one per sub-space, find norms, and lay the codebook's entries side by side.

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
        ``codebook`` float32 (dim/m, m, K), ``columns`` uint8 (m, N) and ``inverse`` float32 (N,), 1 / norm of each row,
        0 for a row of zeros.
    """
    del k
    columns = xp.permute_dims(data["codes"], (1, 0))
    inverse = inverse_norms(xp, data["codebook"], columns)
    return {"codebook": xp.permute_dims(data["codebook"], (2, 0, 1)), "columns": columns, "inverse": inverse}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    rows = state["codebook"], state["columns"], state["inverse"]
    return nearest(xp, METRIC, rows, unit(xp, query), k)
