"""`ivf-partition` in JAX: for one query a scan over components, for a batch a matrix product that only preselects.

It must be right for any C, dim, nq and k, and nowhere slower than the portable kernel under `jax.jit`.

- One query: components outermost, [block][dim][`_BLOCK` centroids], so that a step adds one component's squares to
  sums that lie in the innermost cache. A sum along rows, which the portable kernel has, is not vectorised as well.
- A batch of ``l2``: ``|c|^2 - 2 q.c`` by a matrix product estimates all distances. It cancels, so it preselects alone:
  the k and `_MORE` best are computed anew by their differences. Whatever was left out is farther than its estimate
  less the product's largest error, which any order of additions keeps to; where that does not rule all of it out (a
  common offset, centroids that are the same), every distance is computed as for one query. For ``dot`` likewise.
- Selection: the k smallest lie in the k chunks of `_CHUNK` with the smallest minima (any other chunk has k ahead of its
  best one), so `lax.top_k` sees C / 32 + 32 k numbers instead of C.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp

from lar.contracts import NO_ID, Array, Data, Query, Tree

_BLOCK = 4_096  # centroids whose sums a scan keeps
_FEWEST, _LARGEST = 512, 1 << 24  # centroids, and components of all of them, between which a scan is faster than rows
_CHUNK = 32  # centroids that selection looks at first by their minimum
_FEW = 4  # so many queries are faster one at a time
_MORE = 44  # candidates beyond k that are computed anew
_UNIT_ROUNDOFF = 2.0**-24


def prepare(xp: Any, data: Data, *, k: int, metric: str) -> Tree:
    """Lay the centroids out by component as well, in blocks.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``centroids`` float32 (C, dim).
    k : int
        Not used here; statics are given alike to `prepare` and `run`.
    metric : str
        ``l2`` or ``dot``.

    Returns
    -------
    dict of arrays
        ``rows`` as given; ``columns``, a tuple of float32 (dim, at most `_BLOCK`), empty where `_every` makes no use of
        them; ``squares`` float32 (C,), the squared norms for ``l2`` and zeros for ``dot``; ``longest`` float32 (), the
        largest norm.
    """
    del k
    rows = data["centroids"]
    C, dim = rows.shape
    scanned = _FEWEST <= C and C * dim <= _LARGEST
    columns = tuple(rows[at : at + _BLOCK].T for at in range(0, C, _BLOCK)) if scanned else ()
    squares = xp.sum(rows * rows, axis=1)
    kept = squares if metric == "l2" else xp.zeros_like(squares)
    return {"rows": rows, "columns": columns, "squares": kept, "longest": xp.sqrt(xp.max(squares))}


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
        ``l2`` or ``dot``.

    Returns
    -------
    distances : array
        float32 (nq, k), ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    C = state["rows"].shape[0]
    kept = min(k, C)
    every = functools.partial(_every, state, k=kept, metric=metric)
    if query.shape[0] < _FEW or 8 * (kept + _MORE) > C:
        distances, ids = every(query)
    else:
        distances, ids, proved = _preselected(state, query, k=kept, metric=metric)
        distances, ids = lax.cond(proved, lambda _: (distances, ids), every, query)
    ids = xp.astype(ids, xp.uint32)
    if kept < k:
        missing = ((0, 0), (0, k - kept))
        distances = xp.pad(distances, missing, constant_values=xp.inf)
        ids = xp.pad(ids, missing, constant_values=xp.uint32(NO_ID))
    return distances, ids


def _every(state: Tree, queries: Array, *, k: int, metric: str) -> tuple[Array, Array]:
    """Return float32 distances and int32 ids (nq, k), every distance computed."""

    def nearest(query: Array) -> tuple[Array, Array]:
        if not state["columns"]:
            return _smallest(_exactly(state["rows"], query, metric), k)
        return _smallest(jnp.concatenate([_distances(block, query, metric) for block in state["columns"]]), k)

    found: tuple[Array, Array] = lax.map(nearest, queries)
    return found


def _distances(columns: Array, query: Array, metric: str) -> Array:
    """Return float32 (n,): the distances of one query, (dim,), to the centroids of a block, (dim, n)."""

    def step(total: Array, component: tuple[Array, Array]) -> tuple[Array, None]:
        column, value = component
        term = (column - value) ** 2 if metric == "l2" else column * value
        return total + term, None

    total, _ = lax.scan(step, jnp.zeros(columns.shape[1], columns.dtype), (columns, query))
    return total if metric == "l2" else 1.0 - total


def _preselected(state: Tree, queries: Array, *, k: int, metric: str) -> tuple[Array, Array, Array]:
    """Return distances and ids (nq, k) of the best candidates, and whether no other centroid can be among the best."""
    rows, factor = state["rows"], 2.0 if metric == "l2" else 1.0
    products = jnp.matmul(queries, rows.T, precision=lax.Precision.HIGHEST)
    estimates = state["squares"] - factor * products
    _, candidates = lax.map(functools.partial(_smallest, k=k + _MORE), estimates)
    last = jnp.take_along_axis(estimates, candidates[:, -1:], axis=1)[:, 0]
    distances, places = lax.map(
        lambda pair: lax.top_k(-_exactly(rows[pair[1]], pair[0], metric), k), (queries, candidates)
    )
    distances = -distances
    # A product or a sum of dim squares is off by dim roundings of its terms' magnitude at most, however it is added up.
    norm = jnp.sqrt(jnp.sum(queries**2, axis=1))
    size = (norm + state["longest"]) ** 2 if metric == "l2" else 1.0 + norm * state["longest"]
    error = 4 * (queries.shape[1] + 8) * _UNIT_ROUNDOFF * size
    at_zero = norm**2 if metric == "l2" else 1.0
    proved = jnp.all(last + at_zero - error >= distances[:, -1])
    return distances, jnp.take_along_axis(candidates, places, axis=1), proved


def _exactly(rows: Array, query: Array, metric: str) -> Array:
    """Return float32 (n,): the distances of one query, (dim,), to rows (n, dim)."""
    return jnp.sum((rows - query) ** 2, axis=1) if metric == "l2" else 1.0 - jnp.sum(rows * query, axis=1)


def _smallest(distances: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest of (n,), ascending, and where they are."""
    n = distances.shape[0]
    chunks = n // _CHUNK
    if chunks < 2 * k:
        best, where = lax.top_k(-distances, k)
        return -best, where
    _, near = lax.top_k(-jnp.min(distances[: chunks * _CHUNK].reshape(chunks, _CHUNK), axis=1), k)
    rows = (near[:, None] * _CHUNK + jnp.arange(_CHUNK, dtype=jnp.int32)).reshape(-1)
    rows = jnp.concatenate([rows, jnp.arange(chunks * _CHUNK, n, dtype=jnp.int32)])
    best, where = lax.top_k(-distances[rows], k)
    return -best, rows[where]
