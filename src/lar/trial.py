"""Candidate against champion: checked, timed side by side, decided, journaled. Whatever happens is a `Trial`.

1. The candidate's files are read once; the champion's come from the journal. Both run from folders of their own.
2. The journal has the trial before any work is done for it.
3. Frozen files must be those the champion was crowned with.
4. Both are compiled at the same time, each in its own worker; the candidate's holds it against the whole battery first.
5. Pairs of fresh processes take turns; a trial that cannot be kept any more ends early.
6. What the gate would keep is measured again: fresh processes, fresh secret data, the original baseline beside it.
7. The ending is journaled with its samples, then a kept candidate is crowned.

One trial at a time in a slot; one timed section at a time on a device.
"""

import re
import tempfile
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lar import bench, figures, gate, isolation, locks, null, records, snapshots
from lar.arms import Arms, Plan
from lar.bench import Request, Watcher
from lar.contracts import Arm, Decision, Evidence, Failure, Judgement, KernelFacts, Status, Trial
from lar.datasets import Datasets, Disguised
from lar.errors import LarError
from lar.journal import Journal
from lar.pairing import ArmFailedError
from lar.slots import Slot, device_of
from lar.snapshots import Snapshot

PLANS = {"trial": Plan(pairs=8, rounds=2, least=4), "baseline": Plan(pairs=16, rounds=4, least=16)}


@dataclass(frozen=True)
class Contest:
    """What `lar trial` was asked for.

    Attributes
    ----------
    request : Request
        Target, backend, device, scale, workloads, seed, budget.
    candidate : Path or None
        Where the candidate is; the working tree's tuned kernel by default.
    hypothesis : str
        One line.
    plan : Plan
    wait_s : float
        How long to wait for another trial of the same slot.
    """

    request: Request
    candidate: Path | None = None
    hypothesis: str = ""
    plan: Plan = PLANS["trial"]
    wait_s: float = 0.0


@dataclass
class _Course:
    """One trial on its way."""

    contest: Contest
    slot: Slot
    arms: Arms
    stages: dict[str, Evidence] = field(default_factory=dict)

    @property
    def candidate(self) -> Snapshot:
        return self.arms.kernels[Arm.CANDIDATE]

    @property
    def champion(self) -> Snapshot:
        return self.arms.kernels[Arm.CHAMPION]

    def results(self) -> Failure | None:
        """Turn the candidate's samples into figures; return a failure if they beat the machine."""
        return bench.results(self.contest.request, self.arms.datasets, self.arms.seen)


def run(contest: Contest, journal: Journal, datasets: Datasets, tell: Watcher = lambda *_: None) -> Trial:
    """Run one trial.

    Raises
    ------
    LarError
        For a mistake of the caller: no such candidate, a candidate that is the champion, a journal that cannot be
        written. Nothing has been decided then.
    BusyError
        If another trial of this slot runs.
    """
    began = time.monotonic()
    request = contest.request
    candidate = snapshots.take(request.target, request.backend, contest.candidate)
    device = device_of(request.backend, request.device)
    slot = Slot(journal, request.target, request.backend, device or "none")
    with locks.slot_lock(journal.path, slot.name, contest.wait_s), tempfile.TemporaryDirectory(prefix="lar-") as folder:
        champion, row = slot.open()
        if candidate.files == champion.files:
            named = f"{champion.name} {champion.hash}"
            raise LarError(f"the candidate is the champion itself ({named}): change it; `lar null` times it as it is")
        first = slot.baseline()
        facts = {"hypothesis": contest.hypothesis, "champion_hash": champion.hash, "plan": asdict(contest.plan)}
        number = journal.begin(slot.name, records.beginning(request, candidate, facts))
        root = Path(folder)
        root.chmod(0o755)  # for a worker that runs as a user of its own
        kernels = {Arm.CANDIDATE: candidate, Arm.CHAMPION: champion, Arm.BASELINE: first[0] if first else champion}
        arms = Arms(request, datasets, root, began + request.time_budget, kernels, tell)
        course = _Course(contest, slot, arms)
        judgement, failure = _decide(course, available=device is not None)
        trial = _finished(course, number, (judgement, failure), time.monotonic() - began)
        entry = journal.end(number, records.ending(journal, trial, candidate, course.stages))
        if judgement.decision is Decision.KEEP:
            slot.crown(candidate, "keep", {"trial": number, "reason": judgement.reason}, row.seq, frozen=False)
    return replace(trial, entry=entry)


def _decide(course: _Course, *, available: bool) -> tuple[Judgement, Failure | None]:
    """Return the judgement on a candidate, and what it did wrong if it did."""
    if not available:
        backend = course.contest.request.backend
        return _failed(Status.UNAVAILABLE, Failure("missing", f"{backend} does not work here: lar doctor says why"))
    changed = course.slot.changed_frozen()
    if changed is not None:
        return _failed(Status.CHEAT, changed)
    drift = null.drifting(course.slot.journal, course.slot.name)
    if drift is not None:
        remedy = f"lar null {course.contest.request.target} when the machine is quieter"
        return Judgement(Decision.INCONCLUSIVE, drift, "null", remedy=remedy), None
    try:
        # The pool's threads start the workers and outlive them: a worker ends with the thread that started it.
        with ThreadPoolExecutor(max_workers=3) as starter:
            return _measured(course, starter)
    except ArmFailedError as error:
        return _arm_failed(course, error)


def _measured(course: _Course, starter: Executor) -> tuple[Judgement, Failure | None]:
    arms, plan, request = course.arms, course.contest.plan, course.contest.request
    lines = (course.candidate.lines, course.champion.lines)
    if request.device in {None, "cpu"}:
        # Known before any kernel runs, so that none can have a hand in what it is held against.
        figures.limits_of(request.backend, "cpu", request.threads)
    two = (Arm.CANDIDATE, Arm.CHAMPION)
    if lines[0] < lines[1]:  # slower by a little it may still be kept as the simpler one
        plan = replace(plan, least=plan.pairs)
    arms.prime(starter, two)
    screening = course.stages["screening"] = arms.stage(starter, "screening", two, plan)
    failure = course.results()
    if failure is not None:
        return _failed(Status.CHEAT, failure)
    judgement = gate.judge(screening, lines)
    if judgement.decision is not Decision.KEEP:
        return judgement, None
    third = (Arm.BASELINE,) if arms.kernels[Arm.BASELINE].files != course.champion.files else ()
    arms.prime(starter, third)
    fresh = Disguised(arms.datasets)
    confirmation = course.stages["confirmation"] = arms.stage(starter, "confirmation", (*two, *third), plan, fresh)
    judgement = gate.confirm(screening, confirmation, lines)
    unworthy = isolation.record_worthy(arms.seen.isolation)
    if judgement.decision is Decision.KEEP and unworthy:
        reason = f"{judgement.reason}; yet no record: {unworthy}"
        judgement = replace(judgement, decision=Decision.INCONCLUSIVE, reason=reason, rule="walls", remedy="lar doctor")
    return judgement, None


def _arm_failed(course: _Course, error: ArmFailedError) -> tuple[Judgement, Failure | None]:
    failure, status = error.error.failure, error.error.status
    if error.arm is Arm.CANDIDATE or status is Status.TIMEOUT:
        # A place in the trial's own folder means the same place in the target's: `tuned/numpy.py, line 10`.
        place = rf"{re.escape(str(course.arms.root))}/\w+/\w+/\w+/"
        return _failed(status, replace(failure, message=re.sub(place, "", failure.message)))
    target = course.contest.request.target
    reason = f"the {error.arm} itself failed: {failure.kind}: {failure.message}"
    remedy = f"lar champion {target} shows it; lar reset {target} takes the committed kernel instead"
    return Judgement(Decision.INCONCLUSIVE, reason, "champion", remedy=remedy), None


def _failed(status: Status, failure: Failure) -> tuple[Judgement, Failure]:
    rule = "frozen" if failure.kind == "frozen" else "correct"
    return Judgement(Decision.of(status), f"{failure.kind}: {failure.message}", rule), failure


def _finished(course: _Course, number: int, end: tuple[Judgement, Failure | None], seconds: float) -> Trial:
    judgement, failure = end
    status = Status(judgement.decision.value) if failure else Status.OK
    kernel = (course.candidate.name, course.candidate.hash)
    arms = course.arms
    return Trial(
        number=number,
        slot=course.slot.name,
        hypothesis=course.contest.hypothesis,
        candidate=_facts(course.candidate),
        champion=_facts(course.champion),
        judgement=judgement,
        confirmed="confirmation" in course.stages,
        pairs=arms.pairs,
        outcome=bench.outcome(course.contest.request, arms.datasets, kernel, arms.seen, (status, failure), seconds),
        seconds=seconds,
    )


def _facts(snapshot: Snapshot) -> KernelFacts:
    return KernelFacts(snapshot.name, snapshot.hash, snapshot.lines)
