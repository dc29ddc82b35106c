"""Section 1: the target is what `lar.contracts.Target` says, before anything is compared with it."""

import itertools
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from lar.contracts import Case, Data, HostArray, Spec, Target
from lar.datasets import Datasets
from lar.errors import BadInputError
from lar.examination.exhibits import SEED, Exhibit, build, copied, same
from lar.examination.report import Grade, Notes
from lar.trees import leaves, tree_map

NAME, TITLE = "contract", "The contract holds"
SCALES = ("small", "standard", "large")
NQ = (1, 32)
_DTYPES = frozenset({"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "float16", "float32"})


def examine(target: Target, datasets: Datasets, notes: Notes) -> list[Exhibit]:
    """Hold a target against its contract; return its battery, built, or nothing where that cannot be done."""
    _texts(target, notes)
    battery = notes.attempt("battery", lambda: list(target.battery(SEED)))
    if battery is None:
        return []
    timed = notes.attempt("workloads", lambda: [c for scale in SCALES for c in target.workloads(SEED, scale, NQ)])
    if timed is None:
        return []
    if not battery or not timed:
        notes.add(Grade.FAIL, "cases", f"{len(battery)} in the battery and {len(timed)} workloads, expected some")
        return []
    _cases(target, battery, timed, notes)
    exhibits = _built(target, datasets, battery, notes)
    if len(exhibits) < len(battery):
        return []
    _generators(target, exhibits, notes)
    _shared(target, exhibits, notes)
    _refuses(target, exhibits, notes)
    _disguises(target, exhibits, notes)
    _small_workloads(target, datasets, notes)
    return exhibits


def _texts(target: Target, notes: Notes) -> None:
    faults = [f"TARGET.{text} is empty" for text in ("summary", "source", "operation") if not getattr(target, text)]
    notes.settle("texts", f"{target.name}: {target.summary}", faults)


def _cases(target: Target, battery: list[Case], timed: list[Case], notes: Notes) -> None:
    faults = []
    for cases in (battery, *(list(target.workloads(SEED, scale, NQ)) for scale in SCALES)):
        names = [case.name for case in cases]
        faults += [f"two cases are called {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    for case in (*battery, *timed):
        faults += [f"{case.name}: {fault}" for fault in _case(target, case)]
    if [repr(c) for c in battery] != [repr(c) for c in target.battery(SEED)]:
        faults.append(f"battery({SEED}) is not the same twice")
    notes.settle("cases", f"{len(battery)} in the battery, {len(timed)} workloads in three scales", faults)


def _case(target: Target, case: Case) -> list[str]:
    faults = []
    if not case.name.startswith(case.distribution):
        faults.append(f"the name does not start with the distribution {case.distribution!r}")
    if len(case.data_key.split("/")) < 2:
        faults.append(f"data_key {case.data_key!r} has no shape in it, expected 'distribution/shape/...'")
    if case.operations < 1 or any(size < 1 for size in case.shape.values()):
        faults.append(f"operations {case.operations} and shape {dict(case.shape)}: expected positive numbers")
    try:
        hash(tuple(sorted(case.statics.items())))
        travelled = {name: _tuples(value) for name, value in json.loads(json.dumps(dict(case.statics))).items()}
        if travelled != dict(case.statics):
            faults.append(f"statics {dict(case.statics)} reach a worker as {travelled}")
    except TypeError as error:
        faults.append(f"statics {dict(case.statics)}: {error}; expected hashable numbers, words and tuples of them")
    specs = target.outputs(case)
    if not specs or not all(isinstance(one, Spec) and np.dtype(one.dtype).name in _DTYPES for one in specs):
        faults.append(f"outputs are {specs}, expected specs of {', '.join(sorted(_DTYPES))}")
    return faults


def _built(target: Target, datasets: Datasets, battery: list[Case], notes: Notes) -> list[Exhibit]:
    exhibits, faults = [], []
    for case in battery:
        found = notes.attempt(f"building {case.name}", partial(build, target, datasets, case))
        if found is None:
            break
        exhibits.append(found)
        faults += [f"{case.name}: {fault}" for fault in _arrays((found.data, found.queries))]
        if not isinstance(found.data, dict):
            faults.append(f"{case.name}: data is a {type(found.data).__name__}, expected a dict of arrays")
    notes.settle("data", f"{len(exhibits)} data sets pass `check`, in dtypes that every backend has", faults)
    return exhibits


def _arrays(tree: Any) -> list[str]:
    """Return what is wrong with the leaves of what kernels are handed."""
    faults = []
    for leaf in leaves(tree):
        if type(leaf) is not np.ndarray:
            faults.append(f"a {type(leaf).__name__} where a NumPy array is expected")
        elif leaf.dtype.name not in _DTYPES or not leaf.dtype.isnative:
            faults.append(f"an array of {leaf.dtype}, which not every backend has: JAX would narrow it")
    return faults


def _generators(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Hold what was built, or kept by an earlier run, against what is built now."""
    faults, seen = [], set()
    for one in exhibits:
        case = one.case
        if case.data_key not in seen and not same(target.data(case), one.data):
            faults.append(f"{case.name}: data differs when it is built again from the same seed")
        seen.add(case.data_key)
        if not same(tuple(target.queries(case, copied(one.data), case.seed, len(one.queries))), one.queries):
            faults.append(f"{case.name}: queries differ when they are drawn again from the same seed")
    notes.settle("deterministic", f"{len(seen)} data sets and their queries, the same twice", faults)
    faults = []
    others = list(target.battery(SEED + 1))
    pairs = sorted(zip(exhibits, others, strict=False), key=lambda pair: pair[0].cost)
    if {one.case.data_key for one in exhibits} & {case.data_key for case in others}:
        faults.append("battery(0) and battery(1) share a data_key: one would be given the other's data")
    if all(same(one.data, target.data(case)) for one, case in pairs):
        faults.append("data does not depend on the seed")
    if all(same(target.queries(one.case, copied(one.data), SEED + 1, 1)[0], one.queries[0]) for one in exhibits):
        faults.append("queries do not depend on the seed")
    if all(same(one.queries[0], one.queries[1]) for one in exhibits):
        faults.append("the calls of a case all have one query")
    notes.settle("seeds", "another seed gives other data and other queries", faults)


def _shared(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """Hold the data of cases that share a key against each other."""
    by_key: dict[str, list[Exhibit]] = {}
    for one in exhibits:
        by_key.setdefault(one.case.data_key, []).append(one)
    faults = []
    for key, group in by_key.items():
        for one, other in itertools.pairwise(group):
            if one.case.seed != other.case.seed or not same(target.data(one.case), target.data(other.case)):
                faults.append(f"{one.case.name} and {other.case.name} share the data_key {key} and not the data")
    notes.settle("data keys", f"{len(by_key)} keys for {len(exhibits)} cases; one key, one data set", faults)


def _refuses(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    """See whether `check` refuses data of a wrong dtype and of a wrong shape, leaf by leaf."""
    one = exhibits[-1]
    passed = []
    for what, spoil in (("dtype", _wider), ("shape", _deeper)):
        for number in range(len(list(leaves(one.data)))):
            try:
                target.check(one.case, _spoiled(one.data, number, spoil))
            except BadInputError:
                continue
            except Exception as error:  # noqa: BLE001 - any other exception is a fault worth telling
                passed.append(f"array {number} of wrong {what} makes `check` raise {type(error).__name__}")
            else:
                passed.append(f"`check` passes data whose array {number} has a wrong {what}")
    notes.settle("check", "refuses a wrong dtype and a wrong shape of every array", passed, otherwise=Grade.WARNING)


def _wider(array: HostArray) -> HostArray:
    return array.astype(np.float64)


def _deeper(array: HostArray) -> HostArray:
    return array[..., None]


def _spoiled(data: Data, number: int, spoil: Callable[[HostArray], HostArray]) -> Data:
    """Return the data with one of its arrays spoilt."""
    places = itertools.count()
    spoiled: Data = tree_map(lambda array: spoil(array) if next(places) == number else array, data)
    return spoiled


def _disguises(target: Target, exhibits: Sequence[Exhibit], notes: Notes) -> None:
    faults, changed = [], 0
    for one in exhibits:
        case, given = one.case, copied(one.data)
        try:
            hidden = target.disguise(case, given, 12_345)
            target.check(case, hidden)
            target.queries(case, copied(hidden), 1, 1)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its fault
            faults.append(f"{case.name}: the disguised data is not valid: {' '.join(str(error).split())}")
            continue
        changed += not same(hidden, one.data)
        if not same(given, one.data):
            faults.append(f"{case.name}: disguise changes the data it was given")
        if not same(hidden, target.disguise(case, copied(one.data), 12_345)):
            faults.append(f"{case.name}: disguise is not the same twice")
        specs = [[(leaf.dtype, leaf.shape) for leaf in leaves(tree)] for tree in (one.data, hidden)]
        if specs[0] != specs[1]:
            faults.append(f"{case.name}: disguise changes a dtype or a shape")
    if not changed:
        faults.append("disguise never changes the data: a kernel could know it in advance")
    notes.settle("disguise", f"valid everywhere, other data in {changed} of {len(exhibits)} cases", faults)


def _small_workloads(target: Target, datasets: Datasets, notes: Notes) -> None:
    cases = list(target.workloads(SEED, "small", NQ))
    faults = []
    for case in cases:
        try:
            target.check(case, datasets.data(case))  # of cases that share data, `datasets` has checked the first
        except Exception as error:  # noqa: BLE001 - whatever it raises is its fault
            faults.append(f"{case.name}: {' '.join(str(error).split())}")
    notes.settle("small workloads", f"{len({case.data_key for case in cases})} data sets pass `check`", faults)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
