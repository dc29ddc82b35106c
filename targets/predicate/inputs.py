"""The inputs of `predicate`: columns with validity bitmaps, and constants that select a stated share of the rows.

A value is made of its rank u in [0, 1), so that one and the same draw makes a column of any type and a constant that a
stated share of the ranks lies below. What is asked by equality has a stated number of distinct values instead. Rows
without a value hold something that would be selected as often as any other; codes there are out of the dictionary.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

from . import columns
from .columns import EQUALITY, LIMITS, PATTERNS
from .constants import constants_of
from .form import CODES, Term, terms

TIMED = ("random", "runs", "no-null")
ROWS = {"small": 20_000, "standard": 1_000_000, "large": 100_000_000}
LONGEST = 64
"""Constants of an IN list. Longer ones are what a set of values is for, which is another kernel."""
_STREAM = "predicate"
_SLUGS = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "in": "in", "is null": "null"}


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases.

    Every operator on every type between the ends of the type; every form on rows in every arrangement; sizes round
    those of bytes, words and blocks; 8193 rows cross the size from which the helpers in `lar.ops` change their
    algorithm, and 70,001 have ids that 16 bits do not hold.
    """
    one, pair, main = "i32 < ?", "f32 > ? and i32 <= ?", 4_099
    cases = [_case("random", one, main, per_mille, seed) for per_mille in (60, 5, 450, 990)]
    forms = (pair, "i64 >= ?", "u8 in ?", "u16 in ?", "i32 in ?", "f32 = ?", "i64 is null ?")
    cases += [_case(d, form, main, 300, seed) for form in forms for d in (*TIMED, "half-null", "all-null")]
    cases += [_case(d, form, main, 500, seed) for form in (one, pair, "u8 in ?", "f32 in ?") for d in PATTERNS]
    cases += [_case("sorted", form, main, 300, seed) for form in (one, pair)]
    orders = [f"{kind} {operator} ?" for kind in ("i32", "i64", "f32") for operator in _SLUGS if operator != "is null"]
    cases += [
        _case(d, form, 131, 500, seed, length=3 if " in" in form else 1)
        for form in orders
        for d in LIMITS[: 3 + form.startswith("f32")]
    ]
    cases += [_case("random", one, n, 500, seed) for n in (1, 2, 7, 8, 9, 63, 64, 65, 127, 1_000, 8_193, 70_001)]
    cases += [_case("all", form, n, 500, seed) for form in (one, "u8 in ?") for n in (1, 64, 129, 8_193)]
    small = (pair, "i64 < ?", "f32 >= ?", "u8 in ?", "u16 in ?", "i32 in ?", "u16 is null ?")
    cases += [_case("random", form, n, 500, seed) for form in small for n in (1, 65)]
    cases += [_case("random", "u8 in ?", 515, 300, seed, codes=codes) for codes in (1, 3, 200)]
    cases += [_case("random", "u16 in ?", 5_000, 300, seed, codes=codes) for codes in (2, 300, 65_536)]
    cases += [_case("random", form, 515, 300, seed, length=LONGEST) for form in ("i32 in ?", "i64 in ?", "f32 in ?")]
    cases += [_case("random", form, 700, 300, seed) for form in ("u8 in ? and i64 < ?", "i32 is null ? and u16 in ?")]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: forms and selectivities on random rows, fewer of them on runs and without nulls."""
    del nq
    n = ROWS[scale]
    every, one, pair = (5, 60, 450, 990), "i32 < ?", "f32 > ? and i32 <= ?"
    cases = [_case("random", form, n, per_mille, seed) for form in (one, pair) for per_mille in every]
    cases += [_case("random", "f32 <= ?", n, per_mille, seed) for per_mille in (60, 450)]
    cases += [_case("random", "i64 >= ?", n, per_mille, seed) for per_mille in (60, 450)]
    cases += [
        _case("random", form, n, per_mille, seed) for form in ("u8 in ?", "u16 in ?") for per_mille in (5, 60, 450)
    ]
    cases += [_case("random", "i32 in ?", n, 60, seed), _case("random", "i32 is null ?", n, 60, seed)]
    cases += [_case("runs", form, n, per_mille, seed) for form in (one, pair) for per_mille in (60, 450)]
    cases += [_case("no-null", one, n, 60, seed), _case("no-null", "u8 in ?", n, 60, seed)]
    return tuple(cases)


def case_of(distribution: str, predicate: str, n: int, seed: int, length: int = 8) -> Case:
    """Return a case of so many rows, of which 6 % are selected."""
    return _case(distribution, predicate, n, 60, seed, length=length)


def data(case: Case) -> Data:
    """Build the data set of a case: the columns ``a`` and, of a second term, ``b``, each with its bitmap."""
    found: dict[str, HostArray] = {}
    for term in terms(str(case.statics["predicate"])):
        found[term.column], found[term.bitmap] = columns.column(
            case, term, sampling.key(case.seed, _STREAM, case.data_key, term.column)
        )
    return found


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' constants: of each term's column, by its name."""
    del data
    own = sampling.key(seed, _STREAM, "queries", str(case.statics["predicate"]), case.shape["selected"])
    drawn = {term.column: constants_of(case, term, sampling.key(own, term.column), count) for term in _terms(case)}
    return [{column: constants[i] for column, constants in drawn.items()} for i in range(count)]


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order; where their arrangement matters, from a secret one on and round."""
    n = case.shape["n"]
    own = sampling.key(seed, _STREAM, "disguise")
    if case.distribution in {"runs", "sorted", *PATTERNS}:
        order = (np.arange(n) + sampling.integers(own, (1,), n)) % n
    else:
        order = sampling.permutation(own, n)
    hidden = {}
    for term in _terms(case):
        bitmap = data[term.bitmap]
        valid = np.unpackbits(bitmap, count=n, bitorder="little").astype(bool)
        hidden[term.column], hidden[term.bitmap] = data[term.column][order], columns.packed(valid[order], len(bitmap))
    return hidden


def _case(
    distribution: str, predicate: str, n: int, per_mille: int, seed: int, length: int = 8, codes: int = 0
) -> Case:
    asked = terms(predicate)
    slug = "+".join(f"{term.kind}-{_SLUGS[term.operator]}" for term in asked)
    sizes = {"n": n, "selected": per_mille}
    if any(term.operator == "in" and term.kind not in CODES for term in asked):
        sizes["L"], slug = length, f"{slug}{length}"
    if any(term.kind in CODES for term in asked):
        sizes["K"] = codes or (256 if any(term.kind == "u8" for term in asked) else 10_000)
        slug = f"{slug}-k{sizes['K']}"
    # Where order alone is asked for, one column serves every share.
    ordered = all(term.operator not in {*EQUALITY, "is null"} or term.kind in CODES for term in asked)
    group = f"{distribution}/{slug}-n{n}" + ("" if ordered else f"/{per_mille}")
    name = f"{distribution}/{slug}/n{n}/{per_mille / 10:g}%"
    return Case(name, distribution, sizes, seed, {"predicate": predicate}, n, f"{group}/s{seed}")


def _terms(case: Case) -> tuple[Term, ...]:
    return terms(str(case.statics["predicate"]))
