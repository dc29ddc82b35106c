"""Bits of 32-bit words, and bitmaps.

Words are int32: torch cannot shift, add or compare unsigned ones, and JAX refuses some mixtures. int32 wraps on
addition in every library, and the two keys here make it sort as uint32 or float32 does.
"""

from typing import Any

from lar.contracts import Array
from lar.ops._dispatch import device_of, resolve

INT32_MIN = -(2**31)


def bitcast(xp: Any, x: Array, dtype: Any) -> Array:
    """Read the same 32 bits as another dtype.

    Free or one copy. The fallback takes some forty passes to or from float32 and loses the payload of a NaN: the
    standard has no view, so the bits are found by exact scaling.

    Parameters
    ----------
    xp : module
        The array namespace.
    x : array
        int32, uint32 or float32, any shape.
    dtype : dtype
        int32, uint32 or float32 of `xp`.

    Returns
    -------
    array
        Same shape; it may share memory with `x`.
    """
    name, xp = resolve(xp)
    if x.dtype == dtype:
        return x
    if name == "jax":
        from jax import lax

        return lax.bitcast_convert_type(x, dtype)
    if name != "standard":
        return x.view(dtype)
    if x.dtype == xp.float32:
        return xp.astype(_bits_of_float(xp, x), dtype)
    if dtype == xp.float32:
        return _float_of_bits(xp, xp.astype(x, xp.int32))
    return xp.astype(x, dtype)  # the standard leaves it open; every library there is wraps


def ordered(xp: Any, x: Array) -> Array:
    """Return int32 that sorts as the uint32 `x` does: its bits with the highest one flipped."""
    return bitcast(xp, x, xp.int32) ^ INT32_MIN


def unordered(xp: Any, x: Array) -> Array:
    """Return the uint32 from which `ordered` made `x`."""
    return bitcast(xp, x ^ INT32_MIN, xp.uint32)


def float_key(xp: Any, x: Array) -> Array:
    """Return int32 that sorts as the float32 `x` does; equal floats, 0.0 and -0.0 among them, get equal keys.

    The key of -x is the negative of the key of x. NaN is not ordered: a positive one comes after +inf, a negative one
    before -inf. XLA's CPU compiler takes subnormals for zero when it compares floats, and folds ``x + 0.0`` away, which
    would otherwise join the two zeros.
    """
    bits = bitcast(xp, x, xp.int32)
    return xp.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def lsr(xp: Any, x: Array, shift: int | Array) -> Array:
    """Shift the int32 `x` right by 0..31 bits, filling with zeros (``>>`` fills with the sign).

    Parameters
    ----------
    xp : module
        The array namespace.
    x : array
        int32.
    shift : int or array
        0..31; an array is int32 and broadcasts with `x`. A shift by 32 is undefined in hardware and in every library.

    Returns
    -------
    array
        int32.
    """
    name, xp = resolve(xp)
    if isinstance(shift, int) and shift == 0:
        return x
    if name in {"numpy", "jax", "cupy"}:
        by = shift if isinstance(shift, int) else bitcast(xp, shift, xp.uint32)
        return bitcast(xp, bitcast(xp, x, xp.uint32) >> by, xp.int32)
    if isinstance(shift, int):
        return (x >> shift) & ((1 << (32 - shift)) - 1)
    sign = xp.full_like(shift, INT32_MIN)
    return (x >> shift) & ~((sign >> shift) << 1)


def popcount(xp: Any, x: Array) -> Array:
    """Count the set bits of each int32, as int32."""
    name, xp = resolve(xp)
    if name == "jax":
        from jax import lax

        return lax.population_count(x)
    if name in {"numpy", "cupy"} and hasattr(xp, "bitwise_count"):  # CuPy has it from 14 on
        return xp.astype(xp.bitwise_count(bitcast(xp, x, xp.uint32)), xp.int32)  # of an int32 it would count |x|
    x = (lsr(xp, x, 1) & 0x55555555) + (x & 0x55555555)
    x = (lsr(xp, x, 2) & 0x33333333) + (x & 0x33333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F
    x = x + (x >> 8)
    return (x + (x >> 16)) & 0x3F


def unpack_bits(xp: Any, bitmap: Array, n: int) -> Array:
    """Unpack a bitmap, least significant bit first.

    Parameters
    ----------
    xp : module
        The array namespace.
    bitmap : array
        uint8, at least ``(n + 7) // 8`` of them; bits from `n` on may be anything.
    n : int
        How many bits to read.

    Returns
    -------
    array
        bool (n,).
    """
    name, xp = resolve(xp)
    if name == "numpy":
        return xp.unpackbits(bitmap, count=n, bitorder="little").view(xp.bool)
    shifts = xp.arange(8, dtype=xp.uint8, device=device_of(bitmap))
    bits = (bitmap[:, None] >> shifts[None, :]) & 1
    return xp.reshape(bits, (-1,))[:n] == 1


def pack_bits(xp: Any, mask: Array) -> Array:
    """Pack bool (n,) into uint8 ((n + 7) // 8,), least significant bit first; the bits from `n` on are 0."""
    name, xp = resolve(xp)
    n = mask.shape[0]
    if name in {"numpy", "cupy"} and n:  # CuPy returns an empty mask as it is
        return xp.packbits(mask, bitorder="little")
    bits = xp.astype(mask, xp.uint8)
    if n % 8:
        bits = xp.concat([bits, xp.zeros((8 - n % 8,), dtype=xp.uint8, device=device_of(mask))])
    bits = xp.reshape(bits, (-1, 8))
    packed = bits[:, 0]
    for i in range(1, 8):
        packed = packed | (bits[:, i] << i)
    return packed


_STEPS = (64, 32, 16, 8, 4, 2, 1)
"""Of the exponent. Each is a product of its own that may not happen, so that no compiler joins two factors into one
that is no float32."""


def _bits_of_float(xp: Any, x: Array) -> Array:
    """Return the int32 of float32: ``|x| = m * 2**(e - 149)`` has the bits ``(e << 23) + m``, of subnormals too."""
    finite = xp.isfinite(x)
    rest = xp.where(finite, xp.abs(x), 0.0)  # becomes m * 2**-23, at most 2
    exponent = xp.full_like(x, 126, dtype=xp.int32)
    for step in _STEPS:
        high = rest >= 2.0**step
        low = (rest < 2.0 ** (1 - step)) & (exponent >= step)
        rest = xp.where(high, rest * 2.0**-step, rest * _power(xp, low, step, rest))
        exponent = xp.where(high, exponent + step, xp.where(low, exponent - step, exponent))
    bits = (exponent << 23) + xp.astype(rest * 2.0**23, xp.int32)
    bits = xp.where(finite, bits, xp.where(xp.isnan(x), 0x7FC00000, xp.full_like(bits, 0x7F800000)))
    return xp.where(xp.signbit(x), bits ^ INT32_MIN, bits)


def _float_of_bits(xp: Any, bits: Array) -> Array:
    """Return the float32 of int32, by the same equation."""
    biased = (bits >> 23) & 0xFF
    fraction = bits & 0x7FFFFF
    mantissa = xp.where(biased > 0, fraction + 0x800000, fraction)
    left = xp.where(biased == 0xFF, 0, xp.where(biased > 0, biased, 1) - 127)
    x = xp.astype(mantissa, xp.float32) * 2.0**-23
    for step in _STEPS:
        high, low = left >= step, left <= -step
        x = xp.where(low, x * 2.0**-step, x * _power(xp, high, step, x))
        left = xp.where(high, left - step, xp.where(low, left + step, left))
    special = xp.where(fraction == 0, xp.full_like(x, float("inf")), float("nan"))
    x = xp.where(biased == 0xFF, special, x)
    return xp.where(bits < 0, -x, x)


def _power(xp: Any, mask: Array, step: int, like: Array) -> Array:
    """Return 2**step where the mask is set and 1 elsewhere: a product that is not wanted must not overflow either."""
    return xp.where(mask, xp.full_like(like, 2.0**step), 1.0)
