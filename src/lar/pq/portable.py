"""Codes and tables against the array API: the look-up that every portable kernel over product-quantised rows makes.

Codes are kept as u8 rows [m, N], so that a probe reads one contiguous row, and widened a row at a time: a whole int32
copy would quadruple the bytes that a scan moves.
"""

from typing import Any

from lar.contracts import Array


def columns(xp: Any, codes: Array) -> Array:
    """Return uint8 (m, N): the codes (N, m) as contiguous rows, one a sub-space.

    A stack is contiguous in every namespace; a permutation of axes would leave NumPy and torch with strides.
    """
    return xp.stack([codes[:, j] for j in range(codes.shape[1])])


def probe(xp: Any, table: Array, columns: Array) -> Array:
    """Return float32 (N,): the sum over sub-spaces of each row's entry in a table float32 (m, K)."""
    total = xp.take(table[0, :], xp.astype(columns[0, :], xp.int32))
    for j in range(1, columns.shape[0]):
        total = total + xp.take(table[j, :], xp.astype(columns[j, :], xp.int32))
    return total
