"""The first worker of each arm: a candidate is checked in it, and all that can be compiled once is compiled.

It runs before anything is timed, one worker for each arm at the same time, so that the pairs that follow start with
what the compiler has left in the arm's own cache.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lar import checking
from lar.bench import Seen
from lar.contracts import Case
from lar.datasets import Datasets
from lar.launch import Launch
from lar.supervisor import WorkerProcess
from lar.timing import Session


@dataclass
class Prime:
    """How to prime one arm.

    Attributes
    ----------
    launch : Launch
    datasets : Datasets
    battery : sequence of Case
        What the kernel is held against first; empty for one that was kept before.
    workloads : sequence of Case
    seen : Seen
        Is told what was seen, also where it ends early.
    """

    launch: Launch
    datasets: Datasets
    battery: Sequence[Case]
    workloads: Sequence[Case]
    seen: Seen

    def run(self, progress: Callable[[int, int], None] = lambda *_: None) -> None:
        """Check and compile.

        Raises
        ------
        KernelFailedError
            If the kernel gives a wrong answer, or none.
        """
        seen = self.seen
        with WorkerProcess(self.launch) as worker:
            seen.device, seen.isolation, seen.libraries = worker.device, worker.isolation, dict(worker.about["about"])
            if self.battery:
                checked = checking.check(worker, self.datasets, list(self.battery), progress)
                seen.cases, seen.max_abs_err = checked.cases, checked.max_abs_err
                seen.first_result_ns = checked.first_result_ns
            session = Session(worker, self.datasets, self.workloads, self.launch.threads)
            session.load()
            for track in session.tracks:
                session.warm(track, 1)
            seen.prepare_ns = max(session.prepare_ns)
            seen.rss = worker.rss_peak()
            seen.device_peak = worker.device_peak()
            seen.first_calls_ns = sum(track.first_call_ns for track in session.tracks)
