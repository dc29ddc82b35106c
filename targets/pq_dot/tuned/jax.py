"""`pq-dot` in JAX: tables of negative products, and the loops of `lar.pq.tuned.jax`, where the reasons stand.

The 1 is added to sums and not to tables: it costs nothing there, being fused into the selection.
"""

from typing import Any

from lar.contracts import Array, Data, Query, Tree
from lar.pq.tuned.jax import Metric, nearest


def _term(query: Array, centroid: Array) -> Array:
    return -query * centroid


def _finish(sums: Array, by_row: None) -> Array:
    del by_row
    return 1.0 + sums


METRIC = Metric(_term, _finish)


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Turn the codes into rows, one per sub-space, and the codebook so that its entries lie side by side.

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
        ``codebook`` float32 (dim/m, m, K) and ``columns`` uint8 (m, N).
    """
    del k
    return {"codebook": xp.permute_dims(data["codebook"], (2, 0, 1)), "columns": xp.permute_dims(data["codes"], (1, 0))}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query; arguments and results are those of ``run`` in `portable.py`."""
    return nearest(xp, METRIC, (state["codebook"], state["columns"], None), query, k)
