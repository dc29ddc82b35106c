"""The champion against itself: what this machine says where there is nothing to see.

A gate is as good as its null: how often it would keep a change that is none, whether the ratio drifts away from one,
and how small a gain it could find today. A trial of the same slot is not decided while the last null drifts.
"""

import math
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lar import gate, stats
from lar.arms import Arms, Plan
from lar.bench import Request, Watcher
from lar.contracts import Arm, Decision, Interval, Judgement
from lar.datasets import Datasets, Disguised
from lar.errors import UnavailableError
from lar.journal import Journal
from lar.slots import Slot, device_of

BIAS = 0.005
"""A null drifts where its mean ratio is off one by more than this with confidence."""

VALID = timedelta(hours=24)


@dataclass(frozen=True)
class Null:
    """What rounds of the champion against itself came to.

    Attributes
    ----------
    slot, kernel : str
        Which slot, and the champion's hash.
    judgements : tuple of Judgement
        Of each round; a round that the screening would keep is confirmed as a trial would be.
    screened : int
        Rounds that the screening alone would have kept.
    seconds : float
    """

    slot: str
    kernel: str
    judgements: tuple[Judgement, ...]
    screened: int
    seconds: float

    @property
    def kept(self) -> int:
        """False keeps."""
        return sum(one.decision is Decision.KEEP for one in self.judgements)

    @property
    def ratios(self) -> list[Interval]:
        """The ratio of each round that had one."""
        return [one.ratio for one in self.judgements if one.ratio is not None]

    @property
    def bias(self) -> Interval | None:
        """The geometric mean of the rounds' ratios; None for fewer than two."""
        logs = np.log([one.value for one in self.ratios])
        if len(logs) < 2:
            return None
        half = stats.student_t_quantile(0.95, len(logs) - 1) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
        mean = float(np.mean(logs))
        return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half))

    @property
    def detectable(self) -> float | None:
        """The median over rounds of the smallest gain a trial would find in four of five runs."""
        found = [one.detectable for one in self.judgements if one.detectable is not None]
        return float(np.median(found)) if found else None

    @property
    def drifts(self) -> bool:
        """Whether the ratio is off one with confidence, or a change that is none was kept."""
        bias = self.bias
        off = bias is not None and (bias.low > 1 + BIAS or bias.high < 1 - BIAS)
        return self.kept > 0 or off

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        bias = self.bias
        return {
            "slot": self.slot,
            "kernel": self.kernel,
            "rounds": len(self.judgements),
            "false_keeps": self.kept,
            "false_keeps_before_confirmation": self.screened,
            "bias": asdict(bias) if bias else None,
            "detectable": self.detectable,
            "drifts": self.drifts,
            "decisions": [one.decision.value for one in self.judgements],
            "ratios": [asdict(one) for one in self.ratios],
            "seconds": self.seconds,
        }


def measure(
    request: Request, journal: Journal, datasets: Datasets, plan: Plan, rounds: int, tell: Watcher = lambda *_: None
) -> Null:
    """Run the champion of a slot against itself.

    Raises
    ------
    UnavailableError
        If the backend does not work here.
    """
    began = time.monotonic()
    device = device_of(request.backend, request.device)
    if device is None:
        raise UnavailableError(f"backend {request.backend} does not work here: lar doctor says why")
    slot = Slot(journal, request.target, request.backend, device)
    champion, row = slot.open()
    judgements, screened = [], 0
    with tempfile.TemporaryDirectory(prefix="lar-") as folder, ThreadPoolExecutor(max_workers=2) as starter:
        root = Path(folder)
        root.chmod(0o755)
        kernels = {Arm.CANDIDATE: champion, Arm.CHAMPION: champion}
        arms = Arms(request, datasets, root, began + rounds * request.time_budget, kernels, tell)
        arms.prime(starter, tuple(kernels))
        for number in range(rounds):
            name = f"round {number + 1} of {rounds}"
            screening = arms.stage(starter, name, tuple(kernels), plan)
            judgement = gate.judge(screening, (champion.lines, champion.lines))
            if judgement.decision is Decision.KEEP:
                screened += 1
                again = arms.stage(starter, f"{name}, confirmation", tuple(kernels), plan, Disguised(datasets))
                judgement = gate.confirm(screening, again, (champion.lines, champion.lines))
            judgements.append(judgement)
    found = Null(slot.name, row.kernel_hash, tuple(judgements), screened, time.monotonic() - began)
    journal.note(slot.name, "null", found.to_json())
    return found


def drifting(journal: Journal, slot: str) -> str | None:
    """Return why the last null of a slot forbids a decision; None if it does not, or is older than a day."""
    entry = journal.latest(slot, "null")
    if entry is None or not entry.body["drifts"] or datetime.now(UTC) - entry.at > VALID:
        return None
    bias, kept = entry.body["bias"], entry.body["false_keeps"]
    off = f"it kept {kept} changes that were none" if kept else f"its mean ratio is {bias['value']:.4f}"
    return f"the last null, of {entry.at:%Y-%m-%d %H:%M} UTC, drifts: {off}"
