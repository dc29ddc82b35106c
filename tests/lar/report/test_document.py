"""The JSON document: valid against its own schema, and never with NaN in it."""

import dataclasses
import json

import jsonschema
import pytest

from lar.contracts import Failure, Outcome, Status, WorkloadResult
from lar.report import document

ENVIRONMENT = {"python": {"version": "3.11"}, "system": {"os": "Linux"}}


def workload(name: str = "clustered/128x16x256/n20000/k10/q1", ns: float = 20_000.0) -> WorkloadResult:
    return WorkloadResult(
        name=name,
        shape={"dim": 128, "m": 16, "K": 256, "N": 20_000, "nq": 1, "k": 10},
        distribution="clustered",
        nq=1,
        n=20_000,
        ns=ns,
        ci90_ns=(0.99 * ns, 1.01 * ns),
        samples=24,
        discarded=1,
        calls=9_000,
        cpu_ns=0.98 * ns,
        device_ns=None,
        latency_ns=None,
        limit_ns=0.1 * ns,
        percent_of_limit=10.0,
    )


def outcome(**changes: object) -> Outcome:
    good = Outcome(
        target="pq-l2",
        backend="numpy",
        requested_backend="numpy",
        device="cpu",
        kernel="tuned/numpy",
        kernel_hash="0123456789ab",
        workload_hash="ba9876543210",
        harness_version="1",
        status=Status.OK,
        mode="trial",
        scale="standard",
        seed=0,
        threads=1,
        cases_tested=30,
        shapes_tested=("128x16x256",),
        distributions_tested=("clustered",),
        max_abs_err=1e-7,
        geomean_ns=20_000.0,
        ci90_ns=(19_800.0, 20_200.0),
        workloads=(workload(), workload("uniform/128x16x256/n20000/k10/q1", 30_000.0)),
        prepare_ns=1_000_000,
        compile_ns=900_000_000,
        peak_rss_bytes=200 << 20,
        total_s=12.5,
        isolation={"process": "own session"},
        libraries={"numpy": "2.4"},
    )
    return dataclasses.replace(good, **changes)  # type: ignore[arg-type]  # test data by name


BAD = [
    outcome(
        status=Status.INCORRECT,
        geomean_ns=None,
        ci90_ns=None,
        workloads=(),
        failure=Failure("nan", "NaN", "c", (0, 1), got=float("nan"), expected=1.0),
    ),
    outcome(
        status=Status.UNAVAILABLE,
        cases_tested=0,
        geomean_ns=None,
        ci90_ns=None,
        workloads=(),
        max_abs_err=None,
        failure=Failure("missing", "no driver"),
    ),
    outcome(
        status=Status.CRASH,
        geomean_ns=None,
        ci90_ns=None,
        workloads=(),
        max_abs_err=float("inf"),
        failure=Failure("signal", "SIGSEGV"),
    ),
]


@pytest.mark.parametrize("one", [outcome(), *BAD], ids=lambda o: o.status.value)
def test_every_kind_of_outcome_is_valid_against_the_schema(one: Outcome) -> None:
    text = document.dumps(document.document([one], ENVIRONMENT))
    jsonschema.Draft202012Validator.check_schema(document.schema())
    jsonschema.validate(json.loads(text), document.schema())


def test_the_schema_refuses_an_ok_outcome_without_a_figure() -> None:
    broken = json.loads(document.dumps(document.document([outcome(geomean_ns=None)], ENVIRONMENT)))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, document.schema())


def test_the_schema_refuses_a_member_it_does_not_know() -> None:
    broken = json.loads(document.dumps(document.document([outcome()], ENVIRONMENT)))
    broken["outcomes"][0]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, document.schema())


def test_worst_and_best_are_named() -> None:
    found = document.document([outcome()], ENVIRONMENT)["outcomes"][0]
    assert found["worst"] == {"workload": "uniform/128x16x256/n20000/k10/q1", "ns": 30_000.0}
    assert found["best"]["ns"] == 20_000.0


def test_no_nan_reaches_the_text() -> None:
    text = document.dumps(document.document(BAD, ENVIRONMENT))
    assert "NaN" not in text.replace('"message": "NaN"', "")
    assert "Infinity" not in text
