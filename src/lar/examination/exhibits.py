"""What an examination looks at: each case of the battery with its data, two calls' queries, their truths and answers.

Every function of the target is handed copies, so that one that writes into its inputs spoils no other exhibit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lar import oracle
from lar.contracts import NO_ID, Case, Data, Exact, HostArray, Outputs, Query, Ranked, Spec, Target, Tree, Truth
from lar.datasets import Datasets
from lar.trees import leaves, tree_map

CALLS = 2
SEED = 0


@dataclass(frozen=True)
class Exhibit:
    """A case of the battery, built.

    Attributes
    ----------
    case, data, specs
        The case, its data set, and what `run` returns for it.
    queries, truths
        Of `CALLS` pinned calls.
    """

    case: Case
    data: Data
    specs: tuple[Spec, ...]
    queries: tuple[Query, ...]
    truths: tuple[Truth, ...]

    @property
    def cost(self) -> int:
        """How large the case is, for choosing cheap ones first."""
        return sum(leaf.size for leaf in leaves((self.data, self.queries)))


def build(target: Target, datasets: Datasets, case: Case) -> Exhibit:
    """Build a case."""
    data = datasets.data(case)
    target.check(case, data)
    queries = tuple(target.queries(case, copied(data), case.seed, CALLS))
    truths = tuple(target.reference(case, copied(data), copied(query)) for query in queries)
    return Exhibit(case, data, tuple(target.outputs(case)), queries, truths)


def copied(tree: Tree) -> Any:
    """Return a tree of copies."""
    return tree_map(np.array, tree)


def same(one: Tree, other: Tree) -> bool:
    """Say whether two trees have the same arrays, to the bit, in the same places."""
    first, second = list(leaves(one)), list(leaves(other))
    return (
        _structure(one) == _structure(other)
        and len(first) == len(second)
        and all(
            a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            for a, b in zip(first, second, strict=True)
        )
    )


def _structure(tree: Tree) -> Any:
    if isinstance(tree, dict):
        return {name: _structure(value) for name, value in tree.items()}
    return [_structure(value) for value in tree] if isinstance(tree, (tuple, list)) else None


# ---- what the truth itself would answer ------------------------------------------------------------------------------


def ideal(truth: Truth, specs: Sequence[Spec]) -> Outputs:
    """Return the outputs that a truth describes: its float64 values rounded once, equal ones by id."""
    if isinstance(truth, Exact):
        return tuple(np.array(value) for value in truth.values)
    if isinstance(truth, Ranked):
        return ranked(truth, specs)
    return tuple(_rounded(value, spec) for value, spec in zip(truth.values, specs, strict=True))


def all_scores(truth: Ranked, specs: Sequence[Spec]) -> tuple[HostArray, HostArray]:
    """Return float64 (..., rows): every row's score and its magnitude, asked for k at a time as the oracle does."""
    *lead, k = specs[1].shape
    step = max(1, min(k, truth.rows))
    parts = []
    for start in range(0, truth.rows, step):
        ids = np.minimum(np.arange(start, start + step), truth.rows - 1)
        parts.append(truth.score_of(np.ascontiguousarray(np.broadcast_to(ids, (*lead, step)))))
    scores, magnitudes = (np.concatenate(column, axis=-1)[..., : truth.rows] for column in zip(*parts, strict=True))
    return scores, magnitudes


def ranked(truth: Ranked, specs: Sequence[Spec], *, last_first: bool = False) -> Outputs:
    """Return (scores, ids) of the k best of all rows, padded; of equal ones the lowest id first, or the highest."""
    scores, _ = all_scores(truth, specs)
    *lead, k = specs[1].shape
    kept = min(k, truth.rows)
    keys = -scores if truth.largest else scores
    rows = keys[..., ::-1] if last_first else keys
    order = np.argsort(rows, axis=-1, kind="stable")[..., :kept]
    order = truth.rows - 1 - order if last_first else order
    out = np.full((*lead, k), _padding(truth, specs[0]), np.dtype(specs[0].dtype))
    ids = np.full((*lead, k), NO_ID, np.dtype(specs[1].dtype))
    out[..., :kept] = _rounded(np.take_along_axis(scores, order, axis=-1), specs[0])
    ids[..., :kept] = order
    return out, ids


def _padding(truth: Ranked, spec: Spec) -> Any:
    """Return what pads scores: what no row could be worse than."""
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return -np.inf if truth.largest else np.inf
    return np.iinfo(dtype).min if truth.largest else np.iinfo(dtype).max


def _rounded(values: HostArray, spec: Spec) -> HostArray:
    dtype = np.dtype(spec.dtype)
    return np.asarray(values if dtype.kind == "f" else np.rint(values)).astype(dtype)


def refusal(truth: Truth, exhibit: Exhibit, outputs: Any, *, calls: int = 0) -> str | None:
    """Return why the oracle refuses outputs, in one line; None if it passes them.

    Parameters
    ----------
    truth : Truth
    exhibit : Exhibit
    outputs : any
    calls : int
        How many calls' outputs are stacked; 0 for those of a single one.
    """
    specs = oracle.stacked(exhibit.specs, calls) if calls else exhibit.specs
    failure = oracle.judge(truth, specs, outputs, exhibit.case.name).failure
    return None if failure is None else f"{exhibit.case.name}: {failure.kind}: {failure.message}"
