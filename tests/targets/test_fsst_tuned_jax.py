"""`fsst`'s JAX kernel: right on every kind of page, on the CPU's loop and in the form for other devices."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import Case

jax = pytest.importorskip("jax", reason="jax is not installed")
Host = npt.NDArray[Any]
TARGET = catalog.target("fsst")
KERNEL: Any = catalog.load_kernel("fsst", catalog.kernel_path("fsst", "tuned", "jax"))
BATTERY = TARGET.battery(0)
KINDS = list(dict.fromkeys(case.distribution for case in BATTERY))


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


def hold(case: Case, *, compiled: bool = True) -> None:
    data = TARGET.data(case)
    state = KERNEL.prepare(jax.numpy, {name: jax.numpy.asarray(array) for name, array in data.items()}, **case.statics)
    run = functools.partial(KERNEL.run, jax.numpy, **case.statics)
    run = jax.jit(run) if compiled else run
    for query in TARGET.queries(case, data, 5, 2):
        before = {name: array.copy() for name, array in query.items()}
        outputs = run(state, {name: jax.numpy.asarray(array) for name, array in query.items()})
        truth = TARGET.reference(case, data, query)
        verdict = oracle.judge(truth, TARGET.outputs(case), tuple(map(np.asarray, outputs)), case.name)
        assert verdict.passed, verdict.failure
        assert all((query[name] == before[name]).all() for name in query)


@pytest.mark.parametrize("kind", KINDS)
def test_right_on_every_distribution(kind: str) -> None:
    hold(next(case for case in BATTERY if case.distribution == kind))


@pytest.mark.parametrize("name", [case.name for case in BATTERY if case.shape["capacity"] < 2_000])
def test_right_on_small_pages(name: str) -> None:
    hold(next(case for case in BATTERY if case.name == name))


def test_it_runs_uncompiled() -> None:
    hold(next(case for case in BATTERY if case.distribution == "runs"), compiled=False)


def test_other_devices_get_the_portable_form() -> None:
    """It takes the same state, so that which of the two is compiled may be decided as late as XLA likes."""
    case = next(case for case in BATTERY if case.distribution == "mixed")
    data = TARGET.data(case)
    (query,) = ({n: jax.numpy.asarray(a) for n, a in one.items()} for one in TARGET.queries(case, data, 5, 1))
    state = KERNEL.prepare(jax.numpy, {n: jax.numpy.asarray(a) for n, a in data.items()}, **case.statics)
    one = KERNEL.portable.run(jax.numpy, state, query, **case.statics)
    other = KERNEL._in_turn(state, query, **case.statics)
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_what_lies_behind_the_last_string_moves_nothing() -> None:
    """Of many codes behind it the CPU's loop would count their bytes until the count is negative."""
    data = {"symbols": np.full((1, 8), 65, np.uint8), "lengths": np.full(1, 8, np.uint8)}
    codes = np.concatenate([np.zeros(3), np.full(7, 255), np.zeros(500)]).astype(np.uint8)
    query = {"codes": jax.numpy.asarray(codes), "offsets": jax.numpy.asarray(np.array([0, 1, 3], np.int32))}
    state = KERNEL.prepare(jax.numpy, {n: jax.numpy.asarray(a) for n, a in data.items()}, capacity=40)
    text, ends = KERNEL.run(jax.numpy, state, query, capacity=40)
    assert np.asarray(text).tobytes() == (b"A" * 24).ljust(40, b"\0")
    assert np.asarray(ends).tolist() == [0, 8, 24]
