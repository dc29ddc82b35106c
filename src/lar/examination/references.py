"""Section 2: the reference is a pure function, the audit agrees with it, and neither would accept just anything."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lar import oracle
from lar.contracts import Bounded, Exact, HostArray, Outputs, Ranked, Target, Truth
from lar.examination.exhibits import Exhibit, all_scores, copied, ideal, refusal, same
from lar.examination.report import Notes
from lar.supervisor import stack

NAME, TITLE = "references", "The references agree with themselves"


def examine(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Hold the reference and the audit of a target against themselves and each other."""
    _pure(target, exhibits, notes)
    _accepts_itself(exhibits, notes)
    if not notes.failed:
        _audit(target, exhibits, notes)


def _pure(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Ask again, of other copies, after other questions."""
    changed, differing = [], []
    for one in exhibits:
        case = one.case
        data, queries = copied(one.data), copied(one.queries)
        for number in reversed(range(len(queries))):
            truth = target.reference(case, data, queries[number])
            if not same((data, queries), (one.data, one.queries)):
                changed.append(f"{case.name}: the reference changes the inputs it is given")
                data, queries = copied(one.data), copied(one.queries)
            if not _same_truth(truth, one.truths[number], one):
                differing.append(f"{case.name}: the reference says something else the second time")
        before = copied((one.data, one.queries))
        target.audit(case, before[0], list(before[1]))
        if not same(before, (one.data, one.queries)):
            changed.append(f"{case.name}: the audit changes the inputs it is given")
    calls = sum(len(one.queries) for one in exhibits)
    notes.settle("inputs", f"unchanged by {calls} calls of the reference and {len(exhibits)} of the audit", changed)
    notes.settle("pure", f"the same truth for the same input, {calls} times asked again", differing)


def _same_truth(one: Truth, other: Truth, exhibit: Exhibit) -> bool:
    if isinstance(one, Exact) and isinstance(other, Exact):
        return same(one.values, other.values)
    if isinstance(one, Bounded) and isinstance(other, Bounded):
        mine, theirs = ((truth.values, truth.magnitudes) for truth in (one, other))
        return one.terms == other.terms and same(mine, theirs)
    if isinstance(one, Ranked) and isinstance(other, Ranked):
        if (one.best is None) or (other.best is None) or (one.rows, one.terms) != (other.rows, other.terms):
            return False
        return same((one.best, one.magnitudes), (other.best, other.magnitudes)) and same(
            _first_scores(one, exhibit), _first_scores(other, exhibit)
        )
    return False


def _first_scores(truth: Ranked, exhibit: Exhibit) -> tuple[HostArray, HostArray]:
    """Return the scores of k rows spread over all of them."""
    *lead, k = exhibit.specs[1].shape
    kept = min(k, truth.rows)
    ids = np.linspace(0, truth.rows - 1, kept).astype(np.int64)
    return truth.score_of(np.ascontiguousarray(np.broadcast_to(ids, (*lead, kept))))


def _accepts_itself(exhibits: Sequence[Exhibit], notes: Notes) -> None:
    faults = []
    for one in exhibits:
        for truth in one.truths:
            try:
                faults += _against_itself(truth, one)
            except ValueError as error:  # how the oracle tells that a truth contradicts itself
                faults.append(f"{one.case.name}: the truth contradicts itself: {error}")
    notes.settle("truths", "the oracle passes what the reference itself says, rounded once", faults)


def _against_itself(truth: Truth, one: Exhibit) -> list[str]:
    refused = refusal(truth, one, ideal(truth, one.specs))
    faults = [f"its own truth is refused: {refused}"] if refused else []
    if isinstance(truth, Ranked) and truth.best is not None:
        scores, magnitudes = all_scores(truth, one.specs)
        kept = truth.best.shape[-1]
        best = np.sort(-scores if truth.largest else scores, axis=-1)[..., :kept]
        error = oracle.errors(-best if truth.largest else best, truth.best)
        if np.any(error > oracle.tolerance(np.max(magnitudes, axis=-1, keepdims=True), truth.terms)):
            faults.append(f"{one.case.name}: `best` is not the best of what `score_of` says of every row")
    return faults


# ---- the audit -------------------------------------------------------------------------------------------------------

Alteration = Callable[[Outputs], Outputs | None]


def _audit(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    refused, disagreeing = [], []
    alterations = _alterations(exhibits[0].truths[0])
    caught: dict[str, int] = dict.fromkeys(alterations, 0)
    tried: dict[str, int] = dict.fromkeys(alterations, 0)
    for one in exhibits:
        calls = len(one.queries)
        truth = target.audit(one.case, copied(one.data), list(copied(one.queries)))
        right = stack([ideal(one_truth, one.specs) for one_truth in one.truths])
        try:
            reason = refusal(truth, one, right, calls=calls)
            refused += [f"it refuses the reference's own outputs: {reason}"] if reason else []
            disagreeing += _disagreement(truth, one)
            for name, alter in alterations.items():
                wrong = alter(right)
                if wrong is not None and not same(wrong, right):
                    tried[name] += 1
                    caught[name] += refusal(truth, one, wrong, calls=calls) is not None
        except ValueError as error:
            refused.append(f"{one.case.name}: its truth contradicts itself: {error}")
    notes.settle("audit accepts", "what the reference says, in every case", refused)
    notes.settle("audit agrees", "with the reference, value by value within the tolerance", disagreeing)
    passed = [f"it accepts {name} in all of {tried[name]} cases" for name in tried if tried[name] and not caught[name]]
    notes.settle("audit refuses", ", ".join(name for name in tried if caught[name]), passed)


def _disagreement(truth: Truth, one: Exhibit) -> list[str]:
    """Return where the audit and the reference say different things of the same calls."""
    for number, reference in enumerate(one.truths):
        if isinstance(truth, Ranked) and isinstance(reference, Ranked):
            ids = ideal(reference, one.specs)[1][..., : min(one.specs[1].shape[-1], reference.rows)].astype(np.int64)
            stacked = np.ascontiguousarray(np.broadcast_to(ids, (len(one.truths), *ids.shape)))
            pairs = [(truth.score_of(stacked)[0][number], *reference.score_of(ids))]
        elif isinstance(truth, Bounded) and isinstance(reference, Bounded):
            mine = (value[number] for value in truth.values)
            pairs = list(zip(mine, reference.values, reference.magnitudes, strict=True))
        elif isinstance(truth, Exact) and isinstance(reference, Exact):
            if not same(tuple(value[number] for value in truth.values), reference.values):
                return [f"{one.case.name}: the audit has other values than the reference"]
            continue
        else:
            kinds = f"{type(truth).__name__} and {type(reference).__name__}"
            return [f"{one.case.name}: audit and reference return {kinds}, expected the same"]
        for got, expected, magnitude in pairs:
            allowed = oracle.tolerance(magnitude, reference.terms)
            if np.any(oracle.errors(got, expected) > allowed):
                return [f"{one.case.name}: the audit's values differ from the reference's by more than the tolerance"]
    return []


def _alterations(truth: Truth) -> dict[str, Alteration]:
    """Return what is done to right outputs that the audit must refuse; a row that was missed it need not see."""

    def first(function: Callable[[HostArray], HostArray]) -> Alteration:
        return lambda outputs: (function(outputs[0]), *outputs[1:])

    found: dict[str, Alteration] = {
        "zeros": lambda outputs: tuple(map(np.zeros_like, outputs)),
        "another call's output": lambda outputs: tuple(array[::-1].copy() for array in outputs),
        "one value altered": first(_last_altered),
    }
    if isinstance(truth, Ranked):
        found["scores of other rows"] = lambda outputs: (outputs[0], np.roll(outputs[1], 1, axis=-1))
    if not isinstance(truth, Exact):
        found["values 1 % off"] = first(lambda x: (x * 1.01).astype(x.dtype) if x.dtype.kind == "f" else x + 1)
        found["NaN"] = first(lambda x: np.full_like(x, np.nan) if x.dtype.kind == "f" else x)
    return found


def _last_altered(array: HostArray) -> HostArray:
    out: Any = array.copy()
    if out.size:
        last = out.reshape(-1)[-1]
        changed = last * 2 + 1 if out.dtype.kind == "f" else last ^ last.dtype.type(1)
        out.reshape(-1)[-1] = changed
    return np.asarray(out)
