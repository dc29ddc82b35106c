"""Measures the ceilings of an accelerator through the backend that has it open, in nothing but the array API.

Copying, reducing and multiplying matrices are what every array library has in its fastest form, so the best of them is
close to the device's own limits. Sizes start where a call takes much longer than starting it, and above the last-level
cache: an accelerator's caches are cold in a measurement, unless asked otherwise, so its memory is what limits a kernel.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lar import machine
from lar.ceilings import ACCELERATOR, Ceilings
from lar.contracts import Array, Backend, Tree

SIZES = (1 << 26, 1 << 28, 1 << 30)
"""Bytes read and written by one copy."""

SIDE = 8192
"""Rows and columns of the matrices that are multiplied."""

BYTE_LANES = 4
"""A bound, not a measurement: byte operations for each float32 operation, as four bytes fit where one float does."""

_BATCH = 10  # calls queued at once on a device that runs behind its caller, so that starting them costs nothing
_REPEATS = 5


def measure_backend(backend: Backend, sizes: tuple[int, ...] = SIZES, side: int = SIDE) -> Ceilings:
    """Measure the device that a backend has open; it must be idle.

    Parameters
    ----------
    backend : Backend
        An opened adapter.
    sizes : tuple of int
        Bytes that one copy reads and writes, half of them each.
    side : int
        Rows and columns of the matrices, float32, by whose product the rate of ``f32`` is found.

    Returns
    -------
    Ceilings
        Its ``f32`` rate is that of the library's own matrix product, at the precision it has by default; ``u8`` is
        `BYTE_LANES` times that.
    """
    one = backend.put(np.ones(1, dtype=np.float32))
    reads, traffic = [], []
    for size in sizes:
        half = backend.put(np.ones(size // 8, dtype=np.float32))
        moved = max(_rate(backend, run, half, one) for run in (_copy, _add))
        traffic.append((size, size * moved))
        reads.append((size // 2, size // 2 * _rate(backend, _reduce, half, one)))
    matrix = backend.put(np.full((side, side), 1 / side, dtype=np.float32))
    flops = 2 * side**3 * _rate(backend, _multiply, matrix, matrix)
    fingerprint = machine.device_fingerprint(backend.device)
    return Ceilings(fingerprint, ACCELERATOR, tuple(reads), tuple(traffic), {"f32": flops, "u8": BYTE_LANES * flops})


def _copy(xp: Any, state: Tree, query: Array) -> tuple[Array]:
    del query
    return (xp.asarray(state, copy=True),)


def _add(xp: Any, state: Tree, query: Array) -> tuple[Array]:
    return (xp.add(state, query),)


def _reduce(xp: Any, state: Tree, query: Array) -> tuple[Array]:
    return (xp.maximum(xp.max(state, axis=0, keepdims=True), query),)


def _multiply(xp: Any, state: Tree, query: Array) -> tuple[Array]:
    return (xp.matmul(state, query),)


def _rate(backend: Backend, run: Callable[..., Any], state: Tree, query: Array) -> float:
    """Return the most calls per second that a piece of work reached."""
    call = backend.compile(run, {})
    timer = backend.timer()
    batch = _BATCH if backend.asynchronous else 1
    for _ in range(2):
        backend.ready(call(state, query))
    fastest = float("inf")
    for _ in range(_REPEATS):
        backend.synchronize()
        began = time.perf_counter_ns()
        if timer is not None:
            timer.start()
        outputs = None
        for _ in range(batch):
            outputs = call(state, query)
        if timer is not None:
            timer.stop()
        backend.ready(outputs)
        backend.synchronize()
        taken = time.perf_counter_ns() - began if timer is None else timer.elapsed_ns()
        fastest = min(fastest, max(1, taken) / batch)
    return 1e9 / fastest
