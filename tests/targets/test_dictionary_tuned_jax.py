"""The JAX kernel of `dictionary`: right at every size, compiled or not, and safe where a code is no entry's."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import Case, Data

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
TARGET = catalog.target("dictionary")
KERNEL: Any = catalog.load_kernel("dictionary", catalog.kernel_path("dictionary", "tuned", "jax"))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def decode(case: Case, data: Data, query: Any, *, compiled: bool = True) -> tuple[Host, ...]:
    put = functools.partial(jax.tree.map, jax.numpy.asarray)
    state = KERNEL.prepare(jax.numpy, put(dict(data)), **case.statics)
    run = functools.partial(KERNEL.run, jax.numpy, **case.statics)
    return tuple(map(np.asarray, (jax.jit(run) if compiled else run)(state, put(query))))


def fixed(n: int, code: int, K: int, width: int) -> Case:
    sizes = {"n": n, "K": K, "code": code, "W": width}
    return Case("test", "null-heavy", sizes, 5, {"kind": "fixed", "capacity": 0}, n, "test")


def strings(n: int, K: int, longest: int, capacity: int) -> Case:
    sizes = {"n": n, "K": K, "code": 2, "longest": longest}
    return Case("test", "null-heavy", sizes, 5, {"kind": "utf8", "capacity": capacity}, n, "test")


def right(case: Case, *, compiled: bool = True) -> None:
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 3, 1)
    outputs = decode(case, data, query, compiled=compiled)
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs)
    assert verdict.passed, verdict.failure


@pytest.mark.parametrize("n", [1, 8, 33, 1_030])
@pytest.mark.parametrize(("code", "K"), [(1, 1), (1, 256), (2, 300), (4, 70_000)])
def test_values_at_every_size(n: int, code: int, K: int) -> None:
    for width in (1, 2, 3):
        right(fixed(n, code, K, width))


@pytest.mark.parametrize("capacity", [1, 100, 5_000])
@pytest.mark.parametrize("n", [1, 33, 500])
def test_strings_that_fit_and_that_do_not(n: int, capacity: int) -> None:
    for longest in (1, 24, 400):
        right(strings(n, 50, longest, capacity))


def test_strings_on_another_device_than_a_cpu_are_the_same() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 300, 60).astype(np.int32) * rng.integers(0, 2, 60).astype(np.int32)
    starts = rng.integers(0, 700, 60).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    octets = np.pad(rng.integers(1, 256, 1_000), (0, 128)).astype(np.uint8)
    arrays = tuple(map(jax.numpy.asarray, (octets, starts, lengths, ends)))
    joined = b"".join(octets[at : at + length].tobytes() for at, length in zip(starts, lengths, strict=True))
    for capacity in (1, 130, len(joined) - 1, len(joined), len(joined) + 200):
        for found in (KERNEL._by_strings, KERNEL._by_bytes):
            assert np.asarray(found(*arrays, capacity=capacity)).tobytes() == joined[:capacity].ljust(capacity, b"\0")


def test_it_runs_uncompiled() -> None:
    right(fixed(100, 1, 20, 2), compiled=False)
    right(strings(100, 50, 24, 700), compiled=False)


@pytest.mark.parametrize("width", [1, 2])
def test_a_code_that_is_no_entrys_reads_nothing_outside_the_dictionary(width: int) -> None:
    """JAX cannot raise: such a code is answered by some entry or by zeros, the other codes as ever."""
    case = fixed(6, 4, 50, width)
    values = TARGET.data(case)["values"]
    codes = np.array([3, 50, 2**31 - 1, 2**31, 2**32 - 1, 7], np.uint32)
    (found,) = decode(case, {"values": values}, {"codes": codes, "validity": np.array([255], np.uint8)})
    np.testing.assert_array_equal(found[[0, 5]], values[[3, 7]])
    known = {row.tobytes() for row in (*values, np.zeros_like(values[0]))}
    assert {row.tobytes() for row in found} <= known
