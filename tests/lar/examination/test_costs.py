"""A floor of nothing, one that does not grow and one that honest kernels would beat are refused."""

import dataclasses
from collections.abc import Callable

import pytest
from tests.lar.examination.conftest import failures

from lar import figures
from lar.ceilings import Ceilings
from lar.contracts import Case, Cost, Target
from lar.datasets import Datasets
from lar.examination import Grade, costs
from lar.examination.report import Notes
from lar.examination.rooms import Timing

LIMITS = Ceilings("made up", 1, ((1 << 10, 1e9),), ((1 << 10, 1e9),), {"f32": 1e9, "u8": 1e9})
COSTS: dict[str, tuple[str, str, Callable[[Case], Cost]]] = {
    "nothing": ("positive", "0 bytes, expected some", lambda case: Cost(0, {})),
    "unknown": ("positive", "have no rate", lambda case: Cost(1 << 20, {"f64": 1})),
    "constant": ("grows", "work times 1 for", lambda case: Cost(1 << 30, {})),
    "too few bytes": ("outputs written", "the outputs alone are", lambda case: Cost(case.shape["n"] // 1_000, {})),
    "too many bytes": ("no byte twice", "would be called a cheat", lambda case: Cost(100 * case.shape["n"], {})),
    "too many operations": (
        "below the clock",
        "and the floor says",
        lambda case: Cost(4 * case.shape["n"], {"f32": 10_000 * case.shape["n"]}),
    ),
}


@pytest.mark.parametrize("fault", COSTS)
def test_faults_of_the_cost_model(fault: str, template: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "limits_of", lambda *words: LIMITS)
    what, said, cost = COSTS[fault]
    workload = template.workloads(0, "small", (1,))[0]
    timings = [("portable", Timing(workload, 1e5))]
    notes = Notes()
    costs.examine(dataclasses.replace(template, cost=cost), Datasets(template), timings, notes)
    assert said in failures(notes)[what]
    whole = Notes()
    costs.examine(template, Datasets(template), timings, whole)
    assert not whole.failed


def test_a_floor_just_above_the_clock_is_a_warning(template: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "limits_of", lambda *words: LIMITS)
    workload = template.workloads(0, "small", (1,))[0]
    limit = template.cost(workload).bytes  # nanoseconds, at 1 GB/s
    notes = Notes()
    costs.examine(template, Datasets(template), [("portable", Timing(workload, limit / 1.5))], notes)
    assert [one.what for one in notes.findings if one.grade is Grade.WARNING] == ["near the clock"]
    assert not notes.failed
