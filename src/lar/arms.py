"""The arms of a trial at work: laid out, compiled, and sent to take turns in pairs of fresh processes."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from lar import bench, gate, locks, snapshots, soundness
from lar.bench import Request, Seen, Watcher
from lar.contracts import Arm, Evidence
from lar.datasets import Datasets
from lar.launch import Launch, apart
from lar.pairing import BLOCK_NS, ArmFailedError, Pairs
from lar.priming import Prime
from lar.snapshots import Snapshot
from lar.supervisor import KernelFailedError


@dataclass(frozen=True)
class Plan:
    """How much a stage measures.

    Attributes
    ----------
    pairs, rounds : int
        Pairs of processes, and blocks of each workload in a pair.
    least : int
        Pairs after which a stage may end early, once its candidate cannot be kept any more; as many as `pairs` for one
        that may still be kept for having fewer lines.
    block_ns : int
        How long a block lasts, about.
    """

    pairs: int
    rounds: int
    least: int
    block_ns: int = BLOCK_NS


@dataclass
class Arms:
    """The kernels that take turns, and what they need to do so.

    Attributes
    ----------
    request : Request
        Target, backend, device, workloads, threads.
    datasets : Datasets
        Of the target.
    root : Path
        A folder of this trial's own.
    deadline : float
        `time.monotonic` at which the budget is spent.
    kernels : mapping of Arm to Snapshot
    tell : callable
        Is told what is going on.
    seen : Seen
        What was seen of the candidate.
    pairs : int
        Pairs run, all stages together.
    """

    request: Request
    datasets: Datasets
    root: Path
    deadline: float
    kernels: Mapping[Arm, Snapshot]
    tell: Watcher = lambda *_: None
    seen: Seen = field(default_factory=Seen)
    pairs: int = 0

    def prime(self, starter: Executor, arms: Sequence[Arm]) -> None:
        """Compile the kernels, one worker each at the same time; hold the candidate's answers against its battery.

        Raises
        ------
        ArmFailedError
            If a kernel gave a wrong answer, or none.
        """
        battery, workloads = bench.cases_of(self.request, self.datasets)
        for case in (*battery, *workloads):
            self.datasets.data(case)  # built once, here, and not by several threads at the same time
        if not arms:
            return
        jobs = {}
        for arm, launch in apart({arm: self.launch(arm) for arm in arms}).items():
            ours = arm is Arm.CANDIDATE
            seen = self.seen if ours else Seen()
            prime = Prime(launch, self.datasets, battery if ours else [], workloads, seen)
            progress = (lambda done, of: self.tell("checking", done, of)) if ours else (lambda *_: None)
            jobs[arm] = starter.submit(prime.run, progress)
        failed: list[ArmFailedError] = []
        for arm, job in jobs.items():
            error = job.exception()
            if isinstance(error, KernelFailedError):
                failed.append(ArmFailedError(arm, error))
            elif error is not None:
                raise error
        if failed:
            raise failed[0]

    def stage(
        self, starter: Executor, name: str, arms: Sequence[Arm], plan: Plan, datasets: Datasets | None = None
    ) -> Evidence:
        """Measure pairs until there are as many as planned, or the candidate cannot be kept any more.

        Parameters
        ----------
        starter : Executor
            Its threads start the workers, which end with them.
        name : str
            Of the stage: the first one's samples give the candidate's own figures.
        arms : sequence of Arm
        plan : Plan
        datasets : Datasets or None
            Other data sets than those of the arms.
        """
        _, workloads = bench.cases_of(self.request, self.datasets)
        launches = {arm: self.launch(arm) for arm in arms}
        pairs = Pairs(launches, datasets or self.datasets, workloads, starter, plan.rounds, plan.block_ns)
        left = max(0.0, self.deadline - time.monotonic())
        device = self.seen.device or "cpu"
        with locks.device_lock(device, left, doing=name, tell=lambda line: self.tell(line, 0, 1)):
            while pairs.count < plan.pairs:
                pairs.add(self._progress(f"{name}, pair {pairs.count + 1} of {plan.pairs}"))
                if pairs.count < plan.pairs and self._told(pairs, plan):
                    break
        self.pairs += pairs.count
        if not self.seen.sessions:
            self.seen.sessions = pairs.tracks[Arm.CANDIDATE]
        self.seen.isolation |= pairs.isolation
        self.seen.max_abs_err = max(self.seen.max_abs_err or 0.0, pairs.max_abs_err[Arm.CANDIDATE])
        self.seen.rss = max(self.seen.rss, pairs.rss[Arm.CANDIDATE])
        return pairs.evidence()

    @staticmethod
    def _told(pairs: Pairs, plan: Plan) -> bool:
        """Say whether further pairs can change nothing: too many blocks are lost, or the candidate cannot be kept."""
        evidence = pairs.evidence()
        lost = pairs.count >= gate.RULES.least_pairs and soundness.lost(evidence, plan.pairs, gate.RULES)
        return lost or (pairs.count >= plan.least and gate.hopeless(evidence))

    def _progress(self, what: str) -> Callable[[int, int], None]:
        return lambda done, of: self.tell(what, done, of)

    def launch(self, arm: Arm) -> Launch:
        """Lay an arm's kernel out, and return how a worker for it is started."""
        snapshot, target = self.kernels[arm], self.request.target
        place = f"arm{list(Arm).index(arm)}"  # as long for every arm: a worker's heap begins behind its paths
        mounted = snapshots.lay_out(snapshot, target, self.root / place)
        cache = self.root / "compiled" / place
        cache.mkdir(parents=True, exist_ok=True)
        path = snapshots.kernel_in(mounted, snapshot, target)
        return replace(bench.launch_of(self.request, path, cache, self.deadline), roots=(mounted,))
