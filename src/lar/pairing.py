"""Arms that take turns: fresh processes for each pair, the same questions for all, block by block in random order.

The pair of processes is the sampling unit, since two processes that run the very same code differ by more than the
blocks inside one of them show. Within a pair the arms answer the same fresh queries in short blocks, one arm after the
other on the same cores, the order turned round from one round to the next, so that whatever the machine does at that
moment it does to both. A block that another process disturbed is thrown away with its partners.

Where a process's memory happens to begin within a page makes the very same code up to 1.5 % faster or slower. So the
arms of a pair begin alike, and every pair begins elsewhere: what is left is noise, and not one arm's luck in all pairs.
"""

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from lar import figures
from lar.contracts import Arm, Case, Evidence, Times
from lar.datasets import Datasets
from lar.launch import Launch, apart, drawn_filler, idle_cores
from lar.questions import Questions
from lar.supervisor import KernelFailedError, WorkerProcess
from lar.timing import Session, Track

BLOCK_NS = 3_000_000
"""A block lasts about this long: many short turns follow a drifting machine better than few long ones. The handshake is
in it (2 %), for all arms alike: a gain of 3 % is seen as one of 2.9 %."""

ROUNDS = 2
_RETRIES = 3
_RANDOM = random.SystemRandom()

T = TypeVar("T")


class ArmFailedError(Exception):
    """An arm's kernel failed while the arms took turns; carries the arm and what went wrong."""

    def __init__(self, arm: Arm, error: KernelFailedError) -> None:
        super().__init__(str(error))
        self.arm = arm
        self.error = error


@dataclass
class Pairs:
    """The pairs of one stage of a trial.

    Attributes
    ----------
    launches : mapping of Arm to Launch
        How each arm's worker is started.
    datasets : Datasets
        Of the target.
    cases : sequence of Case
        The workloads.
    starter : Executor
        Starts the workers of a pair at the same time. Its threads must outlive the workers, which end with the thread
        that started them.
    rounds : int
        Blocks of each workload and arm in a pair.
    block_ns : int
        How long a block lasts, about.
    """

    launches: Mapping[Arm, Launch]
    datasets: Datasets
    cases: Sequence[Case]
    starter: Executor
    rounds: int = ROUNDS
    block_ns: int = BLOCK_NS
    tracks: dict[Arm, list[list[Track]]] = field(default_factory=dict)
    blocks: int = 0
    discarded: int = 0
    device: str = ""
    isolation: dict[str, str] = field(default_factory=dict)
    max_abs_err: dict[Arm, float] = field(default_factory=dict)
    rss: dict[Arm, int] = field(default_factory=dict)
    device_peak: dict[Arm, int] = field(default_factory=dict)

    def add(self, progress: Callable[[int, int], None] = lambda *_: None) -> None:
        """Run one more pair in fresh processes.

        Raises
        ------
        ArmFailedError
            If a kernel gave a wrong answer, or none.
        """
        for case in self.cases:
            self.datasets.data(case)  # built once, here, and not by both starting threads at the same time
        with contextlib.ExitStack() as stack:
            sessions = self._started(stack)
            self._pin(sessions)
            before = {arm: done[-1] for arm, done in self.tracks.items()}
            for number in range(len(self.cases)):
                progress(number, len(self.cases) * (1 + self.rounds))
                for arm in _RANDOM.sample(list(sessions), len(sessions)):
                    calls = before[arm][number].calls if before else None
                    self._guarded(arm, sessions[arm].warm, sessions[arm].tracks[number], calls)
            order = _RANDOM.sample(list(sessions), len(sessions))
            for turn in range(self.rounds):
                order = order if turn == 0 else order[::-1]
                for done, number in enumerate(_RANDOM.sample(range(len(self.cases)), len(self.cases))):
                    progress((1 + turn) * len(self.cases) + done, len(self.cases) * (1 + self.rounds))
                    self._block(sessions, number, order)
            self._finish(sessions)

    def evidence(self) -> Evidence:
        """Return what the pairs so far have measured."""
        on_cpu = self.device == "cpu"
        times = {arm: self._times(arm, lambda track: figures.judged(track, self.device)) for arm in self.tracks}
        other = {arm: self._times(arm, lambda track: track.cpu) for arm in self.tracks} if on_cpu else {}
        return Evidence(times, other, self.blocks, self.discarded)

    @property
    def count(self) -> int:
        """Pairs so far."""
        return len(next(iter(self.tracks.values()), []))

    def _times(self, arm: Arm, of: Callable[[Track], list[float]]) -> Times:
        return {
            case.name: [list(of(pair[number])) for pair in self.tracks[arm]] for number, case in enumerate(self.cases)
        }

    def _started(self, stack: contextlib.ExitStack) -> dict[Arm, Session]:
        """Start the workers and load the data sets, all arms at once."""

        def start(launch: Launch) -> Session:
            worker = WorkerProcess(launch)
            stack.callback(worker.close)
            session = Session(worker, self.datasets, self.cases, launch.threads, self.block_ns, thorough=not self.count)
            session.load()
            return session

        filler, arms = drawn_filler(), _RANDOM.sample(list(self.launches), len(self.launches))
        alike = {arm: replace(self.launches[arm], filler=filler) for arm in arms}
        jobs = {arm: self.starter.submit(start, launch) for arm, launch in apart(alike).items()}
        failed: list[ArmFailedError] = []
        sessions: dict[Arm, Session] = {}
        for arm, job in jobs.items():  # every one is waited for, so that the stack closes what was started
            try:
                sessions[arm] = job.result()
            except KernelFailedError as error:
                failed.append(ArmFailedError(arm, error))
        if failed:
            raise failed[0]
        self.device = sessions[Arm.CANDIDATE].worker.device
        self.isolation = dict(sessions[Arm.CANDIDATE].worker.isolation)
        return sessions

    def _pin(self, sessions: Mapping[Arm, Session]) -> None:
        """Put all arms on the same cores: two cores of one machine are not equally fast at the same moment."""
        cores = idle_cores(next(iter(self.launches.values())).threads)
        for session in sessions.values():
            session.worker.pin(cores)

    def _block(self, sessions: Mapping[Arm, Session], number: int, order: Sequence[Arm]) -> None:
        """Take one block of a workload from every arm, again if it was disturbed, at most `_RETRIES` times."""
        for attempt in range(_RETRIES + 1):
            tracks = {arm: sessions[arm].tracks[number] for arm in order}
            most = max(track.calls for track in tracks.values())
            ways = len(sessions[order[0]].clocks(tracks[order[0]]))
            asked = [Questions(self.datasets, self.cases[number], most) for _ in range(ways)]
            taken = {arm: self._guarded(arm, sessions[arm].take, tracks[arm], asked) for arm in order}
            self.blocks += 1
            if attempt == _RETRIES or not any(sessions[arm].pre_empted(taken[arm]) for arm in order):
                for arm in order:
                    sessions[arm].record(tracks[arm], taken[arm])
                return
            self.discarded += 1
            for track in tracks.values():
                track.discarded += 1

    def _finish(self, sessions: Mapping[Arm, Session]) -> None:
        for arm, session in sessions.items():
            self._guarded(arm, session.worker.judge_claims)
            self.tracks.setdefault(arm, []).append(session.tracks)
            self.max_abs_err[arm] = max(self.max_abs_err.get(arm, 0.0), session.max_abs_err)
            self.rss[arm] = max(self.rss.get(arm, 0), self._guarded(arm, session.worker.rss_peak))
            peak = self._guarded(arm, session.worker.device_peak)
            if peak is not None:
                self.device_peak[arm] = max(self.device_peak.get(arm, 0), peak)

    @staticmethod
    def _guarded(arm: Arm, action: Callable[..., T], *arguments: Any) -> T:
        try:
            return action(*arguments)
        except KernelFailedError as error:
            raise ArmFailedError(arm, error) from error
