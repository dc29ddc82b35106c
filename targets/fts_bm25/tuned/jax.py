"""`fts-bm25` in JAX: as many postings are read as the lists have, and few sums are looked at twice.

It must be right for any index, nq and k, and nowhere slower than the portable kernel under `jax.jit`.

- Lists are added up in blocks of `_BLOCK` postings, in a loop that runs as often as a query's lists need: the portable
  kernel goes over `capacity` slots, and needs running sums to share them out. A block that lies across the end of a
  list adds zeros for what is behind it, to the documents there, which changes nothing.
- Selection: the k largest sums lie in the k chunks of `_CHUNK` documents with the largest maxima (any other chunk has k
  documents ahead of its best one), so `lax.top_k` sees N / 32 + 32 k numbers instead of N.
- A batch is a loop over its queries: one compiled body, and one query's sums in the cache at a time.
"""

import functools
from typing import Any

from jax import lax
from jax import numpy as jnp
from lar.targets.fts_bm25 import portable

from lar.contracts import NO_ID, Array, Data, Query, Tree

_BLOCK = 256
_CHUNK = 32  # documents that selection looks at first by their maximum


def prepare(xp: Any, data: Data, *, k: int, k1: float, b: float, capacity: int) -> Tree:
    """Compute what each posting adds to the score of its document, as ``prepare`` in `portable.py` does.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        As in `portable.py`.
    k, capacity : int
        Not used here.
    k1, b : float
        How soon the frequency of a term saturates, and how much the length of a document counts.

    Returns
    -------
    dict of arrays
        What the portable ``prepare`` returns, with a block of postings that add nothing behind the last one.
    """
    state = portable.prepare(xp, data, k=k, k1=k1, b=b, capacity=capacity)
    behind = {name: jnp.zeros(_BLOCK, state[name].dtype) for name in ("documents", "weights")}
    return {**state, **{name: jnp.concatenate([state[name][:-1], more]) for name, more in behind.items()}}


def run(xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int) -> tuple[Array, Array]:
    """Find the k best documents for each query; arguments and results are those of ``run`` in `portable.py`."""
    del xp, k1, b, capacity
    N = state["lengths"].shape[0]
    best = functools.partial(_best, state, kept=min(k, N))
    scores, found = lax.map(best, lax.bitcast_convert_type(query, jnp.int32))
    missing = ((0, 0), (0, k - min(k, N)))
    scores = jnp.pad(scores, missing, constant_values=-jnp.inf)
    return scores, jnp.pad(lax.bitcast_convert_type(found, jnp.uint32), missing, constant_values=jnp.uint32(NO_ID))


def _best(state: Tree, terms: Array, *, kept: int) -> tuple[Array, Array]:
    """Return scores float32 and documents int32 (kept,) of one query, int32 (T,)."""
    documents, weights = state["documents"], state["weights"]
    begins, ends = state["offsets"][terms], state["offsets"][terms + 1]
    places = jnp.arange(_BLOCK, dtype=jnp.int32)

    def add(sums: Array, term: Array) -> tuple[Array, None]:
        begin, end = begins[term], ends[term]

        def block(i: Array, sums: Array) -> Array:
            at = begin + i * _BLOCK
            some, more = (lax.dynamic_slice(part, (at,), (_BLOCK,)) for part in (documents, weights))
            more = jnp.where(places < end - at, more, jnp.float32(0))
            return sums.at[some].add(more, mode="promise_in_bounds")

        return lax.fori_loop(0, (end - begin + _BLOCK - 1) // _BLOCK, block, sums), None

    sums = jnp.zeros(state["lengths"].shape, jnp.float32)
    sums, _ = lax.scan(add, sums, jnp.arange(terms.shape[0], dtype=jnp.int32))
    return _largest(sums, kept)


def _largest(sums: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest of (n,), descending, and where they are."""
    n = sums.shape[0]
    chunks = n // _CHUNK
    if chunks < 2 * k:
        best, found = lax.top_k(sums, k)
        return best, found
    _, near = lax.top_k(jnp.max(sums[: chunks * _CHUNK].reshape(chunks, _CHUNK), axis=1), k)
    rows = (near[:, None] * _CHUNK + jnp.arange(_CHUNK, dtype=jnp.int32)).reshape(-1)
    rows = jnp.concatenate([rows, jnp.arange(chunks * _CHUNK, n, dtype=jnp.int32)])
    best, where = lax.top_k(sums[rows], k)
    return best, rows[where]
