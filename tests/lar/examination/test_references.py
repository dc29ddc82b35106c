"""References and audits that change their inputs, forget, contradict each other or accept too much are found out."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tests.lar.examination.conftest import failures

from lar.contracts import Bounded, Case, Data, Query, Target
from lar.examination import references
from lar.examination.exhibits import Exhibit
from lar.examination.report import Notes


def _mutating(target: Target) -> dict[str, Any]:
    def reference(case: Case, data: Data, query: Query) -> Any:
        truth: Any = target.reference(case, data, query)
        data["values"][:1] = 0.0
        return truth

    return {"reference": reference}


def _forgetful(target: Target) -> dict[str, Any]:
    asked = itertools.count()

    def reference(case: Case, data: Data, query: Query) -> Any:
        truth: Any = target.reference(case, data, query)
        return dataclasses.replace(truth, values=(truth.values[0] + next(asked),))

    return {"reference": reference}


def _audit(change: Callable[[Bounded], dict[str, Any]]) -> Callable[[Target], dict[str, Any]]:
    def plant(target: Target) -> dict[str, Any]:
        def audit(case: Case, data: Data, queries: Sequence[Query]) -> Any:
            truth: Any = target.audit(case, data, queries)
            return dataclasses.replace(truth, **change(truth))

        return {"audit": audit}

    return plant


REFERENCES: dict[str, tuple[str, str, Callable[[Target], dict[str, Any]]]] = {
    "mutates": ("inputs", "the reference changes the inputs", _mutating),
    "impure": ("pure", "something else the second time", _forgetful),
    "accepts anything": (
        "audit refuses",
        "it accepts zeros",
        _audit(lambda truth: {"magnitudes": (np.full(truth.values[0].shape, 1e15),)}),
    ),
    "other values": (
        "audit agrees",
        "by more than the tolerance",
        _audit(lambda truth: {"values": (truth.values[0] * 1.01,)}),
    ),
    "wrong shape": (
        "audit accepts",
        "contradicts itself",
        _audit(lambda truth: {"values": (truth.values[0][:1],)}),
    ),
}


@pytest.mark.parametrize("fault", REFERENCES)
def test_faults_of_the_references(fault: str, template: Target, exhibits: Sequence[Exhibit]) -> None:
    what, said, plant = REFERENCES[fault]
    notes = Notes()
    references.examine(dataclasses.replace(template, **plant(template)), exhibits, notes)
    assert said in failures(notes)[what]
    whole = Notes()
    references.examine(template, exhibits, whole)
    assert not whole.failed
