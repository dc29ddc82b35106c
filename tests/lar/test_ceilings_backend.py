"""Measuring through an adapter, on adapters that run anywhere."""

import itertools
from typing import Any

import numpy as np
import pytest

from lar import catalog, ceilings_backend, machine
from lar.ceilings import ACCELERATOR
from lar.ceilings_backend import BYTE_LANES, measure_backend
from lar.contracts import Backend

SIZES = (1 << 18, 1 << 22)


@pytest.mark.parametrize("name", ["numpy", "jax", "torch", "cupy"])
def test_measures_through_every_adapter(name: str) -> None:
    adapter = catalog.backend(name)
    reason = adapter.available()
    if reason is not None:
        pytest.skip(reason)
    backend = adapter()
    limits = measure_backend(backend, SIZES, side=128)
    assert limits.device == machine.device_fingerprint(backend.device)
    assert limits.threads == ACCELERATOR
    assert [size for size, _ in limits.traffic] == list(SIZES)
    assert [size for size, _ in limits.reads] == [size // 2 for size in SIZES]
    assert all(speed > 0 for _, speed in limits.reads + limits.traffic)
    assert limits.rates["u8"] == BYTE_LANES * limits.rates["f32"] > 0


class _Ticking:
    """Device events that take a known time each."""

    def __init__(self, ticks: Any) -> None:
        self._ticks = ticks

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def elapsed_ns(self) -> int:
        return int(next(self._ticks))


def _queued(ticks: Any) -> Backend:
    backend = catalog.backend("numpy")()
    backend.asynchronous = True  # type: ignore[misc]  # of this one adapter, to stand in for one with a queue
    backend.timer = lambda: _Ticking(ticks)  # type: ignore[method-assign]  # likewise
    return backend


def test_device_events_are_believed_over_the_wall_and_the_fastest_counts() -> None:
    # 4 pieces of work (copy, add, reduce, multiply), 5 readings each, of 10 calls queued together.
    readings = [[9000, 2000, 9000, 9000, 9000], [8000] * 5, [1000, 9000, 9000, 9000, 9000], [4000] * 5]
    ticks = iter(itertools.chain(*readings))
    limits = measure_backend(_queued(ticks), (1 << 20,), side=64)
    assert dict(limits.traffic) == pytest.approx({1 << 20: (1 << 20) / 200e-9})
    assert dict(limits.reads) == pytest.approx({1 << 19: (1 << 19) / 100e-9})
    assert limits.rates["f32"] == pytest.approx(2 * 64**3 / 400e-9)
    assert list(ticks) == []


def test_the_work_is_the_work_that_is_counted() -> None:
    values = np.arange(12, dtype=np.float32)
    one = np.ones(1, np.float32)
    (copied,) = ceilings_backend._copy(np, values, one)
    assert not np.shares_memory(copied, values)
    np.testing.assert_array_equal(copied, values)
    np.testing.assert_array_equal(ceilings_backend._add(np, values, one)[0], values + 1)
    np.testing.assert_array_equal(ceilings_backend._reduce(np, values, one)[0], [11])
    square = np.ones((3, 3), np.float32)
    np.testing.assert_array_equal(ceilings_backend._multiply(np, square, square)[0], 3 * square)
