"""What the sessions gathered, as figures: a time, its interval and its share of the limit for every workload."""

from collections.abc import Sequence

import numpy as np

from lar import ceilings, probe, stats
from lar.ceilings import Ceilings
from lar.contracts import Failure, Interval, Target, WorkloadResult
from lar.errors import UnavailableError
from lar.timing import Track

PHYSICS_MARGIN = 0.5
"""A time below this share of the measured floor is a cheat. Memory ceilings move by up to 50 % from run to run."""

_CEILINGS_TIMEOUT_S = 180.0


def results(
    target: Target, sessions: Sequence[Sequence[Track]], device: str, limits: Ceilings | None
) -> tuple[WorkloadResult, ...]:
    """Return one result a workload, from the tracks of all sessions."""
    return tuple(_result(target, tracks, device, limits) for tracks in zip(*sessions, strict=True))


def _result(target: Target, tracks: Sequence[Track], device: str, limits: Ceilings | None) -> WorkloadResult:
    case = tracks[0].case
    samples = [judged(track, device) for track in tracks]
    interval = stats.median_interval(samples)
    cost = target.cost(case)
    written = sum(spec.nbytes for spec in target.outputs(case))
    limit = ceilings.limit_ns(cost, limits, cost.bytes, written) / case.operations if limits else None
    return WorkloadResult(
        name=case.name,
        shape=dict(case.shape),
        distribution=case.distribution,
        nq=case.operations,
        n=int(case.shape.get("N", case.operations)),
        ns=interval.value,
        ci90_ns=(interval.low, interval.high),
        samples=sum(len(one) for one in samples),
        discarded=sum(track.discarded for track in tracks),
        calls=sum(track.timed_calls for track in tracks),
        cpu_ns=_median([track.cpu for track in tracks]) if device == "cpu" else None,
        device_ns=_median([track.device for track in tracks]),
        latency_ns=_median([track.latency for track in tracks]),
        limit_ns=limit,
        percent_of_limit=100.0 * limit / interval.value if limit else None,
        recorded=case.recorded,
    )


def geomean(sessions: Sequence[Sequence[Track]], device: str) -> Interval:
    """Return the geometric mean over generated workloads of nanoseconds per operation, with its interval."""
    workloads = (tracks for tracks in zip(*sessions, strict=True) if not tracks[0].case.recorded)
    return stats.geomean_interval(
        {tracks[0].case.name: [judged(track, device) for track in tracks] for tracks in workloads}
    )


def judged(track: Track, device: str) -> list[float]:
    """Return the samples a workload is judged by: wall time on a CPU, else queued device time or latency."""
    if device == "cpu":
        return track.wall
    return track.device if track.case.operations > 1 else track.latency


def limits_of(backend: str, device: str, threads: int, *, refresh: bool = False) -> Ceilings | None:
    """Return the ceilings of a device, measured first where they are not known; None where they cannot be."""
    if device == "cpu":
        return ceilings.ceilings("cpu", threads, refresh=refresh)
    try:
        return ceilings.ceilings(device)
    except UnavailableError:
        probe.probe(backend, _CEILINGS_TIMEOUT_S, with_ceilings=True)
    try:
        return ceilings.ceilings(device)
    except UnavailableError:
        return None


def faster_than_physics(found: Sequence[WorkloadResult]) -> Failure | None:
    """Return a failure if a workload took less time than this machine can do its work in."""
    for one in found:
        if one.limit_ns is not None and one.ns < PHYSICS_MARGIN * one.limit_ns:
            message = (
                f"{one.ns:.0f} ns where this machine needs at least {one.limit_ns:.0f} ns to move the bytes: "
                "the work was not done on the clock"
            )
            return Failure("forged", message, one.name, got=one.ns, expected=one.limit_ns)
    return None


def _median(sessions: list[list[float]]) -> float | None:
    values = [value for one in sessions for value in one]
    return float(np.median(values)) if values else None
