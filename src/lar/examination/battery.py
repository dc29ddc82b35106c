"""Section 3: the battery meets what kernels stumble over, told from its cases, its data and its truths.

Which letters of a shape grow with the workloads' scale is read off the workloads; those are the sizes a kernel loops
over. What is certainly missing fails; what most targets need, and some rightly do without, is a warning.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lar.contracts import Case, HostArray, Ranked, Target
from lar.examination.contract import NQ, SCALES
from lar.examination.exhibits import SEED, Exhibit, all_scores
from lar.examination.report import Grade, Notes
from lar.trees import leaves

NAME, TITLE = "battery", "The battery covers the edge cases"
DISTRIBUTIONS = 5
TIMED_DISTRIBUTIONS = 3
TIMED_SHAPES = 3
_VECTOR = 16
_BLOCK = 64
_OPS_THRESHOLD = 8_192


def examine(target: Target, exhibits: Sequence[Exhibit], notes: Notes, *, uses_ops: bool) -> None:
    """Say what the battery of a target lacks; `uses_ops`: whether its portable kernel is written with `lar.ops`."""
    battery = [one.case for one in exhibits]
    timed = {scale: list(target.workloads(SEED, scale, NQ)) for scale in SCALES}
    _distributions(battery, timed["small"], notes)
    _sizes(battery, timed, notes, uses_ops=uses_ops)
    _siblings(battery, timed, notes)
    _ranks(exhibits, notes)
    _values(exhibits, notes)


def _distributions(battery: Sequence[Case], timed: Sequence[Case], notes: Notes) -> None:
    names = list(dict.fromkeys(case.distribution for case in battery))
    faults = [] if len(names) >= DISTRIBUTIONS else [f"{len(names)} in the battery, expected at least {DISTRIBUTIONS}"]
    in_time = list(dict.fromkeys(case.distribution for case in timed))
    if len(in_time) < TIMED_DISTRIBUTIONS:
        faults.append(f"{len(in_time)} among the workloads, expected at least {TIMED_DISTRIBUTIONS}")
    faults += [f"{name} is timed and not in the battery" for name in in_time if name not in names]
    notes.settle("distributions", " ".join(names), faults)
    shapes = list(dict.fromkeys(case.data_key.split("/")[1] for case in timed))
    few = [] if len(shapes) >= TIMED_SHAPES else [f"{len(shapes)} ({' '.join(shapes)}), expected {TIMED_SHAPES}"]
    notes.settle("timed shapes", " ".join(shapes), few)
    adversarial = [name for name in names if name not in in_time]
    missing = [] if len(adversarial) >= 2 else ["fewer than two are made to break shortcuts: all others are timed, too"]
    notes.settle("adversarial", " ".join(adversarial), missing, otherwise=Grade.WARNING)


def growing(timed: dict[str, list[Case]]) -> list[str]:
    """Return the letters of the shape whose values change with the scale."""
    values = {scale: _values_of(cases) for scale, cases in timed.items()}
    letters = sorted(set.intersection(*(set(one) for one in values.values())))
    return [letter for letter in letters if len({frozenset(one[letter]) for one in values.values()}) > 1]


def _values_of(cases: Sequence[Case]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for case in cases:
        for letter, size in case.shape.items():
            found.setdefault(letter, set()).add(size)
    return found


def _sizes(battery: Sequence[Case], timed: dict[str, list[Case]], notes: Notes, *, uses_ops: bool) -> None:
    letters, met = growing(timed), _values_of(battery)
    if not letters:
        notes.add(Grade.FAIL, "sizes", "no size of the workloads grows from small to large")
        return
    smallest = [f"no case has {letter} = 1" for letter in letters if 1 not in met.get(letter, set())]
    notes.settle("smallest size", f"{', '.join(letters)} = 1", smallest)
    tails = [
        f"every {letter} above {_BLOCK} is a multiple of {_VECTOR}: no kernel is seen to handle a tail"
        for letter in letters
        if not any(size > _BLOCK and size % _VECTOR for size in met.get(letter, set()))
    ]
    uneven = sorted({s for letter in letters for s in met.get(letter, set()) if s > _BLOCK and s % _VECTOR})
    notes.settle("uneven sizes", " ".join(map(str, uneven)), tails)
    edges = [
        f"no {letter} is one more than a multiple of {_BLOCK}"
        for letter in letters
        if not any(size > 1 and size % _BLOCK == 1 for size in met.get(letter, set()))
    ]
    notes.settle("one past a block", f"a size is 1 modulo {_BLOCK}", edges, otherwise=Grade.WARNING)
    if uses_ops:
        largest = max(max(met.get(letter, {0})) for letter in letters)
        small = [f"the largest is {largest}: `lar.ops` changes its algorithm at {_OPS_THRESHOLD}, seen by no case"]
        notes.settle(
            "large enough", f"up to {largest}", small if largest <= _OPS_THRESHOLD else [], otherwise=Grade.WARNING
        )
    fixed = sorted(set(met) - set(letters))
    same = [f"{letter} is {next(iter(met[letter]))} in every case" for letter in fixed if len(met[letter]) == 1]
    notes.settle("other sizes", f"{', '.join(fixed) or 'none'} vary", same, otherwise=Grade.WARNING)
    counts = {min(case.operations, 2) for case in battery}
    calls = [] if counts == {1, 2} else ["a call has always one operation, or never: both are timed"]
    wanted = len({min(case.operations, 2) for case in timed["small"]}) == 2
    notes.settle("operations a call", "one, and several", calls if wanted else [], otherwise=Grade.WARNING)


def _siblings(battery: Sequence[Case], timed: dict[str, list[Case]], notes: Notes) -> None:
    """See that whatever shape is timed large is proved small: alike but for what grows and the operations a call."""
    every = [case for cases in timed.values() for case in cases]
    letters = {letter for case in every for letter in case.shape}
    counts = {letter for letter in letters if all(case.shape.get(letter) == case.operations for case in every)}
    free = {*growing(timed), *counts}

    def kind(case: Case) -> str:
        return f"{ {name: v for name, v in case.shape.items() if name not in free} } {dict(case.statics)}"

    known = {kind(case) for case in battery}
    alone = list(dict.fromkeys(f"{case.name}" for case in timed["standard"] if kind(case) not in known))
    faults = [f"no case of the battery is shaped like {name}, but for {', '.join(sorted(free))}" for name in alone]
    notes.settle("small siblings", "every timed shape has one in the battery", faults, otherwise=Grade.WARNING)


def _ranks(exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Of a top-k, see that ties, k = rows and k above the rows are met."""
    found = [(one, truth) for one in exhibits for truth in one.truths[:1] if isinstance(truth, Ranked)]
    if not found:
        return
    ks = [(one.specs[1].shape[-1], truth.rows) for one, truth in found]
    notes.settle(
        "k above the rows", "padding is met", [] if any(k > rows for k, rows in ks) else ["no case has padding"]
    )
    notes.settle("k = rows", "met", [] if any(k == rows for k, rows in ks) else ["no case has k equal to the rows"])
    tied = [one.case.name for one, truth in found if _tied_at_k(truth, one)]
    faults = [] if tied else ["in no case is the k-th best tied with the next: which of them is right is never asked"]
    notes.settle("ties at rank k", " ".join(tied[:3]), faults)


def _tied_at_k(truth: Ranked, one: Exhibit) -> bool:
    k = one.specs[1].shape[-1]
    if k >= truth.rows:
        return False
    scores, _ = all_scores(truth, one.specs)
    ordered = np.sort(-scores if truth.largest else scores, axis=-1)
    return bool(np.any(ordered[..., k] == ordered[..., k - 1]))


def _values(exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Look at the numbers themselves: zeros, a common offset, repeats, the ends of integer types."""
    arrays = [leaf for one in exhibits for leaf in leaves((one.data, one.queries[0])) if leaf.size > _VECTOR]
    floats = [array for array in arrays if array.dtype.kind == "f"]
    missing = []
    if floats and not any(np.count_nonzero(array) < array.size / 2 for array in floats):
        missing.append("no array is mostly zero")
    if floats and not any(_offset(array) for array in floats):
        missing.append("no array has a common offset above its differences, where sums of products cancel")
    if not any(_repeated(array) for array in arrays):
        missing.append("no data set repeats a row or a value")
    missing += _ends(exhibits)
    notes.settle("values", "zeros, offsets, repeats, ends of integer types", missing, otherwise=Grade.WARNING)


def _offset(array: HostArray) -> bool:
    known = array[np.isfinite(array)].astype(np.float64)
    return known.size > 0 and bool(abs(known.mean()) > 3 * known.std() > 0)


def _repeated(array: HostArray) -> bool:
    rows = np.ascontiguousarray(array).reshape(len(array), -1)
    return len(rows) > 1 and len({row.tobytes() for row in rows}) <= len(rows) / 2


def _ends(exhibits: Sequence[Exhibit]) -> Iterator[str]:
    """Yield what integer type of the data never holds its smallest or its largest value."""
    found: dict[str, tuple[int, int]] = {}
    for leaf in (leaf for one in exhibits for leaf in leaves((one.data, one.queries[0])) if leaf.dtype.kind in "iu"):
        if leaf.size:
            low, high = found.get(leaf.dtype.name, (int(leaf.max()), int(leaf.min())))
            found[leaf.dtype.name] = min(low, int(leaf.min())), max(high, int(leaf.max()))
    for name, (low, high) in found.items():
        limits = np.iinfo(name)
        if (low, high) != (limits.min, limits.max):
            yield f"{name} goes from {low} to {high}, never to the ends of its type"
