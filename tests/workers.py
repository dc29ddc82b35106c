"""What tests of the supervisor's side share: a small case of pq-l2, kernels written on the spot, their workers."""

import dataclasses
import textwrap
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lar import catalog, oracle
from lar.contracts import Case, Target
from lar.launch import Launch
from lar.supervisor import KernelFailedError, WorkerProcess

HONEST = """
import numpy as np

def prepare(xp, data, *, k):
    return {"codebook": data["codebook"], "codes": data["codes"]}

def run(xp, state, query, /, *, k):
    m, _, width = state["codebook"].shape
    tables = np.sum((query.reshape(-1, m, 1, width) - state["codebook"]) ** 2, axis=3)
    distances = np.sum(tables[:, np.arange(m), state["codes"]], axis=2, dtype=np.float32)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    scores, ids = np.take_along_axis(distances, order, 1), order.astype(np.uint32)
    missing = ((0, 0), (0, k - order.shape[1]))
    return np.pad(scores, missing, constant_values=np.inf), np.pad(ids, missing, constant_values=2**32 - 1)
"""


def target() -> Target:
    return catalog.target("pq-l2")


def small_case(distribution: str = "gaussian") -> Case:
    """Return the quickest case of the battery."""
    return next(c for c in target().battery(0) if c.shape["N"] == 257 and c.distribution == distribution)


def write_kernel(folder: Path, source: str, name: str = "kernel.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def launch(
    kernel: Path, tmp_path: Path, *, backend: str = "numpy", patience: float = 60.0, budget: float = 120.0
) -> Launch:
    cache = tmp_path / "compiled"
    cache.mkdir(exist_ok=True)
    return Launch(
        target="pq-l2",
        backend=backend,
        device=None,
        kernel=kernel,
        threads=1,
        deadline=time.monotonic() + budget,
        patience=patience,
        memory=2 << 30,
        compile_cache=cache,
    )


def answers(worker: WorkerProcess, calls: int = 2) -> list[tuple[np.ndarray, ...]]:
    """Have one batch answered; every answer is right."""
    case = small_case()
    data = target().data(case)
    queries = target().queries(case, data, 7, calls)
    if not worker.has(case):
        worker.load(case, data)
    worker.open_case(case, queries[0], target().outputs(case), calls)
    worker.stage(case, queries)
    worker.run(case, 0, calls)
    outputs = worker.gather(case)
    for query, one in zip(queries, outputs, strict=True):
        assert oracle.judge(target().reference(case, data, query), target().outputs(case), one).passed
    return outputs


def ended(tmp_path: Path, source: str, *, patience: float = 30.0) -> KernelFailedError:
    """Return how a worker ended; nothing of it is left behind."""
    before = set(psutil.process_iter())
    words = dataclasses.replace(launch(write_kernel(tmp_path, source), tmp_path, patience=patience), memory=512 << 20)
    with pytest.raises(KernelFailedError) as caught:
        _repeat(words)
    assert not [one for one in psutil.Process().children(recursive=True) if one not in before]
    return caught.value


def _repeat(words: Launch) -> None:
    with WorkerProcess(words) as worker:
        for _ in range(6):
            answers(worker)


def in_run(line: str) -> str:
    """Return the honest kernel with one line put at the beginning of `run`."""
    return HONEST.replace("    m, _, width", f"    {line}\n    m, _, width")
