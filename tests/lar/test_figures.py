"""Tracks of several sessions become figures; a time that beats the machine is found."""

import dataclasses

import pytest

from lar import catalog, figures
from lar.ceilings import Ceilings
from lar.contracts import Target
from lar.timing import Track

LIMITS = Ceilings("made up", 1, ((1, 1e9),), ((1, 1e9),), {"f32": 1e12, "u8": 1e12})  # a byte a nanosecond


@pytest.fixture
def target() -> Target:
    return catalog.target("pq-l2")


def sessions(target: Target, nq: int = 1, ns: float = 1e6) -> list[list[Track]]:
    (case, *_) = target.workloads(0, "small", (nq,))

    def track(factor: float) -> Track:
        walls = [ns * factor * (1 + 0.01 * i) for i in range(5)]
        return Track(case, calls=10, timed_calls=50, discarded=1, wall=walls, cpu=[0.9 * w for w in walls])

    return [[track(1.0)], [track(1.02)], [track(0.98)]]


def test_a_result_is_the_median_with_an_interval_over_processes(target: Target) -> None:
    (one,) = figures.results(target, sessions(target), "cpu", LIMITS)
    assert one.ns == pytest.approx(1.02e6, rel=0.01)
    assert one.ci90_ns[0] < one.ns < one.ci90_ns[1]
    assert (one.samples, one.discarded, one.calls) == (15, 3, 150)
    assert one.cpu_ns == pytest.approx(0.9 * one.ns, rel=0.01)
    assert (one.device_ns, one.latency_ns) == (None, None)


def test_the_limit_is_that_of_one_operation(target: Target) -> None:
    (single,) = figures.results(target, sessions(target, 1), "cpu", LIMITS)
    (batch,) = figures.results(target, sessions(target, 32), "cpu", LIMITS)
    cost = target.cost(target.workloads(0, "small", (1,))[0])
    assert single.limit_ns == pytest.approx(cost.bytes)
    assert single.percent_of_limit == pytest.approx(100 * cost.bytes / single.ns)
    assert batch.limit_ns is not None
    assert batch.limit_ns < cost.bytes / 16  # the codes are read once for all queries


def test_without_ceilings_there_is_no_limit(target: Target) -> None:
    (one,) = figures.results(target, sessions(target), "cpu", None)
    assert (one.limit_ns, one.percent_of_limit) == (None, None)
    assert figures.faster_than_physics([one]) is None


def test_only_a_time_well_below_the_floor_is_impossible(target: Target) -> None:
    (one,) = figures.results(target, sessions(target), "cpu", LIMITS)
    assert one.limit_ns is not None
    assert figures.faster_than_physics([dataclasses.replace(one, ns=0.6 * one.limit_ns)]) is None
    failure = figures.faster_than_physics([one, dataclasses.replace(one, name="bad", ns=0.4 * one.limit_ns)])
    assert failure is not None
    assert (failure.kind, failure.case) == ("forged", "bad")


def test_the_geometric_mean_is_over_workloads(target: Target) -> None:
    fast, slow = sessions(target, 1, 1e5), sessions(target, 32, 1e7)
    both = [[*a, *b] for a, b in zip(fast, slow, strict=True)]
    assert figures.geomean(both, "cpu").value == pytest.approx(1.02e6, rel=0.01)
