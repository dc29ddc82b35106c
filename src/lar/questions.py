"""Queries that nothing has seen before, and what their answers are held against; arms that take turns share them.

Drawing queries and computing truths takes longer than answering them, so kernels compared side by side are asked the
same ones, and each truth is computed once. It happens here, in the supervisor, while the clock stands still.
"""

import random
from collections.abc import Sequence

from lar import oracle
from lar.contracts import Case, HostArray, Outputs, Query, Truth, Verdict
from lar.datasets import Datasets, secret_seed
from lar.supervisor import stack

_RANDOM = random.SystemRandom()  # which answer is checked in full is nobody's to foresee


class Questions:
    """Fresh queries of one case, drawn from a secret seed.

    Parameters
    ----------
    datasets : Datasets
        Of the target.
    case : Case
    count : int
        How many queries to draw.
    """

    def __init__(self, datasets: Datasets, case: Case, count: int) -> None:
        self.case = case
        self._target = datasets.target
        self._data = datasets.data(case)
        self.queries: list[Query] = self._target.queries(case, self._data, secret_seed(), count)
        self._specs = self._target.outputs(case)
        self._audits: dict[int, Truth] = {}
        self._truths: dict[int, Truth] = {}

    def audit(self, outputs: Sequence[Outputs]) -> Verdict:
        """Hold the answers to the first ``len(outputs)`` queries against what each says about itself."""
        count = len(outputs)
        if count not in self._audits:
            self._audits[count] = self._target.audit(self.case, self._data, self.queries[:count])
        many: tuple[HostArray, ...] = stack(outputs)
        return oracle.judge(self._audits[count], oracle.stacked(self._specs, count), many, self.case.name)

    def check_one(self, outputs: Sequence[Outputs]) -> Verdict:
        """Hold one answer, chosen at random, against the full reference."""
        # One already computed for another arm costs nothing, and is still unknown to this one.
        known = [index for index in self._truths if index < len(outputs)]
        pick = known[0] if known else _RANDOM.randrange(len(outputs))
        if pick not in self._truths:
            self._truths[pick] = self._target.reference(self.case, self._data, self.queries[pick])
        return oracle.judge(self._truths[pick], self._specs, outputs[pick], self.case.name)
