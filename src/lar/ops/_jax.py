"""Loops in JAX. Each is jitted here as well as by the caller, so that without one a shape is traced once.

Running sums and maxima are slow on the CPU with XLA's own primitives: a plain loop over the values, unrolled four
times, takes 0.9 ms for a million int32 there, `jnp.cumsum` 7 ms and `jax.lax.associative_scan` 2.5 ms (and twenty times
as long to compile). On other devices the loop would be hopeless and the primitives are good, so XLA picks by platform.
"""

import functools
from collections.abc import Callable

import jax
from jax import lax
from jax import numpy as jnp

from lar.contracts import Array


def _loop(combine: Callable[[Array, Array], Array], start: int, x: Array) -> Array:
    def step(so_far: Array, value: Array) -> tuple[Array, Array]:
        so_far = combine(so_far, value)
        return so_far, so_far

    _, running = lax.scan(step, jnp.full(x.shape[:-1], start, dtype=x.dtype), jnp.moveaxis(x, -1, 0), unroll=4)
    return jnp.moveaxis(running, 0, -1)


def _bisect(key: Array, k: Array, base: Array, *, bits: int) -> Array:
    def step(i: Array, base: Array) -> Array:
        tried = base + (jnp.int32(1) << (bits - 1 - i))
        below = jnp.sum(key < tried, dtype=jnp.int32)
        return jnp.where(below < k, tried, base)

    return lax.fori_loop(0, bits, step, base)


running_sum = jax.jit(
    lambda x: lax.platform_dependent(
        x, cpu=functools.partial(_loop, jnp.add, 0), default=functools.partial(jnp.cumsum, axis=-1)
    )
)
"""Inclusive running sum of int32 along the last axis, in int32 that wraps."""

running_max = jax.jit(
    lambda x: lax.platform_dependent(x, cpu=functools.partial(_loop, jnp.maximum, -(2**31)), default=lax.cummax)
)
"""Inclusive running maximum of int32 (n,)."""

bisect = jax.jit(_bisect, static_argnames="bits")
"""The loop of `lar.ops.selection`, not unrolled: it compiles twenty times as fast."""
