"""Every mutant is refused on every backend, for a reason that fits it; every honest variant passes.

NumPy runs every variant on every case. The other backends run a mutant on the cases that refused it there, the cheapest
first, until one does; and an honest variant on the cheapest shape and on the one with the most distributions: a
compiling backend compiles once a shape.
"""

import functools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conformance.conftest import EVERYWHERE, marked, marks_of, opened
from tests.mutants import matrix
from tests.mutants.calibration import by_distribution
from tests.mutants.matrix import Court
from tests.mutants.variants import Variant

from lar import catalog
from lar.oracle import MARGIN

TARGETS = [target for target in catalog.target_names() if matrix.has_mutants(target)]


def _cells(variants: Any) -> Iterator[object]:
    for backend in matrix.BACKENDS:
        for target in TARGETS:
            marks = marks_of(target, backend) if target == EVERYWHERE else [pytest.mark.slow]
            for variant in variants(target):
                yield pytest.param(target, backend, variant, id=f"{target}-{backend}-{variant.name}", marks=marks)


@functools.cache
def _court(target: str, backend: str) -> Court:
    return Court(target, opened(backend))


def _cost(court: Court, number: int) -> int:
    return math.prod(court.exams[number].case.shape.values())


@functools.cache
def _refused_on_numpy(target: str, name: str) -> dict[int, str]:
    """Return the cases that refuse a mutant on NumPy, the cheapest first, with the kind of failure."""
    court = _court(target, "numpy")
    variant = next(v for v in matrix.mutants(target) if v.name == name)
    verdicts = dict(enumerate(court.verdicts(variant)))
    refused = {number: verdict.failure.kind for number, verdict in verdicts.items() if verdict.failure}
    return {number: refused[number] for number in sorted(refused, key=lambda n: _cost(court, n))}


def _few(court: Court) -> list[int]:
    shapes: dict[str, list[int]] = {}
    for number in sorted(range(len(court.exams)), key=lambda n: _cost(court, n)):
        shapes.setdefault(repr(court.exams[number].case.shape), []).append(number)
    groups = list(shapes.values())
    return sorted({*groups[0], *max(groups, key=len)})


@pytest.mark.parametrize(("target", "backend", "mutant"), list(_cells(matrix.mutants)))
def test_a_mutant_is_refused(target: str, backend: str, mutant: Variant) -> None:
    court = _court(target, backend)
    reason = court.cannot_run(mutant)
    if reason:
        pytest.skip(reason)
    refused = _refused_on_numpy(target, mutant.name)
    assert refused, "no case of the battery refuses it"
    assert set(refused.values()) <= mutant.kinds
    if backend != "numpy":
        failures = (court.verdict(mutant, number).failure for number in refused)
        failure = next(filter(None, failures), None)
        assert failure is not None, "refused on NumPy, and not here"
        assert failure.kind in mutant.kinds, failure


@pytest.mark.parametrize(("target", "backend", "variant"), list(_cells(matrix.honest)))
def test_an_honest_variant_passes(target: str, backend: str, variant: Variant) -> None:
    court = _court(target, backend)
    reason = court.cannot_run(variant)
    if reason:
        pytest.skip(reason)
    for number in range(len(court.exams)) if backend == "numpy" else _few(court):
        verdict = court.verdict(variant, number)
        assert verdict.passed, verdict.failure


@pytest.mark.parametrize("target", [marked(target) for target in TARGETS if matrix.low_precision(target)])
def test_the_margin_lies_a_factor_of_three_from_honest_rounding_and_from_low_precision(target: str) -> None:
    court = _court(target, "numpy")
    kept = [errors for v in matrix.honest(target) if v.kernel and (errors := by_distribution(court, v))]
    assert max(max(errors.values()) for errors in kept) < MARGIN / 3
    # Where magnitudes are below the smallest that counts, low precision is good enough, and meant to be.
    counted = [name for name, error in kept[0].items() if error > 0.01]
    assert len(counted) >= 5
    for variant in matrix.low_precision(target):
        errors = by_distribution(court, variant)
        assert errors is not None
        assert min(errors[name] for name in counted) > 3 * MARGIN, variant.name


@pytest.mark.parametrize("target", TARGETS)
def test_the_names_tell_variants_apart(target: str) -> None:
    names = [variant.name for variant in [*matrix.mutants(target), *matrix.honest(target)]]
    assert len(set(names)) == len(names)
    assert all(variant.kinds for variant in matrix.mutants(target))
    assert not any(variant.kinds for variant in matrix.honest(target))


def test_the_command_prints_a_cell_for_every_variant_and_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["pq-l2", "--backend", "numpy"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(lines) == 1 + len(matrix.mutants("pq-l2")) + len(matrix.honest("pq-l2"))
    assert sum("| passed |" in line for line in lines) == len(matrix.honest("pq-l2"))


def test_the_command_ends_with_1_when_a_mutant_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "mutants", lambda target: [Variant("none at all", kinds=frozenset({"value"}))])
    monkeypatch.setattr(matrix, "honest", lambda target: [])
    assert matrix.main(["pq-l2", "--backend", "numpy"]) == 1
