"""The gate on this machine: kernels against themselves, and against themselves slowed on purpose by a known share.

`python -m bench.gate.machine SAMPLES --slow 0.034 --rounds 50` appends rounds to a file of JSON lines until it has
fifty of that kind; interrupted, it goes on where it was. `--seconds` ends a piece. `bench.gate.report` makes tables of
it.

A round is a trial of `nearest` (four workloads of a small exact search, NumPy and no compiler) with eight pairs of
fresh processes as in a full trial, and four blocks of 2 ms a workload: some seconds. `--full` runs the trial of pq-l2
as it is, at full length. After each round the same two kernels are timed one after the other, for the rules that the
gate replaced.
"""

import argparse
import contextlib
import gzip
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from lar import bench, catalog, gate, machine, snapshots
from lar.arms import Arms, Plan
from lar.bench import Request
from lar.clock import StopRule
from lar.contracts import Arm, Decision, Evidence
from lar.datasets import Datasets, Disguised
from lar.snapshots import Snapshot
from lar.supervisor import WorkerProcess
from lar.timing import Session
from lar.trial import PLANS

GUESTS = Path(__file__).parents[2] / "tests" / "guests"

SHORT = Plan(pairs=8, rounds=4, least=8, block_ns=2_000_000)

SLOWED = """
from time import perf_counter_ns as now
import numpy as np

def prepare(xp, data, *, k):
    rows = data["rows"]
    return {{"rows": rows, "difference": np.empty_like(rows), "all": np.empty(len(rows), np.float32)}}

def run(xp, state, query, /, *, k):
    began = now()
    rows, difference, all_distances = state["rows"], state["difference"], state["all"]
    found = np.empty((len(query), k), np.float32), np.empty((len(query), k), np.uint32)
    for q, distances, ids in zip(query, *found):
        np.subtract(rows, q, out=difference)
        np.einsum("nd,nd->n", difference, difference, out=all_distances)
        near = np.argpartition(all_distances, k - 1)[:k]
        ids[:] = near[np.lexsort((near, all_distances[near]))]
        distances[:] = all_distances[ids]
    until = now() + {share} * (now() - began)
    while now() < until:
        pass
    return found
"""
"""Slower than itself by about a share of its own time, whatever that is at the moment. What of it is seen depends on
the processor (what waits lets the next call begin rested): the report gives the change as it was, over all rounds."""

BOTH = (Arm.CANDIDATE, Arm.CHAMPION)


def main() -> None:
    """Run rounds, and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--slow", type=float, default=0.0, help="share of its time that the candidate waits; 0 for A/A")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end this piece after so long")
    parser.add_argument("--full", action="store_true", help="pq-l2's trial at full length, A/A")
    words = parser.parse_args()
    if words.full and words.slow:
        parser.error("--full runs a kernel against itself only")
    ends = time.monotonic() + words.seconds
    with _contest(full=words.full, slow=words.slow) as (arms, plan, starter):
        kind = {"plan": "full" if words.full else "short", "slow": words.slow}
        while (there := _count(words.samples, kind)) < words.rounds and time.monotonic() < ends:
            record = {**kind, **_round(arms, plan, starter, sequential=not words.full)}
            with opened(words.samples, "at") as file:
                file.write(json.dumps(record, separators=(",", ":")) + "\n")
            print(f"{there + 1} of {words.rounds}: {record['said']} in {record['seconds']:.1f} s", flush=True)


@contextlib.contextmanager
def _contest(*, full: bool, slow: float) -> Iterator[tuple[Arms, Plan, Executor]]:
    """Lay out and compile the two kernels."""
    with tempfile.TemporaryDirectory(prefix="lar-gate-") as folder, ThreadPoolExecutor(max_workers=2) as starter:
        root = Path(folder)
        root.chmod(0o755)
        if full:
            request, plan = Request("pq-l2", "numpy", "numpy"), replace(PLANS["trial"], least=PLANS["trial"].pairs)
            kernels = dict.fromkeys(BOTH, snapshots.take("pq-l2", "numpy"))
        else:
            catalog.mount([GUESTS])
            request, plan = Request("nearest", "numpy", "numpy", scale="small", nq=(1, 2, 4, 8)), SHORT
            shares = {Arm.CANDIDATE: slow, Arm.CHAMPION: 0.0}
            kernels = {arm: Snapshot("tuned/numpy", _source(share)) for arm, share in shares.items()}
        datasets = Datasets(catalog.target(request.target))
        arms = Arms(request, datasets, root, time.monotonic() + 86_400, kernels)
        arms.prime(starter, BOTH)
        yield arms, plan, starter


def _source(share: float) -> dict[str, bytes]:
    return {"numpy.py": SLOWED.format(share=share).encode()}


def _round(arms: Arms, plan: Plan, starter: Executor, *, sequential: bool) -> dict[str, Any]:
    """Run one trial; measure a confirmation where the gate would keep either arm against the other."""
    began = time.monotonic()
    at, load = datetime.now(UTC).isoformat(timespec="seconds"), machine.environment().get("load_average")
    screening = arms.stage(starter, "screening", BOTH, plan)
    said = [gate.judge(one, (1, 1)).decision for one in (screening, swapped(screening))]
    again = None
    if Decision.KEEP in said:
        again = arms.stage(starter, "confirmation", BOTH, plan, Disguised(arms.datasets))
    seconds = time.monotonic() - began
    return {
        "at": at,
        "load": load,
        "seconds": round(seconds, 2),
        "said": [one.value for one in said],
        "screening": _rounded(asdict(screening)),
        "confirmation": _rounded(asdict(again)) if again else None,
        "sequential": _sequential(arms, plan) if sequential else None,
    }


def swapped(evidence: Evidence) -> Evidence:
    """Return the evidence with the arms exchanged: what was a loss of x is a gain of x / (1 + x)."""
    other = {Arm.CANDIDATE: Arm.CHAMPION, Arm.CHAMPION: Arm.CANDIDATE}
    times = {other[arm]: one for arm, one in evidence.times.items()}
    return replace(evidence, times=times, other={other[arm]: one for arm, one in evidence.other.items()})


def _sequential(arms: Arms, plan: Plan) -> dict[str, list[list[float]]]:
    """Time the champion and then the candidate, each in one process, with as many blocks as the trial had."""
    _, workloads = bench.cases_of(arms.request, arms.datasets)
    found = {}
    blocks = plan.pairs * plan.rounds
    for arm in reversed(BOTH):
        with WorkerProcess(arms.launch(arm)) as worker:
            session = Session(worker, arms.datasets, workloads, arms.request.threads, plan.block_ns)
            session.prepare([], lambda *_: None)
            session.rounds(StopRule(least=blocks, most=blocks, width=0.0, seconds=1e9), lambda *_: None)
            found[arm.value] = _rounded([track.wall for track in session.tracks])
    return found


def _rounded(value: Any) -> Any:
    """Return the value with floats of five digits: the file need not hold more than a block's noise leaves of them."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def opened(path: Path, mode: str) -> TextIO:
    """Open a file of samples, compressed where its name ends in ``.gz``."""
    opener = gzip.open if path.suffix == ".gz" else open
    return cast("TextIO", opener(path, mode, encoding="utf-8"))


def _count(path: Path, kind: dict[str, Any]) -> int:
    if not path.exists():
        return 0
    with opened(path, "rt") as file:
        records = (json.loads(line) for line in file)
        return sum(all(record[name] == value for name, value in kind.items()) for record in records)


if __name__ == "__main__":
    main()
