"""Every target x every backend that works here x every kernel of it: the whole battery agrees with the reference."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.conftest import marked, marks_of, opened

from lar import catalog, ops, oracle
from lar.contracts import Backend, Case, Data, Query, Target, Truth
from lar.trees import leaves, tree_map

Asked = list[tuple[Query, Truth]]


def _kernels() -> Iterator[object]:
    for target in catalog.target_names():
        home = catalog.folder(target)
        for backend in sorted(catalog.backend_names()):
            marks = marks_of(target, backend)
            yield pytest.param(target, backend, home / "portable.py", id=f"{target}-{backend}-portable", marks=marks)
            if (home / "tuned" / f"{backend}.py").is_file():
                path = home / "tuned" / f"{backend}.py"
                yield pytest.param(target, backend, path, id=f"{target}-{backend}-tuned", marks=marks)


@functools.cache
def _inputs(target: str, number: int) -> tuple[Case, Data, Asked]:
    this = catalog.target(target)
    case = this.battery(0)[number]
    data = this.data(case)
    this.check(case, data)
    queries = this.queries(case, data, case.seed, 2)
    return case, data, [(query, this.reference(case, data, query)) for query in queries]


def _agrees(backend: Backend, target: Target, path: Path, number: int, *, eager: bool = False) -> None:
    case, data, asked = _inputs(target.name, number)
    kernel = catalog.load_kernel(target.name, path)
    statics = dict(case.statics)
    state = kernel.prepare(backend.xp, tree_map(backend.put, data), **statics)
    assert all(backend.native(leaf) for leaf in leaves(state)), "a state holds arrays and nothing else"
    compiled = functools.partial(kernel.run, backend.xp, **statics) if eager else backend.compile(kernel.run, statics)
    for query, truth in asked:
        outputs = backend.ready(compiled(state, tree_map(backend.put, query)))
        assert all(backend.native(one) for one in outputs)
        verdict = oracle.judge(truth, target.outputs(case), tuple(map(backend.get, outputs)), case.name)
        assert verdict.passed, verdict.failure


@pytest.mark.parametrize(("target", "backend", "path"), list(_kernels()))
def test_a_kernel_agrees_with_the_reference_on_the_whole_battery(target: str, backend: str, path: Path) -> None:
    adapter, this = opened(backend), catalog.target(target)
    for number in range(len(this.battery(0))):
        _agrees(adapter, this, path, number)


@pytest.mark.parametrize("target", [marked(target) for target in catalog.target_names()])
def test_the_portable_kernel_agrees_without_compiling_on_jax(target: str) -> None:
    adapter, this = opened("jax"), catalog.target(target)
    numbers = _one_of_each_shape(this)
    for number in numbers:
        _agrees(adapter, this, catalog.folder(target) / "portable.py", number, eager=True)


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
@pytest.mark.parametrize("target", [marked(target) for target in catalog.target_names()])
def test_the_portable_kernel_agrees_on_standard_fallbacks_alone(target: str, backend: str) -> None:
    adapter, this = opened(backend), catalog.target(target)
    with ops.standard_only():
        for number in _one_of_each_shape(this):
            _agrees(adapter, this, catalog.folder(target) / "portable.py", number)


@pytest.mark.parametrize("target", catalog.target_names())
def test_a_targets_parts_fit_together(target: str) -> None:
    this = catalog.target(target)
    battery = this.battery(0)
    assert len({case.name for case in battery}) == len(battery)
    assert len({case.distribution for case in battery}) >= 5
    for scale in ("small", "standard", "large"):
        cases = this.workloads(0, scale, (1,))
        assert len({case.distribution for case in cases}) >= 3
        assert len({case.data_key.split("/")[1] for case in cases}) >= 3
        for case in cases:
            cost = this.cost(case)
            assert cost.bytes > 0
            assert all(count >= 0 for count in cost.operations.values())
    case, data, asked = _inputs(target, 0)
    again = this.queries(case, data, case.seed, 2)
    pinned = [query for query, _ in asked]
    assert all((a == b).all() for a, b in zip(leaves(again), leaves(pinned), strict=True)), "pinned queries are pinned"
    other = this.queries(case, data, case.seed + 1, 2)
    assert any((a != b).any() for a, b in zip(leaves(other), leaves(pinned), strict=True)), "a seed makes a difference"
    hidden = this.disguise(case, data, 12345)
    this.check(case, hidden)
    assert any((hidden[name] != data[name]).any() for name in data), "a disguise changes the data"
    case = next(c for c in battery if c.seed == 0)
    assert this.battery(1)[0].data_key != case.data_key


def _one_of_each_shape(target: Target) -> list[int]:
    found: dict[str, int] = {}
    for number, case in enumerate(target.battery(0)):
        found.setdefault(repr(sorted(case.shape.items())), number)
    return list(found.values())
