"""The variants of `fts-bm25`: `HONEST` ones, which the oracle must pass, and `MUTANTS`, which it must refuse."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.mutants import fts_bm25_mutants, topk
from tests.mutants.fts_bm25_honest import HONEST
from tests.mutants.fts_bm25_mutants import LOW_PRECISION
from tests.mutants.fts_bm25_steps import Steps
from tests.mutants.variants import Answers, Variant, spoiled, wrong

from lar.contracts import Array, Data, HostArray, Query, Tree


@dataclass(frozen=True)
class _OneMore:
    """The honest kernel asked for k + 1; `scores` and `ids` say which k of them are returned."""

    scores: Any
    ids: Any

    def prepare(self, xp: Any, data: Data, *, k: int, k1: float, b: float, capacity: int) -> Tree:
        return Steps().prepare(xp, data, k=k + 1, k1=k1, b=b, capacity=capacity)

    def run(
        self, xp: Any, state: Tree, query: Query, /, *, k: int, k1: float, b: float, capacity: int
    ) -> tuple[Array, Array]:
        scores, ids = Steps().run(xp, state, query, k=k + 1, k1=k1, b=b, capacity=capacity)
        return self.scores(xp, scores), self.ids(xp, ids)


def _first(xp: Any, x: Array) -> Array:
    return x[:, :-1]


def _second(xp: Any, x: Array) -> Array:
    return x[:, 1:]


def _skip_kth(xp: Any, x: Array) -> Array:
    return xp.concat([x[:, :-2], x[:, -1:]], axis=1)


_OF_A_LARGER_K = [
    wrong("k-th and (k+1)-th swapped", _OneMore(_skip_kth, _skip_kth), "value", "nan"),
    wrong("the best one missed", _OneMore(_second, _second), "value", "nan"),
    wrong("right ids, the next ones' scores", _OneMore(_second, _first), "value", "nan"),
    wrong("right scores, the next ones' ids", _OneMore(_first, _second), "value", "range"),
]


def _swapped(answers: Answers) -> tuple[HostArray, ...]:
    order = [*range(answers.case.shape["k"])]  # k may be 1 here
    order[:2] = order[:2][::-1]
    return tuple(np.ascontiguousarray(array[:, order]) for array in answers.outputs)


MUTANTS: list[Variant] = [
    *(one for one in topk.mutants(None) if one.spoil and one.name != "two neighbours swapped"),
    spoiled("two neighbours swapped", _swapped, "order", "nan"),
    *_OF_A_LARGER_K,
    *LOW_PRECISION,
    *fts_bm25_mutants.MUTANTS,
]

__all__ = ["HONEST", "LOW_PRECISION", "MUTANTS"]
