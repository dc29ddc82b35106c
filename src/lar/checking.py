"""Correctness before speed: the battery on pinned inputs, then on inputs that are drawn after the kernel was loaded.

Every case makes two calls with different queries, so that a kernel that is right only the first time is found at once.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from lar import oracle
from lar.contracts import Case, Data, Query, Status, Target, Truth
from lar.datasets import Datasets, secret_seed
from lar.supervisor import KernelFailedError, WorkerProcess

CALLS = 2


@dataclass(frozen=True)
class Checked:
    """What the correctness phase saw.

    Attributes
    ----------
    cases : int
        Cases that passed.
    max_abs_err : float
        The largest absolute error in any of them.
    first_result_ns : int
        Importing the kernel, preparing the first data set and the first call: all that is compiled once is in it.
    """

    cases: int
    max_abs_err: float
    first_result_ns: int


def check(
    worker: WorkerProcess, datasets: Datasets, battery: list[Case], progress: Callable[[int, int], None]
) -> Checked:
    """Hold a kernel's outputs against the reference on the whole battery, then on secret inputs.

    Raises
    ------
    KernelFailedError
        On the first output that is wrong, with the case, the place and the numbers.
    """
    target = datasets.target
    secret = _one_of_each_shape(battery)
    total = len(battery) + len(secret)
    worst, first_result = 0.0, 0
    for number, case in enumerate(battery):
        progress(number, total)
        error, took = _answer(worker, target, case, datasets.data(case), datasets.pinned(case, CALLS))
        worst, first_result = max(worst, error), first_result or took
    for number, case in enumerate(secret, start=len(battery)):
        progress(number, total)
        hidden, data, queries = _hidden(target, case, datasets.data(case))
        asked = [(query, target.reference(hidden, data, query)) for query in queries]
        worst = max(worst, _answer(worker, target, hidden, data, asked)[0])
    progress(total, total)
    worker.forget()
    return Checked(total, worst, first_result + int(worker.about["import_ns"]))


def _answer(
    worker: WorkerProcess, target: Target, case: Case, data: Data, asked: list[tuple[Query, Truth]]
) -> tuple[float, int]:
    specs = target.outputs(case)
    queries = [query for query, _ in asked]
    began = time.perf_counter_ns()
    if not worker.has(case):
        worker.load(case, data)
    worker.open_case(case, queries[0], specs, len(queries))
    worker.stage(case, queries)
    worker.run(case, 0, len(queries))
    took = time.perf_counter_ns() - began
    worst = 0.0
    for (_, truth), outputs in zip(asked, worker.gather(case), strict=True):
        verdict = oracle.judge(truth, specs, outputs, case.name)
        if verdict.failure is not None:
            raise KernelFailedError(Status.INCORRECT, verdict.failure)
        worst = max(worst, verdict.max_abs_err)
    return worst, took


def _hidden(target: Target, case: Case, data: Data) -> tuple[Case, Data, list[Query]]:
    hidden = dataclasses.replace(case, name=f"{case.name}/secret", data_key=f"{case.name}/secret")
    disguised = target.disguise(hidden, data, secret_seed())
    target.check(hidden, disguised)
    return hidden, disguised, target.queries(hidden, disguised, secret_seed(), CALLS)


def _one_of_each_shape(battery: list[Case]) -> list[Case]:
    """Return the first case of each shape, so that a backend that compiles a shape does so no second time."""
    found: dict[tuple[tuple[str, int], ...], Case] = {}
    for case in battery:
        found.setdefault(tuple(sorted(case.shape.items())), case)
    return list(found.values())
