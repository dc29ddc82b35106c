"""Measuring this CPU: figures in the order that hardware has them, and out of reach of ordinary code."""

import ctypes
import mmap
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from lar import ceilings_cpu
from lar.ceilings import Ceilings
from lar.ceilings_cpu import measure_cpu

KIB, MIB = 1 << 10, 1 << 20
SMALL, MIDDLE, LARGE = 16 * KIB, 512 * KIB, 128 * MIB


@pytest.fixture(scope="module")
def limits() -> Ceilings:
    return measure_cpu("this", 1, (SMALL, MIDDLE, LARGE))


def test_the_first_cache_is_faster_than_memory(limits: Ceilings) -> None:
    assert [size for size, _ in limits.reads] == [size for size, _ in limits.traffic] == [SMALL, MIDDLE, LARGE]
    reads, traffic = dict(limits.reads), dict(limits.traffic)
    assert reads[SMALL] > 1.3 * reads[LARGE]
    assert traffic[SMALL] > 1.3 * traffic[LARGE]


def test_bytes_are_cheaper_than_floats(limits: Ceilings) -> None:
    assert limits.rates["u8"] > limits.rates["f32"] > 0


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(20):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.parametrize("size", [MIDDLE, LARGE])
def test_numpy_does_not_beat_them(limits: Ceilings, size: int) -> None:
    half, copied, whole = np.ones(size // 16, np.uint64), np.ones(size // 16, np.uint64), np.ones(size // 8, np.uint64)
    # A margin, and a second and third measurement, for what else the machine does now and did not do before, or the
    # other way round. A ceiling that misses a way of access is too low each time.
    margin = 1.5
    for _ in range(3):
        moved = size / _fastest(lambda: np.copyto(copied, half))
        read = size / min(_fastest(lambda: np.bitwise_xor.reduce(whole)), _fastest(whole.max))
        if moved < margin * limits.bandwidth(size) and read < margin * limits.read_bandwidth(size):
            return
        limits = limits.raised(measure_cpu("this", 1, (size,)))
    pytest.fail(f"NumPy copies {moved:.3g} and reads {read:.3g} bytes/s where {limits} was measured")


def test_numpy_multiplies_no_faster(limits: Ceilings) -> None:
    side = 64  # below the size at which a BLAS starts threads
    matrix = np.ones((side, side), np.float32)
    assert 2 * side**3 / _fastest(lambda: matrix @ matrix) < 1.5 * limits.rates["f32"]


def test_threads_have_memory_of_their_own() -> None:
    limits = measure_cpu("this", 2, (SMALL,))
    assert limits.threads == 2
    assert [size for size, _ in limits.reads] == [2 * SMALL]


def _used(others: ceilings_cpu._Others, *readings: tuple[float, float, float]) -> float:
    """Return the share after two readings of (everybody's, own, all) seconds."""
    others._start = readings[0]
    others._used = lambda: readings[1]  # type: ignore[method-assign]  # what the system would say later
    return others.share()


@pytest.mark.parametrize(
    ("later", "share"),
    [((14.0, 5.0, 110.0), 0.0), ((16.0, 3.0, 110.0), 0.4), ((10.5, 2.0, 110.0), 0.0), ((10.0, 1.0, 100.0), 0.0)],
)
def test_others_are_everybody_but_this_process(later: tuple[float, float, float], share: float) -> None:
    assert _used(ceilings_cpu._Others(), (10.0, 1.0, 100.0), later) == pytest.approx(share)


def test_a_busy_neighbour_is_noticed() -> None:
    others = ceilings_cpu._Others()
    busy = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.5: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    cores = psutil.cpu_count() or 1
    assert others.share() > 0.1 / cores


def test_a_busy_machine_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for share, quiet in ((0.0, True), (0.5, False)):
        monkeypatch.setattr(ceilings_cpu._Others, "share", lambda _, share=share: share)
        assert measure_cpu("this", 1, (SMALL,)).quiet is quiet


def test_memory_is_written_to_before_it_is_read() -> None:
    # Else all of it is the kernel's one page of zeros, and memory looks as fast as a cache.
    memory = mmap.mmap(-1, 4 * MIB)
    address = ceilings_cpu._touched(memory, 2 * MIB)
    assert address % (2 * MIB) == 0
    assert ctypes.string_at(address, 2 * MIB) == b"\1" * (2 * MIB)


def test_sizes_that_memory_does_not_allow_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings_cpu, "_MOST_BYTES", 1 * MIB)
    assert [size for size, _ in measure_cpu("this", 1, (SMALL, MIDDLE, LARGE)).reads] == [SMALL, MIDDLE]
    monkeypatch.setattr(ceilings_cpu, "_MOST_BYTES", 1)
    assert [size for size, _ in measure_cpu("this", 1, (SMALL, MIDDLE, LARGE)).reads] == [SMALL]
