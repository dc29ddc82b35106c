"""Each fault of a target's contract is told by what it breaks; each is planted in a target that is well made."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tests.lar.examination.conftest import failures, of_contract

from lar.contracts import Case, Data, Target
from lar.examination import Grade


def _drawn(case: Case) -> Data:
    return {"values": np.random.default_rng().random(case.shape["n"]).astype(np.float32)}


def _same_for_all(case: Case) -> Data:
    return {"values": np.ones(case.shape["n"], np.float32)}


def _misshapen(target: Target) -> Any:
    """Return workloads of which one says another shape than its data has."""

    def cases(seed: int, scale: str, nq: Sequence[int]) -> list[Case]:
        found = list(target.workloads(seed, scale, nq))
        return [
            *found,
            dataclasses.replace(found[0], name="normal/other", shape={"n": found[0].shape["n"] + 1, "nq": 1}),
        ]

    return cases


CONTRACT: dict[str, tuple[str, str, Callable[[Target], dict[str, Any]]]] = {
    "random data": ("deterministic", "differs when it is built again", lambda t: {"data": _drawn}),
    "no seed": ("seeds", "data does not depend on the seed", lambda t: {"data": _same_for_all}),
    "one query": (
        "seeds",
        "queries do not depend on the seed",
        lambda t: {"queries": lambda case, data, seed, count: t.queries(case, data, 0, count)},
    ),
    "no disguise": ("disguise", "never changes the data", lambda t: {"disguise": lambda case, data, seed: data}),
    "invalid disguise": (
        "disguise",
        "is not valid",
        lambda t: {"disguise": lambda case, data, seed: {"values": data["values"][1:]}},
    ),
    "wide data": (
        "data",
        "float64, which not every backend has",
        lambda t: {"data": lambda c: {"values": t.data(c)["values"].astype(float)}, "check": lambda case, data: None},
    ),
    "names twice": (
        "cases",
        "two cases are called",
        lambda t: {"battery": lambda seed: [*t.battery(seed), t.battery(seed)[0]]},
    ),
    "statics": (
        "cases",
        "expected hashable",
        lambda t: {"battery": lambda s: [dataclasses.replace(c, statics={"k": [1]}) for c in t.battery(s)]},  # type: ignore[dict-item]  # the fault
    ),
    "shared key": (
        "data keys",
        "share the data_key",
        lambda t: {
            "battery": lambda s: [dataclasses.replace(c, data_key=f"a/{c.shape['n']}/{s}") for c in t.battery(s)]
        },
    ),
    "no texts": ("texts", "TARGET.source is empty", lambda t: {"source": ""}),
    "invalid workloads": ("small workloads", "expected float32", lambda t: {"workloads": _misshapen(t)}),
    "raises": (
        "building normal/n4099/q3",
        "raises ZeroDivisionError",
        lambda t: {"data": lambda case: {"values": np.zeros(1 // 0)}},
    ),
}


@pytest.mark.parametrize("fault", CONTRACT)
def test_faults_of_the_contract(fault: str, template: Target) -> None:
    what, said, plant = CONTRACT[fault]
    notes, found = of_contract(dataclasses.replace(template, **plant(template)))
    assert said in failures(notes)[what]
    assert bool(found) == (fault != "raises")


def test_a_check_that_looks_at_nothing_is_a_warning(template: Target) -> None:
    notes, _ = of_contract(dataclasses.replace(template, check=lambda case, data: None))
    warnings = [one for one in notes.findings if one.grade is Grade.WARNING]
    assert {one.what for one in warnings} == {"check"}
    assert not notes.failed
