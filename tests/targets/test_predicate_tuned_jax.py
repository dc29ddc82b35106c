"""`predicate`'s JAX kernel: right for every form, at every size at which a byte or its loop ends."""

import functools
from typing import Any

import numpy as np
import pytest

from lar import catalog, oracle
from lar.contracts import Case, Data, HostArray, Query

jax = pytest.importorskip("jax", reason="jax is not installed")
TARGET = catalog.target("predicate")
KERNEL: Any = catalog.load_kernel("predicate", catalog.kernel_path("predicate", "tuned", "jax"))
BATTERY = {case.name: case for case in TARGET.battery(0)}


@pytest.fixture(autouse=True)
def strict_promotion() -> Any:
    with jax.numpy_dtype_promotion("strict"):
        yield


@functools.cache
def _compiled(predicate: str) -> Any:
    return jax.jit(functools.partial(KERNEL.run, jax.numpy, predicate=predicate))


def _on_device(tree: Any) -> Any:
    return {name: jax.numpy.asarray(array) for name, array in tree.items()}


def _run(case: Case, data: Data, query: Query) -> tuple[HostArray, ...]:
    state = KERNEL.prepare(jax.numpy, _on_device(data), **case.statics)
    return tuple(np.asarray(part) for part in _compiled(str(case.statics["predicate"]))(state, _on_device(query)))


def _judge(case: Case) -> None:
    data = TARGET.data(case)
    for query in TARGET.queries(case, data, 5, 2):
        truth = TARGET.reference(case, data, query)
        verdict = oracle.judge(truth, TARGET.outputs(case), _run(case, data, query), case.name)
        assert verdict.passed, verdict.failure


@pytest.mark.parametrize("n", [1, 7, 8, 65, 127])
def test_any_number_of_rows(n: int) -> None:
    _judge(next(case for case in BATTERY.values() if case.shape["n"] == n and case.distribution == "random"))


@pytest.mark.parametrize("form", ["f32-gt+i32-le", "i64-ge", "u8-in-k256", "u16-in-k10000", "i32-in8", "i64-null"])
def test_every_form_on_every_arrangement(form: str) -> None:
    cases = [case for name, case in BATTERY.items() if f"/{form}/n4099/" in name]
    assert len(cases) >= 5
    for case in cases:
        _judge(case)


@pytest.mark.parametrize("operator", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_floats_at_the_ends_of_their_range_and_nan(operator: str) -> None:
    cases = [case for name, case in BATTERY.items() if name.startswith("limits") and f"/f32-{operator}/" in name]
    assert len(cases) == 4
    for case in cases:
        _judge(case)


def test_it_runs_uncompiled_and_leaves_its_inputs_alone() -> None:
    case = next(case for name, case in BATTERY.items() if "/u8-in+i64-lt" in name)
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    state = KERNEL.prepare(jax.numpy, _on_device(data), **case.statics)
    before = {name: np.array(part) for name, part in state.items()}
    outputs = KERNEL.run(jax.numpy, state, _on_device(query), **case.statics)
    for got, compiled in zip(outputs, _run(case, data, query), strict=True):
        np.testing.assert_array_equal(np.asarray(got), compiled)
    assert all(np.array_equal(part, before[name], equal_nan=True) for name, part in state.items())


def test_the_way_of_other_devices_finds_the_same_ids() -> None:
    rng = np.random.default_rng(2)
    ways = [jax.jit(way, static_argnames="n") for way in (KERNEL._ids_by_bytes, KERNEL._ids_by_bits)]
    for n in (9, 300):
        mask = jax.numpy.asarray(np.packbits(rng.random(n) < 0.4, bitorder="little"))
        one, other = (function(mask, n=n) for function in ways)
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
