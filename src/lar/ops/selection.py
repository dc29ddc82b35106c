"""The k best of n, exactly: ties go to the lower position, on every library and in every shape of data.

Sorting all of n for the sake of k is what the standard offers; library selections are no better founded (NumPy's
argpartition takes fifteen times as long when most values are equal, torch's topk leaves ties open, XLA sorts integers
in full). So the array is cut into blocks. **The k best values lie in the k blocks whose own best is best**, ties to
the earlier block: were one outside, each of those k blocks would hold a value that goes before it. That leaves k short
blocks to look at after one pass over the data, whatever the data. No step has a shape that depends on it.
"""

import math
from typing import Any

from lar.contracts import Array
from lar.ops._dispatch import device_of, resolve
from lar.ops.bits import INT32_MIN, bitcast, float_key
from lar.ops.segments import count, iota

INT32_MAX = 2**31 - 1

_BLOCK_FACTOR = {"numpy": 3.0}
"""How much longer than sqrt(n / k) a block is: NumPy starts a block's minimum anew, and selects without sorting."""
_FEWEST = 2048
"""Below this many values, one step on all of them is the quickest."""
_EXACT_IN_FLOAT32 = 2**24


def top_k(xp: Any, x: Array, k: int, *, largest: bool) -> tuple[Array, Array]:
    """Select the k smallest or largest float32, best first.

    O(n) for k well below n, O(n log n) for k near it.

    Parameters
    ----------
    xp : module
        The array namespace.
    x : array
        float32 (n,), without NaN. 0.0 and -0.0 are equal; infinities and subnormals are values like any other.
    k : int
        How many, at least 0.
    largest : bool
        Whether the largest are the best.

    Returns
    -------
    values : array
        float32 (k,), as they stand in `x`; padded with +inf (smallest) or -inf (largest) where k > n.
    positions : array
        int32 (k,); equal values in ascending order of position; padded with -1.
    """
    name, xp = resolve(xp)
    n = x.shape[0]
    found = min(k, n)
    if name == "jax":
        positions = _jax_top_k(xp, x, found, largest=largest)
    else:
        positions = _select(xp, name, x, found, largest=largest)
    values = xp.take(x, positions)
    if found < k:
        device = device_of(x)
        worst = -math.inf if largest else math.inf
        values = xp.concat([values, xp.full((k - found,), worst, dtype=x.dtype, device=device)])
        positions = xp.concat([positions, xp.full((k - found,), -1, dtype=xp.int32, device=device)])
    return values, positions


def smallest_k(xp: Any, key: Array, k: int, low: int = INT32_MIN, high: int = INT32_MAX) -> Array:
    """Return the positions of the k smallest int32 keys, ascending by key, ties in ascending order of position.

    Parameters
    ----------
    xp : module
        The array namespace.
    key : array
        int32 (n,).
    k : int
        How many.
    low, high : int
        What every key lies within, both inclusive. On JAX a range below 2**24 is selected as float32, exactly.

    Returns
    -------
    array
        int32 (min(k, n),).
    """
    name, xp = resolve(xp)
    found = min(k, key.shape[0])
    if name == "jax" and high - low < _EXACT_IN_FLOAT32:
        from jax import lax

        return lax.top_k(xp.astype(low - key, xp.float32), found)[1]
    return _select(xp, name, key, found, largest=False)


def kth_smallest(xp: Any, key: Array, k: int | Array, low: int = INT32_MIN, high: int = INT32_MAX) -> Array:
    """Return the k-th smallest int32 key.

    For a k that is known and small, by selection. Else by bisection on the value: a compare and a count for each bit
    of ``high - low``, O(n) each, no sort, and the same time whatever the ties.

    Parameters
    ----------
    xp : module
        The array namespace.
    key : array
        int32 (n,), n >= 1.
    k : int or array
        1..n; an array is 0-d int32, and may be known on the device alone.
    low, high : int
        What every key lies within, both inclusive.

    Returns
    -------
    array
        0-d int32.
    """
    name, xp = resolve(xp)
    if isinstance(k, int) and k * 64 <= key.shape[0]:
        return xp.take(key, smallest_k(xp, key, k, low, high)[-1:])[0, ...]
    return _bisect(xp, name, key, k, low, high)


def _bisect(xp: Any, name: str, key: Array, k: int | Array, low: int, high: int) -> Array:
    """Move the answer's lower bound up, highest bit first: it may move past every value that fewer than k lie below."""
    bits = max((high - low).bit_length(), 1)
    low = min(low, INT32_MAX - (2**bits - 1))  # or the last steps could pass 2**31 and wrap
    base = xp.full((), low, dtype=xp.int32, device=device_of(key))
    if name == "jax":
        from lar.ops import _jax

        return _jax.bisect(key, k, base, bits=bits)
    for bit in reversed(range(bits)):
        tried = base ^ INT32_MIN if bit == 31 else base + (1 << bit)  # adding 2**31 is flipping the highest bit
        base = xp.where(count(xp, key < tried) < k, tried, base)
    return base


def _select(xp: Any, name: str, x: Array, k: int, *, largest: bool) -> Array:
    """Return int32 positions of the k best of int32 or float32 values, best first; k is at most n."""
    n = x.shape[0]
    block = 2 ** round(math.log2(max(_BLOCK_FACTOR.get(name, 1.0) * math.sqrt(n / max(k, 1)), 1)))
    if n < _FEWEST or block < 4 or 4 * k * block > n:
        return _select_at_once(xp, name, x, k, largest=largest)
    whole = n - n % block
    rows = xp.reshape(x[:whole], (-1, block))
    best = xp.max(rows, axis=1) if largest else xp.min(rows, axis=1)
    blocks = xp.sort(_select(xp, name, best, k, largest=largest))  # ascending, so that positions are
    positions = xp.reshape(blocks[:, None] * block + iota(xp, block, x)[None, :], (-1,))
    if whole < n:
        positions = xp.concat([positions, whole + iota(xp, n - whole, x)])
    return xp.take(positions, _select(xp, name, xp.take(x, positions), k, largest=largest))


def _select_at_once(xp: Any, name: str, x: Array, k: int, *, largest: bool) -> Array:
    """Do the same on all values: NumPy by a threshold, since its stable sort is slow, the others by a stable sort."""
    ascending = _ascending(xp, x, largest=largest)
    if name != "numpy" or k in {0, x.shape[0]}:
        return xp.astype(xp.argsort(ascending, stable=True)[:k], xp.int32)
    if x.shape[0] <= 2 * _FEWEST:
        threshold = xp.partition(ascending, k - 1)[k - 1]
    else:  # partition may take 95 ns a value when most are equal, which matters from here on
        ascending = float_key(xp, ascending) if ascending.dtype == xp.float32 else ascending
        threshold = _bisect(xp, name, ascending, k, INT32_MIN, INT32_MAX)
    below = ascending < threshold
    equal = ~(below | (ascending > threshold))  # not ``==``: were there a NaN after all, too few would be found
    first, then = xp.nonzero(below)[0], xp.nonzero(equal)[0]
    positions = xp.astype(xp.concat([first, then[: k - first.shape[0]]]), xp.int32)
    return xp.take(positions, xp.argsort(xp.take(ascending, positions), stable=True))


def _ascending(xp: Any, x: Array, *, largest: bool) -> Array:
    """Return what is to be sorted; the arithmetic turns -0.0 into 0.0, which a sort by bits would tell apart."""
    if x.dtype == xp.int32:
        return x
    return 0.0 - x if largest else x + 0.0


def _jax_top_k(xp: Any, x: Array, k: int, *, largest: bool) -> Array:
    """Return positions by `jax.lax.top_k`, which is exact and in order, but puts 0.0 above -0.0.

    The sign is changed on the bits, since XLA's CPU compiler flushes subnormals in arithmetic.
    """
    from jax import lax

    bits = bitcast(xp, x, xp.int32)
    bits = bits if largest else bits ^ INT32_MIN
    bits = xp.where(bits == INT32_MIN, 0, bits)
    return lax.top_k(bitcast(xp, bits, xp.float32), k)[1]
