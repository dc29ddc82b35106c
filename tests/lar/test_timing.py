"""A session's rounds: samples per operation, fresh inputs for every call, every output checked, device figures."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.workers import launch, write_kernel

import lar.targets
from lar import catalog, figures
from lar.clock import StopRule
from lar.contracts import Case, Status
from lar.datasets import Datasets
from lar.supervisor import KernelFailedError, WorkerProcess
from lar.timing import Session

GUESTS = Path(__file__).parents[1] / "guests"
PORTABLE = (GUESTS / "axpy" / "portable.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    before = list(lar.targets.__path__)
    catalog.mount([GUESTS])
    yield
    lar.targets.__path__[:] = before


def session(worker: WorkerProcess, datasets: Datasets, *, on_device: bool = False, operations: int = 1) -> Session:
    cases = [dataclasses.replace(case, operations=operations) for case in datasets.target.workloads(0, "small", (1,))]
    found = Session(worker, datasets, cases, threads=1)
    found.on_device = on_device
    found.prepare([], lambda *_: None)
    return found


def rounds(found: Session, most: int = 3) -> None:
    found.rounds(StopRule(least=most, most=most, width=0.0, seconds=60.0), lambda *_: None)


def worker_of(tmp_path: Path, source: str) -> WorkerProcess:
    return WorkerProcess(dataclasses.replace(launch(write_kernel(tmp_path, source), tmp_path), target="axpy"))


def test_every_call_of_every_batch_has_an_input_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = Datasets(catalog.target("axpy"))
    with worker_of(tmp_path, PORTABLE) as worker:
        found = session(worker, datasets)
        staged: list[bytes] = []
        stage = worker.stage

        def remember(case: Case, queries: list[object]) -> None:
            staged.extend(np.asarray(query).tobytes() for query in queries)
            stage(case, queries)

        monkeypatch.setattr(worker, "stage", remember)
        rounds(found)
    timed = sum(track.calls for track in found.tracks) * 3
    assert len(staged) == len(set(staged)) == timed


def test_samples_are_per_operation(tmp_path: Path) -> None:
    datasets = Datasets(catalog.target("axpy"))
    with worker_of(
        tmp_path, PORTABLE.replace("    return (query", "    import time; time.sleep(0.001)\n    return (query")
    ) as worker:
        one, eight = session(worker, datasets), session(worker, datasets, operations=8)
        rounds(one)
        rounds(eight)
    # Asleep, its CPU clock stands still: such a sample counts as pre-empted, and no more than half may be thrown away.
    assert all(track.discarded <= len(track.wall) + 1 for track in one.tracks)
    wall = np.median(one.tracks[0].wall)
    assert wall > 1e6
    assert np.median(eight.tracks[0].wall) == pytest.approx(wall / 8, rel=0.5)


def test_a_later_session_takes_over_the_batch_sizes(tmp_path: Path) -> None:
    datasets = Datasets(catalog.target("axpy"))
    with worker_of(tmp_path, PORTABLE) as worker:
        first = session(worker, datasets)
    with worker_of(tmp_path, PORTABLE) as worker:
        second = Session(worker, datasets, [track.case for track in first.tracks], threads=1)
        second.prepare(first.tracks, lambda *_: None)
    assert [t.calls for t in second.tracks] == [t.calls for t in first.tracks]
    assert all(track.calls > 1 for track in first.tracks)


def test_a_device_has_queued_time_and_latency_and_is_judged_by_the_one_that_fits(tmp_path: Path) -> None:
    """NumPy in the place of a device: it has no events, so queued time is wall time, and both figures are there."""
    datasets = Datasets(catalog.target("axpy"))
    with worker_of(tmp_path, PORTABLE) as worker:
        single, many = (
            session(worker, datasets, on_device=True),
            session(worker, datasets, on_device=True, operations=32),
        )
        rounds(single)
        rounds(many)
    for track in (*single.tracks, *many.tracks):
        assert len(track.device) == len(track.latency) == len(track.wall)
        assert all(value > 0 for value in (*track.device, *track.latency))
    assert figures.judged(single.tracks[0], "cuda:0") is single.tracks[0].latency
    assert figures.judged(many.tracks[0], "cuda:0") is many.tracks[0].device
    assert figures.judged(many.tracks[0], "cpu") is many.tracks[0].wall
    found = figures.results(datasets.target, [single.tracks, single.tracks], "cuda:0", None)
    assert found[0].cpu_ns is None
    assert found[0].latency_ns == pytest.approx(found[0].ns)
    assert found[0].device_ns is not None


def test_a_kernel_wrong_in_the_queue_only_is_refused(tmp_path: Path) -> None:
    source = "CALLS = [0]\n" + PORTABLE.replace(
        "    return (query", "    CALLS[0] += 1\n    if CALLS[0] > 100_000: query = query + 1\n    return (query"
    )
    datasets = Datasets(catalog.target("axpy"))
    with worker_of(tmp_path, source) as worker:
        found = session(worker, datasets, on_device=True)
        with pytest.raises(KernelFailedError) as caught:
            rounds(found, 40)
    assert caught.value.status is Status.INCORRECT
