"""`hamming` once, against the array API: words of four bytes, exclusive or, population count, k smallest.

Words lie by column, int32 [W, N], so that each step is one pass over N contiguous numbers; the standard cannot read
four bytes as a word, so words are put together by shifts, once in `prepare`. Distances are small non-negative
integers, so selection works on them as they are.
"""

from typing import Any

from lar import ops
from lar.contracts import NO_ID, Array, Data, Query, Tree

_WORD = 4


def prepare(xp: Any, data: Data, *, k: int) -> Tree:
    """Put the codes together to words, one contiguous row for each place of a word in a code.

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
    del k
    return {"columns": _columns(xp, data["codes"])}


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
        uint32 (nq, k), padded with 2**32 - 1; of equal distances the lower ids.
    """
    columns = state["columns"]
    bits = 8 * _WORD * columns.shape[0]

    def nearest(words: Array) -> tuple[Array, Array]:
        distances = _differing(xp, columns, words)
        ids = ops.smallest_k(xp, distances, k, 0, bits)
        return xp.take(distances, ids), ids

    # Queries become words together; a row of the stack would be built anew in every step otherwise.
    distances, ids = ops.map_rows(xp, nearest, xp.permute_dims(_columns(xp, query), (1, 0)))
    return _padded(xp, distances, k), _padded(xp, ids, k)


def _columns(xp: Any, codes: Array) -> Array:
    """Return int32 (ceil(B / 4), n) of uint8 (n, B), the first byte lowest."""
    width = codes.shape[1]
    return xp.stack([_word(xp, codes, first, min(first + _WORD, width)) for first in range(0, width, _WORD)])


def _word(xp: Any, codes: Array, first: int, end: int) -> Array:
    word = xp.astype(codes[:, first], xp.int32)
    for place in range(first + 1, end):
        word = word | (xp.astype(codes[:, place], xp.int32) << (8 * (place - first)))
    return word


def _differing(xp: Any, columns: Array, words: Array) -> Array:
    """Return int32 (N,): in how many bits each row differs from one query, int32 (W,)."""
    total = ops.popcount(xp, columns[0, :] ^ words[0])
    for j in range(1, columns.shape[0]):
        total = total + ops.popcount(xp, columns[j, :] ^ words[j])
    return total


def _padded(xp: Any, found: Array, k: int) -> Array:
    """Return uint32 (nq, k) of int32 that are not negative."""
    found = ops.bitcast(xp, found, xp.uint32)
    nq, kept = found.shape
    if kept == k:
        return found
    return xp.concat([found, xp.full((nq, k - kept), NO_ID, dtype=xp.uint32, device=ops.device_of(found))], axis=1)
