"""One session: one worker's life in front of the clock, and every timed output checked.

A batch makes its calls on queries that nothing has seen before, all different. Off the clock, every output is held
against the target's audit (what each returned value says about itself), and a random call in full against the
float64 reference: always one per workload and session, then as many as keep the time spent checking below that spent
timing.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lar import clock
from lar.channel import LATENCY, THROUGHPUT
from lar.clock import Reading, StopRule
from lar.contracts import Case, Status, Verdict
from lar.datasets import Datasets
from lar.questions import Questions
from lar.supervisor import KernelFailedError, WorkerProcess

_RANDOM = random.SystemRandom()  # the order of workloads is nobody's to foresee
_SPOT_CHECKS = 0.25


@dataclass
class Track:
    """What one session gathered on one workload; times are nanoseconds per operation, one per kept batch."""

    case: Case
    calls: int = 1
    slots: int = 1
    first_call_ns: int = 0
    timed_calls: int = 0
    discarded: int = 0
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    device: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    timed_ns: int = 0
    checked_ns: int = 0
    checked_in_full: int = 0


@dataclass(frozen=True)
class Taken:
    """The readings of one sample: on a device also that of its other clock (see `Session.clocks`)."""

    first: Reading
    second: Reading | None = None


class Session:
    """Times all workloads in one worker.

    Parameters
    ----------
    worker : WorkerProcess
        Open, with no data set loaded.
    datasets : Datasets
        Of the target.
    cases : sequence of Case
        The workloads.
    threads : int
        Cores the worker may use.
    batch_ns : int
        How long a batch lasts, about.
    thorough : bool
        Whether to check at least one call of every workload in full, and as many more as take no longer than timing.
        Of many sessions that time the same kernel on the same workloads one is enough; the others check one workload
        of four, at random.
    """

    def __init__(
        self,
        worker: WorkerProcess,
        datasets: Datasets,
        cases: Sequence[Case],
        threads: int,
        batch_ns: int = clock.BATCH_NS,
        *,
        thorough: bool = True,
    ) -> None:
        self.worker = worker
        self.datasets = datasets
        self.threads = threads
        self.batch_ns = batch_ns
        self.thorough = thorough
        self.on_device = worker.device != "cpu"
        self.tracks = [Track(case) for case in cases]
        self.prepare_ns: list[int] = []
        self.max_abs_err = 0.0

    def prepare(self, sized: Sequence[Track], progress: Callable[[int, int], None]) -> None:
        """Load every data set, make every first call, size the batches and warm up.

        Parameters
        ----------
        sized : sequence of Track
            The tracks of an earlier session, whose batch sizes are taken over; empty for the first one.
        progress : callable
            ``(done, of)`` workloads.
        """
        self.load()
        for number, track in enumerate(self.tracks):
            progress(number, len(self.tracks))
            self.warm(track, sized[number].calls if sized else None)

    def load(self) -> None:
        """Load every data set and have it prepared."""
        for track in self.tracks:
            if not self.worker.has(track.case):
                self.prepare_ns.append(self.worker.load(track.case, self.datasets.data(track.case)))

    def warm(self, track: Track, calls: int | None) -> None:
        """Take up a workload, check its first call, size its batches (unless `calls` says how many) and warm up."""
        case = track.case
        one = Questions(self.datasets, case, 1)
        specs = self.datasets.target.outputs(case)
        track.slots = self.worker.open_case(case, one.queries[0], specs, clock.MAX_CALLS)
        self.worker.stage(case, one.queries)
        track.first_call_ns = self.worker.run(case, 0, 1).wall_ns
        self._verify(track, one)
        staged = 0

        def batch(count: int) -> Reading:
            nonlocal staged
            if count > staged:
                self.worker.stage(case, Questions(self.datasets, case, count).queries)
                staged = count
            return self.worker.run(case, 0, count, self.clocks(track)[0])

        track.calls = calls or clock.calls_per_batch(batch, track.slots, self.batch_ns)
        # Where the size is known from another session, what is left to warm up is this process: two batches.
        steady = clock.warm_up(batch, track.calls, most=2 if calls else clock.WINDOWS)
        if not calls and steady.wall_ns < self.batch_ns // 4:  # its first calls were slow: it is sized for those
            track.calls = clock.calls_per_batch(batch, track.slots, self.batch_ns)
            steady = clock.warm_up(batch, track.calls)
        track.first_call_ns -= min(track.first_call_ns, steady.wall_ns // steady.calls)

    def rounds(self, rule: StopRule, progress: Callable[[int, int], None]) -> None:
        """Take one batch of every workload in random order, until the rule has enough."""
        rule.start()
        number = 0
        while not rule.finished():
            progress(number, rule.most)
            number += 1
            order = _RANDOM.sample(self.tracks, len(self.tracks))
            rule.add({track.case.name: value for track in order if (value := self._sample(track)) is not None})
        self.worker.judge_claims()

    def _sample(self, track: Track) -> float | None:
        asked = [Questions(self.datasets, track.case, track.calls) for _ in self.clocks(track)]
        taken = self.take(track, asked)
        if self.pre_empted(taken) and track.discarded <= len(track.wall):
            track.discarded += 1
            return None
        return self.record(track, taken)

    def clocks(self, track: Track) -> tuple[int, ...]:
        """Return the ways a workload is timed, the one that judges it first.

        Throughput workloads of a device are judged by its own events, all else by what the caller waits for. A device
        is timed both ways, each on queries of its own: asked again, a kernel could remember.
        """
        if not self.on_device:
            return (LATENCY,)
        return (THROUGHPUT, LATENCY) if track.case.operations > 1 else (LATENCY, THROUGHPUT)

    def take(self, track: Track, asked: Sequence[Questions]) -> Taken:
        """Time one batch of ``track.calls`` calls for each way of `clocks`, and check every output."""
        readings = []
        for questions, mode in zip(asked, self.clocks(track), strict=True):
            self.worker.stage(track.case, questions.queries[: track.calls])
            reading = self.worker.run(track.case, 0, track.calls, mode)
            self._verify(track, questions, reading)
            overtime = self.worker.overtime_ns(track.case) if self.threads == 1 and not self.on_device else 0
            readings.append(replace(reading, overtime_ns=overtime))
        return Taken(*readings)

    def pre_empted(self, taken: Taken) -> bool:
        """Say whether another process had the core during a sample."""
        return taken.first.pre_empted(self.threads)

    def record(self, track: Track, taken: Taken) -> float:
        """Keep a sample; return the figure that judges, in nanoseconds per operation."""
        reading, operations = taken.first, track.calls * track.case.operations
        track.timed_calls += track.calls
        track.wall.append((reading.own_ns if self.threads == 1 else reading.wall_ns) / operations)
        track.cpu.append((reading.cpu_ns + reading.overtime_ns) / operations)
        if taken.second is None:
            return track.wall[-1]
        throughput = self.clocks(track)[0] == THROUGHPUT
        queued, waited = (reading, taken.second) if throughput else (taken.second, reading)
        track.device.append((queued.device_ns or queued.wall_ns) / operations)
        track.latency.append(waited.wall_ns / operations)
        return track.device[-1] if throughput else track.latency[-1]

    def _verify(self, track: Track, asked: Questions, reading: Reading | None = None) -> None:
        began = time.perf_counter_ns()
        outputs = self.worker.gather(track.case)
        self._hold(asked.audit(outputs))
        track.timed_ns += reading.wall_ns if reading else 0
        if reading and self._in_full(track):
            self._hold(asked.check_one(outputs))
            track.checked_in_full += 1
        track.checked_ns += time.perf_counter_ns() - began

    def _in_full(self, track: Track) -> bool:
        if not self.thorough:
            return _RANDOM.random() < _SPOT_CHECKS
        return track.checked_in_full == 0 or track.checked_ns < track.timed_ns

    def _hold(self, verdict: Verdict) -> None:
        if verdict.failure is not None:
            raise KernelFailedError(Status.INCORRECT, verdict.failure)
        self.max_abs_err = max(self.max_abs_err, verdict.max_abs_err)
