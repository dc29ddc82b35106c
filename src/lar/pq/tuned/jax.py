"""Sums of look-ups in JAX, said so that XLA makes fast loops of them, and the k smallest of what becomes of them.

A kernel says what a table entry is made of (`Term`) and what becomes of a sum (`Finish`); both are traced into the
loops here. It must be right for any m, width, N, nq and k, and nowhere slower than the portable kernels under
`jax.jit`. XLA takes the form of the platform it compiles for, since what is fast on one is slow on the other.

On the CPU (one core, jaxlib 0.10, measured; ns are per code and query):

- One query: a scan over the sub-spaces, one gather each, 0.22-0.26 ns. The same gathers unrolled in one loop take 0.5.
- Batches: the tables of 32 queries lie side by side, so that one code reads 32 neighbouring floats, which LLVM turns
  into vector loads: 0.06 ns. At 16 the gain depends on luck with the vectoriser, at 8 there is none; a tile of 32 takes
  as long as eight queries one by one, so a remainder of more is filled up to a tile.
- Those gathers are written out for 8 sub-spaces at a time. The step is a branch of `lax.cond` for the sake of its
  border: XLA computes a branch's operands before it enters it. Without, it fuses the slicing of the tables into the
  gathers, which then read through a moving pointer and are not vectorised (5 times slower).
- Selection: the k smallest lie in the k chunks of 32 rows with the smallest minima (any other chunk has k rows ahead of
  its best one), so that `lax.top_k` sees N / 32 + 32 k numbers: 28 us instead of 49 at N = 20,000; in a batch, 5
  instead of 36 a query.

On a GPU nothing was measured. A loop costs launches there, so sums are unrolled by 16 gathers, which XLA should fuse
into one kernel each; a batch reads its 32 neighbouring floats by one warp. Pallas was not tried: its Triton back end
has no gather from shared memory, which is what these kernels are about.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax
from jax import numpy as jnp

from lar.contracts import NO_ID, Array

TILE = 32  # queries whose tables lie side by side
FEW = 8  # so many queries are faster one at a time than as a tile
_CHUNK = 32  # rows that selection looks at first by their minimum
_UNROLLED_WIDTH = 16

Term = Callable[[Array, Array], Array]
"""``(component of queries, component of centroids) -> what it adds to the table entries``, all broadcast."""

Finish = Callable[[Array, Array | None], Array]
"""``(sums (n, q), what is kept by row (n, 1), if anything) -> distances (n, q)``."""

Rows = tuple[Array, Array, Array | None]
"""``codebook`` float32 (width, m, K), ``columns`` uint8 (m, N), and float32 (N,) of whatever a metric keeps by row."""


@dataclass(frozen=True)
class Form:
    """How one platform likes it.

    Attributes
    ----------
    one, many : int
        Sub-spaces added up in one step, for one query and for a tile.
    apart : bool
        Whether a step of a tile must be kept from being fused with the slicing of its operands.
    block : int
        Rows of a tile whose sums are kept at a time.
    """

    one: int
    many: int
    apart: bool
    block: int


CPU = Form(one=1, many=8, apart=True, block=32_768)
GPU = Form(one=16, many=16, apart=False, block=1 << 22)


@dataclass(frozen=True)
class Metric:
    """What becomes of a query and a row.

    Attributes
    ----------
    term : Term
        Its sum over a sub-space's components is the table entry.
    finish : Finish
        Makes distances of sums.
    """

    term: Term
    finish: Finish


def nearest(xp: Any, metric: Metric, data: Rows, query: Array, k: int) -> tuple[Array, Array]:
    """Find the k nearest rows of each query.

    Parameters
    ----------
    xp : module
        The array namespace.
    metric : Metric
        What a distance is.
    data : Rows
        The data set, as a kernel's ``prepare`` lays it out.
    query : array
        float32 (nq, m * width).
    k : int
        How many rows to return; what exceeds N is padded.

    Returns
    -------
    distances : array
        float32 (nq, k), ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    kept = min(k, data[1].shape[1])
    cpu, gpu = (functools.partial(search, metric, k=kept, form=form) for form in (CPU, GPU))
    distances, ids = lax.platform_dependent(data, query, cpu=cpu, default=gpu)
    ids = xp.astype(ids, xp.uint32)
    if kept < k:
        missing = ((0, 0), (0, k - kept))
        distances = xp.pad(distances, missing, constant_values=xp.inf)
        ids = xp.pad(ids, missing, constant_values=xp.uint32(NO_ID))
    return distances, ids


def search(metric: Metric, data: Rows, query: Array, *, k: int, form: Form) -> tuple[Array, Array]:
    """Return the float32 distances and int32 rows (nq, k) of the k nearest, k <= N; arguments as for `nearest`."""
    nq, dim = query.shape
    tile, alone = (functools.partial(f, metric, data, k=k, form=form) for f in (_tile, _alone))
    full = nq // TILE * TILE
    parts = []
    if full:
        parts.append(lax.map(tile, query[:full].reshape(-1, TILE, dim)))
    if nq - full > FEW:
        filled = jnp.pad(query[full:], ((0, full + TILE - nq), (0, 0)))
        parts.append([part[None, : nq - full] for part in tile(filled)])
    elif nq > full:
        parts.append(lax.map(alone, query[full:]))
    distances, rows = (jnp.concatenate([part.reshape(-1, k) for part in pair]) for pair in zip(*parts, strict=True))
    return distances, rows


def _alone(metric: Metric, data: Rows, query: Array, *, k: int, form: Form) -> tuple[Array, Array]:
    """Answer one query (dim,): distances and rows (k,)."""
    codebook, columns, by_row = data
    tables = _tables(metric.term, codebook, query[:, None])[:, :, 0]
    sums = _in_steps(_add_up, tables, columns, form.one)
    distances, rows = _smallest(metric.finish(sums[:, None], _some_rows(by_row, 0, len(sums))), k)
    return distances[0], rows[0]


def _tile(metric: Metric, data: Rows, queries: Array, *, k: int, form: Form) -> tuple[Array, Array]:
    """Answer a tile of queries (q, dim): distances and rows (q, k)."""
    codebook, columns, by_row = data
    m, n = columns.shape
    step = min(form.many, -(-m // 2))  # two steps or more, or the sums would be fused into their selection
    # A stack is written out; a transposition would be fused into the tables, which would then read with a stride.
    tables = _tables(metric.term, codebook, jnp.stack(list(queries), axis=1))

    def block(first: Array | int, size: int) -> tuple[Array, Array]:
        part = lax.dynamic_slice_in_dim(columns, first, size, axis=1)
        sums = _in_steps(_add_up, tables, part, step, apart=form.apart)
        distances, rows = _smallest(metric.finish(sums, _some_rows(by_row, first, size)), min(k, size))
        return distances, rows + first

    blocks = n // form.block
    if blocks == 0:
        return block(0, n)
    found = lax.map(functools.partial(block, size=form.block), jnp.arange(blocks, dtype=jnp.int32) * form.block)
    distances, rows = (jnp.moveaxis(part, 0, 1).reshape(len(queries), -1) for part in found)
    if n % form.block:
        last = block(blocks * form.block, n % form.block)
        distances, rows = (jnp.concatenate(pair, axis=1) for pair in zip((distances, rows), last, strict=True))
    best, where = lax.top_k(-distances, k)
    return -best, jnp.take_along_axis(rows, where, axis=1)


def _some_rows(by_row: Array | None, first: Array | int, size: int) -> Array | None:
    return None if by_row is None else lax.dynamic_slice_in_dim(by_row, first, size)[:, None]


def _tables(term: Term, codebook: Array, queries: Array) -> Array:
    """Return float32 (m, K, q): the entries of each sub-vector of ``queries`` (dim, q) for each centroid."""
    width, m, _ = codebook.shape
    parts = jnp.swapaxes(queries.reshape(m, width, -1), 0, 1)

    def some(part: Array, centroids: Array) -> Array:
        terms = [term(part[i][:, None], centroids[i][..., None]) for i in range(len(part))]
        return functools.reduce(jnp.add, terms)

    return _in_steps(some, parts, codebook, _UNROLLED_WIDTH)


def _add_up(tables: Array, columns: Array) -> Array:
    """Return float32 (n, ...): the sum over j of ``tables[j, columns[j]]``, all gathers in one loop."""
    pairs = zip(tables, columns, strict=True)
    entries = [table.at[column.astype(jnp.int32)].get(mode="promise_in_bounds") for table, column in pairs]
    return functools.reduce(jnp.add, entries)


def _in_steps(
    function: Callable[[Array, Array], Array], left: Array, right: Array, step: int, *, apart: bool = False
) -> Array:
    """Return ``function(left, right)``, a sum over their first axis in which zeros make zero, `step` terms at a time.

    `apart` as in `Form`.
    """
    terms = len(left)
    groups = -(-terms // step)
    if groups == 1:
        return function(left, right)
    step = -(-terms // groups)
    missing = groups * step - terms

    def first(total: Array, one: Array, other: Array) -> Array:
        del total
        return function(one, other)

    def further(total: Array, one: Array, other: Array) -> Array:
        return total + function(one, other)

    def body(total: Array, group: tuple[Array, Array, Array]) -> tuple[Array, None]:
        i, *parts = group
        return (lax.cond(i == 0, first, further, total, *parts) if apart else further(total, *parts)), None

    like = jax.eval_shape(function, left, right)
    filled = (jnp.pad(part, ((0, missing), *((0, 0),) * (part.ndim - 1))) for part in (left, right))
    parts = [part.reshape(groups, step, *part.shape[1:]) for part in filled]
    numbers = jnp.arange(groups, dtype=jnp.int32)
    return lax.scan(body, jnp.zeros(like.shape, like.dtype), (numbers, *parts))[0]


def _smallest(distances: Array, k: int) -> tuple[Array, Array]:
    """Return the k smallest of each column of (n, q), ascending, and their rows: (q, k) float32 and int32."""
    n, queries = distances.shape
    chunks = n // _CHUNK
    if chunks < 2 * k:
        # A loop over the queries, since a transposition would be fused into the sums, which were then not vectorised.
        best, rows = lax.map(lambda q: lax.top_k(-distances[:, q], k), jnp.arange(queries, dtype=jnp.int32))
        return -best, rows
    chunked = distances[: chunks * _CHUNK].reshape(chunks, _CHUNK, queries)
    _, near = lax.top_k(-jnp.min(chunked, axis=1).T, k)
    rows = (near[:, :, None] * _CHUNK + jnp.arange(_CHUNK, dtype=jnp.int32)).reshape(queries, -1)
    rest = jnp.broadcast_to(jnp.arange(chunks * _CHUNK, n, dtype=jnp.int32), (queries, n - chunks * _CHUNK))
    rows = jnp.concatenate([rows, rest], axis=1)
    best, where = lax.top_k(-jnp.take_along_axis(distances.T, rows, axis=1), k)
    return -best, jnp.take_along_axis(rows, where, axis=1)
