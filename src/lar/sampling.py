"""Seeded draws that give the same bits on every machine, with every version of NumPy.

A figure is comparable with last year's only if its inputs are the same. NumPy promises this for its bit generators and
not for its distributions, and its `log` and `cos` differ in the last place from one processor to the next. So a stream
is SplitMix64 counted along an array, and everything made of it uses nothing but integer arithmetic, ``+ - * /`` and
``sqrt``, which IEEE 754 rounds alike everywhere.

A key names a stream: ``key(seed, "pq-l2", "codes", N)``. One key, one draw: two draws from one key are made of the same
words, so derive a key for each (``key(own, "rows")``).

Sources: Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64, finaliser of
Stafford's variant 13); Wichura: Algorithm AS 241, Applied Statistics 37(3), 1988 (normal quantile, error below 1e-15).
"""

import hashlib
import operator

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Shape = tuple[int, ...]

_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIXING = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
    (np.uint64(31), np.uint64(0)),
)
_CHUNK = 1 << 14  # words take ten passes and the normal quantile some forty: keep them in the caches


def key(seed: int, *ingredients: int | str) -> int:
    """Return the key of the stream that a seed and its ingredients name.

    Every ingredient passes through a finaliser of its own, so that ``(1, 23)``, ``(12, 3)`` and ``(23, 1)`` are
    unrelated.

    Parameters
    ----------
    seed : int
        Any integer of at most 64 bits, or another key.
    *ingredients : int or str
        What tells this stream from the others of the seed: names, sizes, counters.

    Raises
    ------
    ValueError
        If an integer has more than 64 bits.
    """
    state = _finalise(_word(seed) + _GAMMA)
    for ingredient in ingredients:
        state = _finalise((state + _GAMMA) ^ _word(ingredient))
    return state


def words(key: int, n: int) -> Words:
    """Return the first `n` outputs of SplitMix64 seeded with `key`: uint64 (n,)."""
    out = np.empty(n, np.uint64)
    start = _word(key)
    steps = np.arange(1, min(n, _CHUNK) + 1, dtype=np.uint64) * np.uint64(_GAMMA)
    scratch = np.empty_like(steps)
    for done in range(0, n, _CHUNK):
        z = out[done : done + _CHUNK]
        shifted = scratch[: len(z)]
        np.add(steps[: len(z)], np.uint64((start + done * _GAMMA) & _MASK), out=z)
        for bits, factor in _MIXING:
            np.right_shift(z, bits, out=shifted)
            z ^= shifted
            if factor:
                z *= factor
    return out


def uniform(key: int, shape: Shape) -> Floats:
    """Return float64 draws in [0, 1), multiples of 2**-53."""
    return ((words(key, _size(shape)) >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def normal(key: int, shape: Shape) -> Floats:
    """Return float64 draws of the standard normal distribution, by its quantile function."""
    out = (words(key, _size(shape)) >> np.uint64(12)).astype(np.float64)
    out = (out + 0.5) * 2.0**-52  # symmetric about 1/2, never 0 or 1
    for start in range(0, len(out), _CHUNK):
        out[start : start + _CHUNK] = normal_quantile(out[start : start + _CHUNK])
    return out.reshape(shape)


def integers(key: int, shape: Shape, high: int) -> Integers:
    """Return int64 draws in [0, high), `high` at most 2**32; no value's probability is off by more than 2**-32.

    Raises
    ------
    ValueError
        If `high` is outside 1..2**32.
    """
    if not 1 <= high <= 2**32:
        raise ValueError(f"high is {high}, expected 1 to 2**32")
    scaled = words(key, _size(shape))
    scaled >>= np.uint64(32)
    scaled *= np.uint64(high)
    scaled >>= np.uint64(32)
    return scaled.view(np.int64).reshape(shape)


def permutation(key: int, n: int) -> Integers:
    """Return the numbers 0..n-1 in a random order: int64 (n,), n at most 2**32."""
    bits = np.uint64(max(n - 1, 0).bit_length())
    # The number itself in the low bits makes all sort keys distinct: any sorting algorithm gives the same order.
    tagged = (words(key, n) >> bits << bits) | np.arange(n, dtype=np.uint64)
    tagged.sort()
    return (tagged & np.uint64((1 << int(bits)) - 1)).astype(np.int64)


def normal_quantile(p: Floats) -> Floats:
    """Return the standard normal quantile of each probability in (0, 1): float64, the same bits everywhere."""
    centred = p - 0.5
    out: Floats = centred * _rational(_CENTRE, 0.180625 - centred * centred)
    tail = np.flatnonzero(np.abs(centred) > 0.425)
    depth = np.sqrt(-_log(np.minimum(p[tail], 1.0 - p[tail])))
    size = _rational(_TAIL, depth - 1.6)
    far = np.flatnonzero(depth > 5.0)
    size[far] = _rational(_FAR_TAIL, depth[far] - 5.0)
    out[tail] = np.copysign(size, centred[tail])
    return out


def _word(ingredient: int | str) -> int:
    if isinstance(ingredient, str):
        return int.from_bytes(hashlib.blake2b(ingredient.encode(), digest_size=8).digest(), "little")
    number = operator.index(ingredient)
    if not -(2**63) <= number <= _MASK:
        raise ValueError(f"{number} has more than 64 bits")
    return number & _MASK


def _finalise(z: int) -> int:
    z &= _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _log(x: Floats) -> Floats:
    """Return the natural logarithm by ``2 atanh((m - 1) / (m + 1))`` of the mantissa m, to about 1e-16."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 0.7071067811865476
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    exponent = exponent - small
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    series = _polynomial([1.0 / (2 * i + 1) for i in range(12)], ratio * ratio)
    return exponent * 0.6931471805599453 + 2.0 * ratio * series


def _polynomial(coefficients: list[float], x: Floats) -> Floats:
    """Return the polynomial at x, lowest power first, by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total


def _rational(coefficients: tuple[list[float], list[float]], x: Floats) -> Floats:
    numerator, denominator = coefficients
    return _polynomial(numerator, x) / _polynomial(denominator, x)


# Wichura's PPND16, lowest power first: |p - 1/2| <= 0.425, then the tail by sqrt(-log p) up to 5 and beyond.
_CENTRE = (
    [
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ],
    [
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ],
)
_TAIL = (
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
)
_FAR_TAIL = (
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
)
