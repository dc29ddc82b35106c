"""A trial as the journal keeps it: facts when it begins, all it came to when it ends, and back again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lar import gate, machine
from lar.bench import Request
from lar.contracts import (
    Arm,
    Decision,
    Evidence,
    Failure,
    Interval,
    Judgement,
    KernelFacts,
    Outcome,
    Status,
    Trial,
    WorkloadRatio,
    WorkloadResult,
)
from lar.gate import Rules
from lar.journal import Journal, TrialRow
from lar.snapshots import Snapshot


def beginning(request: Request, candidate: Snapshot, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the journal is told before any work is done."""
    return {
        "target": request.target,
        "backend": request.backend,
        "device": request.device or "",
        "kernel": candidate.name,
        "kernel_hash": candidate.hash,
        "lines": candidate.lines,
        "scale": request.scale,
        "nq": list(request.nq),
        "threads": request.threads,
        "seed": request.seed,
        "mode": request.mode,
        "environment": machine.environment(),
        **facts,
    }


def ending(journal: Journal, trial: Trial, candidate: Snapshot, stages: Mapping[str, Evidence]) -> dict[str, Any]:
    """Return what the journal keeps of a finished trial; samples and sources are put beside it and named by hash."""
    judgement = trial.judgement
    return {
        "decision": judgement.decision,
        "reason": judgement.reason,
        "ratio": None if judgement.ratio is None else asdict(judgement.ratio),
        "judgement": asdict(judgement),
        "rules": asdict(gate.RULES),
        "confirmed": trial.confirmed,
        "pairs": trial.pairs,
        "champion": asdict(trial.champion),
        "candidate": asdict(trial.candidate),
        "samples": {name: journal.put(json.dumps(asdict(one)).encode()) for name, one in stages.items()},
        "files": {name: journal.put(content) for name, content in candidate.files.items()},
        "outcome": asdict(trial.outcome),
        "seconds": trial.seconds,
    }


def evidence(journal: Journal, row: TrialRow) -> dict[str, Evidence]:
    """Return the stored samples of a finished trial, by stage."""
    found = {}
    for name, digest in row.ending.get("samples", {}).items():
        value = json.loads(journal.get(digest))
        value["times"] = {Arm(arm): times for arm, times in value["times"].items()}
        value["other"] = {Arm(arm): times for arm, times in value["other"].items()}
        found[name] = Evidence(**value)
    return found


def trial(row: TrialRow) -> Trial | None:
    """Return a finished trial as it was; None of one that has not finished."""
    if not row.ending:
        return None
    body = row.ending
    return Trial(
        number=row.id,
        slot=row.slot,
        hypothesis=row.hypothesis,
        candidate=KernelFacts(**body["candidate"]),
        champion=KernelFacts(**body["champion"]),
        judgement=judgement(body["judgement"]),
        confirmed=body["confirmed"],
        pairs=body["pairs"],
        outcome=outcome(body["outcome"]),
        entry=row.entry,
        seconds=body["seconds"],
    )


def outcome(value: Mapping[str, Any]) -> Outcome:
    """Read an outcome as it was journaled."""
    failure = value["failure"]
    if failure is not None:
        index = failure["index"]
        failure = Failure(**{**failure, "index": None if index is None else tuple(index)})
    workloads = tuple(WorkloadResult(**{**one, "ci90_ns": tuple(one["ci90_ns"])}) for one in value["workloads"])
    tuples = {name: tuple(value[name]) for name in ("shapes_tested", "distributions_tested")}
    interval = None if value["ci90_ns"] is None else tuple(value["ci90_ns"])
    status = Status(value["status"])
    facts = {"failure": failure, "workloads": workloads, "ci90_ns": interval, "status": status, **tuples}
    return Outcome(**{**value, **facts})


def judgement(value: Mapping[str, Any]) -> Judgement:
    """Read a judgement as it was journaled."""
    workloads = tuple(
        WorkloadRatio(one["workload"], Arm(one["against"]), Interval(**one["ratio"]), one["p_slower"])
        for one in value["workloads"]
    )
    ratio = None if value["ratio"] is None else Interval(**value["ratio"])
    facts = {**value, "decision": Decision(value["decision"]), "ratio": ratio, "workloads": workloads}
    return Judgement(**facts)


def decide_again(journal: Journal, row: TrialRow) -> tuple[Judgement, dict[str, tuple[Any, Any]]] | None:
    """Decide a finished trial again from its stored samples.

    Returns
    -------
    tuple of Judgement and dict, or None
        The decision by the rules as they are now, and those rules whose figure is another now (then, now). None where
        no samples were taken: the candidate did not get as far as the gate, or something else than the gate decided.
    """
    stages = evidence(journal, row)
    if "screening" not in stages or row.ending["judgement"]["rule"] not in _BY_THE_GATE:
        return None
    lines = (row.ending["candidate"]["lines"], row.ending["champion"]["lines"])
    now = asdict(Rules())
    then = row.ending["rules"]
    changed = {name: (then.get(name), now.get(name)) for name in {**then, **now} if then.get(name) != now.get(name)}
    if "confirmation" in stages:
        return gate.confirm(stages["screening"], stages["confirmation"], lines), changed
    return gate.judge(stages["screening"], lines), changed


_BY_THE_GATE = {"faster", "guard", "simpler", "confirmed", "clocks", "complete", "steady", "sight"}
