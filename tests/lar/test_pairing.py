"""Arms that take turns: same questions, same cores, equal counts, disturbed blocks thrown away with their partners."""

import dataclasses
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.contests import guest, kernel, request

import lar.targets
from lar import bench, catalog, child, timing
from lar.arms import Arms
from lar.contracts import Arm, Status
from lar.datasets import Datasets, Disguised
from lar.pairing import ArmFailedError, Pairs
from lar.snapshots import Snapshot
from lar.supervisor import WorkerProcess


@pytest.fixture(autouse=True)
def _mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    before = list(lar.targets.__path__)
    guest(tmp_path)
    yield
    lar.targets.__path__[:] = before


@pytest.fixture
def starter() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=2) as found:
        yield found


def pairs_of(tmp_path: Path, starter: ThreadPoolExecutor, sources: dict[Arm, str], **facts: object) -> Pairs:
    datasets = Datasets(catalog.target("axpy"))
    launches = {}
    for arm, source in sources.items():
        path, cache = tmp_path / f"{arm}.py", tmp_path / f"{arm}-compiled"
        path.write_text(source)
        cache.mkdir()
        launches[arm] = bench.launch_of(request(), path, cache, time.monotonic() + 100)
    cases = datasets.target.workloads(0, "small", (1,))
    return Pairs(launches, datasets, cases, starter, rounds=2, block_ns=1_000_000, **facts)  # type: ignore[arg-type]


BOTH = {Arm.CANDIDATE: kernel(), Arm.CHAMPION: kernel(times=2)}


def test_every_arm_has_the_same_pairs_and_blocks_by_both_clocks(tmp_path: Path, starter: ThreadPoolExecutor) -> None:
    pairs = pairs_of(tmp_path, starter, BOTH)
    pairs.add()
    pairs.add()
    found = pairs.evidence()
    assert pairs.count == 2
    for times in (found.times, found.other):
        assert set(times) == set(BOTH)
        for arm in BOTH:
            assert set(times[arm]) == {case.name for case in pairs.cases}
            assert all([len(blocks) for blocks in one] == [2, 2] for one in times[arm].values())
    assert found.blocks == 2 * 2 * len(pairs.cases) + found.discarded


def test_a_third_arm_takes_its_turn_too(tmp_path: Path, starter: ThreadPoolExecutor) -> None:
    pairs = pairs_of(tmp_path, starter, {**BOTH, Arm.BASELINE: kernel(times=3)})
    pairs.add()
    assert set(pairs.evidence().times) == set(Arm)


def test_arms_run_on_the_same_cores(
    tmp_path: Path, starter: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned: list[frozenset[int]] = []
    pin = WorkerProcess.pin

    def remember(self: WorkerProcess, cores: Collection[int]) -> None:
        pinned.append(frozenset(cores))
        pin(self, cores)

    monkeypatch.setattr(WorkerProcess, "pin", remember)
    pairs_of(tmp_path, starter, BOTH).add()
    assert len(set(pinned[-2:])) == 1
    assert len(pinned[-1]) == 1


def test_the_arms_of_a_pair_begin_alike_and_every_pair_elsewhere(
    tmp_path: Path, starter: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[list[int]] = []
    start: Any = child.Child._start

    def noted(self: child.Child, *arguments: Any) -> Any:
        process = start(self, *arguments)
        words.append([len(word) for word in process.args])
        return process

    monkeypatch.setattr(child.Child, "_start", noted)
    pairs = pairs_of(tmp_path, starter, {Arm.CANDIDATE: kernel(), Arm.CHAMPION: kernel()})
    fillers = []
    for _ in range(6):
        pairs.add()
        ours, theirs = words[-2:]
        assert ours[-1] == theirs[-1]
        fillers.append(ours[-1])
    assert len(set(fillers)) > 1, "a filler that never changes is one arm's luck in all pairs"


def test_the_arms_of_a_trial_have_paths_of_equal_length(tmp_path: Path) -> None:
    datasets = Datasets(catalog.target("axpy"))
    kernels = {arm: Snapshot("tuned/numpy", {"numpy.py": kernel().encode()}) for arm in Arm}
    arms = Arms(request(), datasets, tmp_path / "trial", time.monotonic() + 100, kernels)
    launches = [arms.launch(arm) for arm in Arm]
    assert len({launch.kernel for launch in launches}) == len(launches)
    assert len({len(str(launch.kernel)) for launch in launches}) == 1
    assert len({len(str(launch.compile_cache)) for launch in launches}) == 1


def test_a_disturbed_block_goes_with_its_partners(
    tmp_path: Path, starter: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, *[False] * 100])
    monkeypatch.setattr(timing.Session, "pre_empted", lambda *_: next(answers))
    pairs = pairs_of(tmp_path, starter, BOTH)
    pairs.add()
    found = pairs.evidence()
    assert (found.blocks, found.discarded) == (5, 1)
    assert all(len(one[0]) == 2 for arm in BOTH for one in found.times[arm].values())


def test_a_machine_that_never_rests_is_told_by_the_count(
    tmp_path: Path, starter: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing.Session, "pre_empted", lambda *_: True)
    pairs = pairs_of(tmp_path, starter, BOTH)
    pairs.add()
    found = pairs.evidence()
    assert found.discarded == 3 * (found.blocks - found.discarded)


@pytest.mark.parametrize("arm", list(BOTH))
def test_the_arm_that_fails_is_named(tmp_path: Path, starter: ThreadPoolExecutor, arm: Arm) -> None:
    pairs = pairs_of(tmp_path, starter, {**BOTH, arm: kernel(factor=3)})
    with pytest.raises(ArmFailedError) as told:
        pairs.add()
    assert told.value.arm is arm
    assert told.value.error.status is Status.INCORRECT


def test_an_arm_that_does_not_start_leaves_none_behind(tmp_path: Path, starter: ThreadPoolExecutor) -> None:
    started = []
    pairs = pairs_of(tmp_path, starter, {**BOTH, Arm.CHAMPION: "raise ValueError('no')\n"})
    start = child.Child.__init__

    def remember(self: child.Child, *words: object) -> None:
        start(self, *words)  # type: ignore[arg-type]
        started.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child.Child, "__init__", remember)
        with pytest.raises(ArmFailedError, match="no"):
            pairs.add()
    assert len(started) == 2
    assert all(one.process.poll() is not None for one in started)


def test_a_disguise_is_secret_valid_and_the_same_for_all_arms() -> None:
    known = Datasets(catalog.target("axpy"))
    one, other = Disguised(known), Disguised(known)
    case = next(iter(known.target.workloads(0, "small", (1,))))
    assert one.data(case) is one.data(case)
    assert (one.data(case)["b"] != known.data(case)["b"]).any()
    assert (one.data(case)["b"] != other.data(case)["b"]).any()
    assert sorted(one.data(case)["b"]) == sorted(known.data(case)["b"])


def test_questions_are_shared_and_fresh_for_every_block(
    tmp_path: Path, starter: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    take = timing.Session.take

    def remember(self: timing.Session, track: timing.Track, questions: list[object]) -> timing.Taken:
        asked.append(id(questions[0]))
        kept.append(questions[0])
        return take(self, track, questions)  # type: ignore[arg-type]

    kept: list[object] = []  # so that no number is given out twice
    monkeypatch.setattr(timing.Session, "take", remember)
    pairs_of(tmp_path, starter, BOTH).add()
    assert asked[0::2] == asked[1::2]
    assert len(set(asked)) == len(asked) / 2


def test_a_launch_may_name_a_kernel_anywhere(tmp_path: Path, starter: ThreadPoolExecutor) -> None:
    pairs = pairs_of(tmp_path, starter, BOTH)
    moved = {arm: dataclasses.replace(launch, roots=()) for arm, launch in pairs.launches.items()}
    dataclasses.replace(pairs, launches=moved).add()
