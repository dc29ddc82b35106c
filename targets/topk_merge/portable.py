"""`topk-merge` once, against the array API: find the k-th best without sorting, then sort k items.

Only the first k items of a run can be among the k best. Of what is left, the k-th best score is found by selection or
bisection, and among the items that share it the last id, likewise; where most items are wanted, all are sorted.
Scores are compared as int32, since XLA's CPU compiler takes subnormals for zero, and ids as int32 in their own order.
"""

from typing import Any

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

_INT32_MAX = 2**31 - 1


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Return an empty state: what is merged comes with the query.

    Parameters
    ----------
    xp : module
        Not used, nor are `data`, the pool that runs are drawn from, and `k`: every kernel is given them.
    data : dict
        ``scores`` float32 and ``ids`` uint32, sorted runs.
    k : int
        How many items will be wanted.
    """
    del xp, data, k
    return {}


def run(xp: Any, state: Tree, query: Query, /, *, k: int) -> tuple[Array, Array]:
    """Merge the runs of each query as far as its k best items.

    Parameters
    ----------
    xp : module
        The array namespace.
    state : dict
        What `prepare` returned.
    query : dict of arrays
        ``scores`` float32 (nq, R, L), descending along the last axis, equal ones in ascending order of id, without NaN;
        ``ids`` uint32 (nq, R, L), distinct within a merge.
    k : int
        How many items to return; what exceeds R * L is padded.

    Returns
    -------
    scores : array
        float32 (nq, k), descending, as they stand in the runs; padded with -inf.
    ids : array
        uint32 (nq, k), ascending where scores are equal, -0.0 and 0.0 among them; padded with 2**32 - 1.
    """
    del state
    nq, runs, length = query["scores"].shape
    seen = min(k, length)
    bits = ops.bitcast(xp, query["scores"][:, :, :seen], xp.int32)
    names = ops.ordered(xp, query["ids"][:, :, :seen])
    words = xp.stack([xp.reshape(part, (nq, runs * seen)) for part in (bits, names)], axis=1)
    found = min(k, runs * seen)

    def merge(pair: Array) -> tuple[Array, Array]:
        bits, names = pair[0, :], pair[1, :]
        chosen = _best(xp, xp.where(bits < 0, bits & _INT32_MAX, -bits), names, found)
        return xp.take(bits, chosen), xp.take(names, chosen)

    bits, names = ops.map_rows(xp, merge, words)
    scores, ids = ops.bitcast(xp, bits, xp.float32), ops.unordered(xp, names)
    if found < k:
        shape, device = (nq, k - found), ops.device_of(scores)
        scores = xp.concat([scores, xp.full(shape, -float("inf"), dtype=xp.float32, device=device)], axis=1)
        ids = xp.concat([ids, xp.full(shape, NO_ID, dtype=xp.uint32, device=device)], axis=1)
    return scores, ids


def _best(xp: Any, key: Array, names: Array, k: int) -> Array:
    """Return the positions of the k items with the smallest int32 keys, in order, equal keys by int32 name."""
    if 2 * k > key.shape[0]:
        return _sorted(xp, key, names)[:k]
    threshold = ops.kth_smallest(xp, key, k)
    before, tied = key < threshold, key == threshold
    last = ops.kth_smallest(xp, xp.where(tied, names, _INT32_MAX), k - ops.count(xp, before))
    chosen, _ = ops.compact(xp, before | (tied & (names <= last)), k, 0)
    return xp.take(chosen, _sorted(xp, xp.take(key, chosen), xp.take(names, chosen)))


def _sorted(xp: Any, key: Array, names: Array) -> Array:
    """Return the positions in ascending order of key, then of name: two stable sorts, the second key first."""
    by_name = xp.argsort(names, stable=True)
    return xp.take(by_name, xp.argsort(xp.take(key, by_name), stable=True))
