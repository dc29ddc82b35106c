"""What the tests of targets' sizes share: bytes, cases along one size, recorded workloads from arrays to an outcome."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import bench, recorded
from lar.bench import Request
from lar.commands import measuring
from lar.contracts import Case, Outcome, Status, Target
from lar.errors import BadInputError
from lar.trees import leaves

Host = npt.NDArray[Any]
Arrays = Mapping[str, Host]


def built_bytes(target: Target, case: Case) -> int:
    """Return the bytes of a data set, by building it."""
    return sum(leaf.nbytes for leaf in leaves(dict(target.data(case))))


def each_data_set(cases: Sequence[Case]) -> list[Case]:
    """Return one case for every data set."""
    return list({case.data_key: case for case in cases}.values())


def hold_growth(
    target: Target, stated: Mapping[str, float], derived: Sequence[str] = (), most: int = 4 << 20
) -> dict[str, tuple[Case, ...]]:
    """Hold a target to growing in one size at a time, of all else only what is `derived` from it; return the cases."""
    assert target.growth is not None
    assert target.data_bytes is not None
    along = target.growth(5, most)
    assert {size: one.exponent for size, one in along.items()} == stated
    for size, one in along.items():
        sizes = [case.shape[size] for case in one.cases]
        assert len(sizes) >= 3
        assert sizes == sorted(set(sizes))
        first = one.cases[0]
        for case in one.cases:
            assert target.data_bytes(case) <= most
            assert case.seed == 5
            assert case.distribution == first.distribution
            for name in case.shape.keys() - {size, *derived}:
                assert case.shape[name] == first.shape[name], f"{name} grows along {size}"
    total = sum(len(one.cases) for one in along.values())
    assert sum(len(one.cases) for one in target.growth(5, most // 16).values()) < total
    assert sum(len(one.cases) for one in target.growth(5, most * 64).values()) > total
    assert target.growth(5, 0) == {}
    return {size: one.cases for size, one in along.items()}


def refused(target: Target, arrays: Arrays, statics: Mapping[str, Any]) -> str:
    """Return why arrays are not recorded, in one line."""
    with pytest.raises(BadInputError) as caught:
        recorded.record(target, "mine", arrays, statics)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix("recorded/mine: ")


def captured(target: Target, arrays: Arrays, statics: Mapping[str, Any], folder: Path) -> recorded.Recording:
    """Make a workload of arrays as `lar capture` does, and read it as `lar bench` does."""
    np.savez(folder / "mine.npz", **arrays)  # type: ignore[arg-type]  # the stub takes a name of its own for any keyword
    words = [f"{name}={value}" for name, value in statics.items()]
    measuring.capture(target.name, [folder / "mine.npz"], words, "mine", folder / "workload.npz", [])
    found = recorded.read(folder / "workload.npz", target)
    assert found.case.recorded
    assert found.case.name == "recorded/mine"
    assert dict(found.case.statics) == dict(statics)
    return found


def measured(
    target: Target, one: recorded.Recording, kernel: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    """Check and time a kernel on a recorded workload, with one case of the battery and one generated workload."""
    monkeypatch.setenv("LAR_CACHE", str(folder / "cache"))
    monkeypatch.setattr("lar.figures.limits_of", lambda *_, **__: None)  # measuring the machine has its own tests
    few = dataclasses.replace(
        target,
        battery=lambda seed: target.battery(seed)[-1:],
        workloads=lambda seed, scale, nq: target.workloads(seed, scale, nq)[:1],
    )
    words: dict[str, Any] = {"kernel": kernel, "scale": "small", "nq": (1,), "mode": "quick"}
    request = Request(target.name, "numpy", "numpy", **words)
    outcome = bench.measure(request, recorded.WithRecordings(few, [one]))
    assert (outcome.status, outcome.failure) == (Status.OK, None)
    generated, found = outcome.workloads
    assert (found.name, found.recorded, generated.recorded) == ("recorded/mine", True, False)
    assert found.ns > 0
    return outcome
