"""`hamming` in JAX: the portable kernel's population counts, said so that XLA makes fast loops of them.

It must be right for any width, N, nq and k, and nowhere slower than the portable kernel under `jax.jit`.

- Codes lie as words int32 [W, N]: what all rows differ in is one loop over the rows, its W terms written out.
- Selection: the k smallest lie in the k chunks of `_CHUNK` rows with the smallest minima (any other chunk has k rows
  ahead of its best one), so `lax.top_k` sees N / 32 + 32 k numbers instead of N. It sorts integers in full and selects
  floats, so distances are selected as float32, which holds them exactly below 2**24. XLA fuses the counts into the
  minima, so most distances are never written; with 64 rows or more it does not vectorise that loop.
- A batch is a loop over its queries: one compiled body, and one query's distances in the cache at a time.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp

from lar.contracts import NO_ID, Array, Data, Query, Tree

_CHUNK = 32  # rows that selection looks at first by their minimum
_WORD = 4


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Put the codes together to words, one row for each place of a word in a code.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``codes`` uint8 (N, B).
    k : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``columns`` int32 (W, N), W = ceil(B / 4); missing bytes are zeros.
    """
    del xp, k
    return {"columns": _words(data["codes"]).T}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        uint8 (nq, B).
    k : int
        How many rows to return; what exceeds N is padded.

    Returns
    -------
    distances : array
        uint32 (nq, k), in bits, ascending, padded with 2**32 - 1.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    columns = state["columns"]
    kept = min(k, columns.shape[1])
    found = lax.map(functools.partial(_nearest, columns, k=kept), _words(query))
    distances, ids = (xp.astype(part, xp.uint32) for part in found)
    if kept < k:
        distances, ids = (
            xp.pad(part, ((0, 0), (0, k - kept)), constant_values=xp.uint32(NO_ID)) for part in (distances, ids)
        )
    return distances, ids


def _words(codes: Array) -> Array:
    """Return int32 (n, ceil(B / 4)) of uint8 (n, B)."""
    n, width = codes.shape
    filled = jnp.pad(codes, ((0, 0), (0, -width % _WORD)))
    return lax.bitcast_convert_type(filled.reshape(n, -1, _WORD), jnp.int32)


def _nearest(columns: Array, words: Array, *, k: int) -> tuple[Array, Array]:
    """Return distances int32 and rows int32 (k,) of one query, int32 (W,)."""
    differing = [lax.population_count(column ^ word) for column, word in zip(columns, words, strict=True)]
    return _smallest(functools.reduce(jnp.add, differing), k)


def _smallest(distances: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest of (n,), ascending, and where they are."""
    n = distances.shape[0]
    chunks = n // _CHUNK
    if chunks < 2 * k:
        return _select(distances, k)
    _, near = _select(jnp.min(distances[: chunks * _CHUNK].reshape(chunks, _CHUNK), axis=1), k)
    rows = (near[:, None] * _CHUNK + jnp.arange(_CHUNK, dtype=jnp.int32)).reshape(-1)
    rows = jnp.concatenate([rows, jnp.arange(chunks * _CHUNK, n, dtype=jnp.int32)])
    best, where = _select(distances[rows], k)
    return best, rows[where]


def _select(values: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest int32 of absolute value below 2**24, ascending, and where they are."""
    best, where = lax.top_k(-values.astype(jnp.float32), k)
    return -best.astype(jnp.int32), where
