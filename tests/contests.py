"""What tests of trials share: axpy in a folder of its own, kernels of known speed, trials short enough for a test."""

import dataclasses
import shutil
from pathlib import Path

from lar import catalog
from lar.arms import Plan
from lar.bench import Request
from lar.contracts import Trial
from lar.datasets import Datasets
from lar.journal import Journal
from lar.slots import Slot
from lar.snapshots import Snapshot
from lar.trial import Contest, run

GUESTS = Path(__file__).parent / "guests"

SHORT = Plan(pairs=4, rounds=1, least=4, block_ns=1_000_000)

KERNEL = """
import numpy as np

def prepare(xp, data):
    return {{"b": data["b"]}}

def run(xp, state, query, /):
    for _ in range({times}):
        out = query * np.float32({factor})
        out += state["b"]
    return (out,)
"""


def kernel(times: int = 1, factor: float = 2) -> str:
    """Return the source of a kernel that does its work so many times, right if `factor` is 2."""
    return KERNEL.format(times=times, factor=factor)


def guest(folder: Path) -> Path:
    """Copy axpy into a folder and mount it; return the target's folder, to which a trial may write."""
    root = folder / "targets"
    shutil.copytree(GUESTS / "axpy", root / "axpy", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "axpy" / "tuned").mkdir()
    catalog.mount([root])
    return root / "axpy"


def request(**facts: object) -> Request:
    words = {"target": "axpy", "backend": "numpy", "requested_backend": "numpy", "scale": "small", "nq": (1,)}
    return dataclasses.replace(Request("axpy", "numpy", "numpy"), **{**words, **facts})  # type: ignore[arg-type]


def champion(journal: Journal, source: str, backend: str = "numpy", device: str = "cpu") -> Slot:
    """Make a kernel the champion of axpy's slot."""
    slot = Slot(journal, "axpy", backend, device)
    slot.reset(Snapshot(f"tuned/{backend}", {f"{backend}.py": source.encode()}))
    return slot


def contest(home: Path, source: str | bytes | None = None, plan: Plan = SHORT, **facts: object) -> Contest:
    """Return a contest of the working tree's kernel, written first where a source is given."""
    if source is not None:
        content = source if isinstance(source, bytes) else source.encode()
        (home / "tuned" / "numpy.py").write_bytes(content)
    return Contest(request(**facts), hypothesis="as a test", plan=plan)


def outcome_of(journal: Journal, home: Path, source: str | bytes, plan: Plan = SHORT, **facts: object) -> Trial:
    """Run a trial of a source."""
    return run(contest(home, source, plan, **facts), journal, Datasets(catalog.target("axpy")))
