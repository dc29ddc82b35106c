"""`predicate` against what a user would pick instead: NumPy, one thread, the same columns and constants.

``python -m bench.peers.predicate [--scale small|standard|large] [--backend numpy] [--only i32-lt] [--json FILE]``

NumPy gets its columns as it likes them: an i64 as int64, validity as booleans, a set of codes as a table of booleans.
It returns ids alone, as int64; the kernels return a mask and ids padded to all rows as well. Both allocate what they
return. pyarrow's ``compute`` and ``indices_nonzero``, on arrays with the bitmaps, stands beside it.
"""

import functools
import operator
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest
from lar.targets.predicate.form import CODES, Term, terms  # type: ignore[import-not-found]  # the folder is the registry

from lar.contracts import Case, Data, HostArray, Query, Target

CALLS = 4  # distinct constants in rotation
GOAL = 2.4
_PYTHON = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARROW = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
Mask = Callable[[int], Any]
"""The mask of a term, by the number of the input."""


def own(values: HostArray, kind: str) -> HostArray:
    """Return values or constants as NumPy has them."""
    return values.view(np.int64).reshape(-1) if kind == "i64" else values


def numpy_masks(term: Term, data: Data, queries: Sequence[Query]) -> dict[str, Mask]:
    """Return the ways in which NumPy finds where a term is true, by name."""
    n = len(data[term.column])
    values = np.ascontiguousarray(own(data[term.column], term.kind))
    valid = np.unpackbits(data[term.bitmap], count=n, bitorder="little").astype(bool)
    constants = [query[term.column] for query in queries]
    if term.operator == "is null":
        return {"numpy": lambda i: ~valid if constants[i][0] else valid}
    if term.kind in CODES:
        size = 256 if term.kind == "u8" else 65_536
        tables = [np.zeros(size, bool) for _ in constants]
        for table, bitmap in zip(tables, constants, strict=True):
            table[: 8 * len(bitmap)] = np.unpackbits(bitmap, bitorder="little")
        return {
            "numpy table[codes]": lambda i: tables[i][values] & valid,
            "numpy take": lambda i: np.take(tables[i], values) & valid,
        }
    asked = [own(one, term.kind) for one in constants]
    if term.operator == "in":
        return {
            "numpy isin": lambda i: np.isin(values, asked[i]) & valid,
            "numpy ==, |": lambda i: functools.reduce(np.logical_or, [values == one for one in asked[i]]) & valid,
        }
    compare = _PYTHON[term.operator]
    return {"numpy": lambda i: compare(values, asked[i][0]) & valid}


def arrow_mask(term: Term, data: Data, queries: Sequence[Query]) -> Mask:
    """Return how pyarrow finds where a term is true, on the same buffers."""
    n = len(data[term.column])
    kinds = {"i32": pa.int32(), "i64": pa.int64(), "f32": pa.float32(), "u8": pa.uint8(), "u16": pa.uint16()}
    buffers = [pa.py_buffer(data[term.bitmap]), pa.py_buffer(np.ascontiguousarray(data[term.column]))]
    column = pa.Array.from_buffers(kinds[term.kind], n, buffers)
    constants = [query[term.column] for query in queries]
    if term.operator == "is null":
        return lambda i: pc.is_null(column) if constants[i][0] else pc.is_valid(column)
    if term.kind in CODES:
        sets = [np.flatnonzero(np.unpackbits(one, bitorder="little")) for one in constants]
        chosen = [pa.array(one, kinds[term.kind]) for one in sets]
        return lambda i: pc.is_in(column, value_set=chosen[i], skip_nulls=True)
    asked = [pa.array(own(one, term.kind), kinds[term.kind]) for one in constants]
    if term.operator == "in":
        return lambda i: pc.is_in(column, value_set=asked[i], skip_nulls=True)
    return lambda i: _ARROW[term.operator](column, asked[i][0])


def both(masks: Sequence[Mask], join: Callable[[Any, Any], Any], ids: Callable[[Any], Any]) -> _contest.Call:
    """Return the call that joins the masks of all terms and makes ids of them."""

    def call(i: int) -> Any:
        i %= CALLS
        mask = masks[0](i)
        for other in masks[1:]:
            mask = join(mask, other(i))
        return ids(mask)

    return call


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1,))


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the one contest of a case."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    asked = terms(str(case.statics["predicate"]))
    ways = [numpy_masks(term, data, queries) for term in asked]
    named = ways[0] if len(ways) == 1 else {"numpy": next(iter(ways[0].values()))}
    others = [next(iter(way.values())) for way in ways[1:]]
    peers = {name: both([mask, *others], np.logical_and, np.flatnonzero) for name, mask in named.items()}
    arrow = both([arrow_mask(term, data, queries) for term in asked], pc.and_, pc.indices_nonzero)
    truth = [target.reference(case, data, query).values for query in queries]

    def agree(name: str, i: int, result: Any) -> None:
        mask, ids, count = truth[i]
        if isinstance(result, tuple):
            right = all(np.array_equal(one, other) for one, other in zip(result, (mask, ids, count), strict=True))
        else:
            right = np.array_equal(np.asarray(result), ids[: int(count)])
        if not right:
            raise ValueError(f"{name}: other rows than those that are true")

    yield Contest(
        case,
        peers,
        _contest.entrants(target.name, case, backends, data, queries),
        agree,
        CALLS,
        GOAL,
        beside={"pyarrow": arrow},
    )


COMPARISON = Comparison("predicate", ("pyarrow",), cases, contests, begin=lambda: pa.set_cpu_count(1))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
