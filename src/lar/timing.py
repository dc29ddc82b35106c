"""One session: one worker's life in front of the clock. Rounds over all workloads, every timed output checked.

A batch makes its calls on queries that nothing has seen before, all different. Off the clock, every output is held
against the target's audit (what each returned value says about itself), and a random call in full against the
float64 reference: always one per workload and session, then as many as keep the time spent checking below that spent
timing.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lar import clock, oracle
from lar.channel import LATENCY, THROUGHPUT
from lar.clock import Reading, StopRule
from lar.contracts import Case, Failure, Status
from lar.datasets import Datasets, secret_seed
from lar.supervisor import KernelFailedError, WorkerProcess, stack

_RANDOM = random.SystemRandom()  # the order of workloads and the calls checked in full are nobody's to foresee


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
    """

    def __init__(self, worker: WorkerProcess, datasets: Datasets, cases: Sequence[Case], threads: int) -> None:
        self.worker = worker
        self.datasets = datasets
        self.threads = threads
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
        for number, track in enumerate(self.tracks):
            progress(number, len(self.tracks))
            case = track.case
            if not self.worker.has(case):
                self.prepare_ns.append(self.worker.load(case, self.datasets.data(case)))
            example = self._queries(track, 1)
            track.slots = self.worker.open_case(case, example[0], self.datasets.target.outputs(case), clock.MAX_CALLS)
            self.worker.stage(case, example)
            track.first_call_ns = self.worker.run(case, 0, 1).wall_ns
            self._verify(track, example)
            staged = 0

            def batch(calls: int, track: Track = track) -> Reading:
                nonlocal staged
                if calls > staged:
                    self.worker.stage(track.case, self._queries(track, calls))
                    staged = calls
                return self.worker.run(track.case, 0, calls, self._mode(track))

            track.calls = sized[number].calls if sized else clock.calls_per_batch(batch, track.slots)
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

    def _sample(self, track: Track) -> float | None:
        queries = self._queries(track, track.calls)
        self.worker.stage(track.case, queries)
        reading = self.worker.run(track.case, 0, track.calls, self._mode(track))
        self._verify(track, queries, reading)
        if reading.pre_empted(self.threads) and track.discarded <= len(track.wall):
            track.discarded += 1
            return None
        operations = track.calls * track.case.operations
        track.timed_calls += track.calls
        track.wall.append((reading.own_ns if self.threads == 1 else reading.wall_ns) / operations)
        track.cpu.append(reading.cpu_ns / operations)
        if self.on_device:
            self._device_sample(track, queries, reading)
            return track.device[-1] if self._mode(track) == THROUGHPUT else track.latency[-1]
        return track.wall[-1]

    def _device_sample(self, track: Track, queries: list[object], reading: Reading) -> None:
        """Take the other of the two figures a device has: queued device time, and call to materialised result."""
        other = LATENCY if self._mode(track) == THROUGHPUT else THROUGHPUT
        self.worker.stage(track.case, queries)
        second = self.worker.run(track.case, 0, track.calls, other)
        self._verify(track, queries, second)
        queued, waited = (reading, second) if other == LATENCY else (second, reading)
        operations = track.calls * track.case.operations
        track.device.append((queued.device_ns or queued.wall_ns) / operations)
        track.latency.append(waited.wall_ns / operations)

    def _mode(self, track: Track) -> int:
        """Throughput workloads of a device are judged by its own events, all else by what the caller waits for."""
        return THROUGHPUT if self.on_device and track.case.operations > 1 else LATENCY

    def _queries(self, track: Track, count: int) -> list[object]:
        target, case = self.datasets.target, track.case
        return target.queries(case, self.datasets.data(case), secret_seed(), count)

    def _verify(self, track: Track, queries: list[object], reading: Reading | None = None) -> None:
        began = time.perf_counter_ns()
        target, case = self.datasets.target, track.case
        data, specs = self.datasets.data(case), target.outputs(case)
        outputs = self.worker.gather(case)
        stacked = stack(outputs)
        many = oracle.stacked(specs, len(outputs))
        verdict = oracle.judge(target.audit(case, data, queries), many, stacked, case.name)
        self._raise_if_wrong(verdict.failure)
        self.max_abs_err = max(self.max_abs_err, verdict.max_abs_err)
        track.timed_ns += reading.wall_ns if reading else 0
        if reading and (track.checked_in_full == 0 or track.checked_ns < track.timed_ns):
            pick = _RANDOM.randrange(len(outputs))
            truth = target.reference(case, data, queries[pick])
            verdict = oracle.judge(truth, specs, outputs[pick], case.name)
            self._raise_if_wrong(verdict.failure)
            self.max_abs_err = max(self.max_abs_err, verdict.max_abs_err)
            track.checked_in_full += 1
        track.checked_ns += time.perf_counter_ns() - began

    @staticmethod
    def _raise_if_wrong(failure: Failure | None) -> None:
        if failure is not None:
            raise KernelFailedError(Status.INCORRECT, failure)
