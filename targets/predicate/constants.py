"""Constants of `predicate`: a share of the ranks, some of the distinct values, the ends of a type, a set of codes."""

import numpy as np

from lar import sampling
from lar.contracts import Case, HostArray

from .columns import EQUALITY, LIMITS, PATTERNS, categories, distinct, limits, of_rank, turned
from .form import CODES, Term, terms


def constants_of(case: Case, term: Term, key: int, count: int) -> HostArray:
    """Draw the constants of `count` calls: (count, ...)."""
    if term.operator == "is null":
        first = int(sampling.integers(key, (1,), 2)[0])
        return ((first + np.arange(count)) % 2).astype(np.int32)[:, None]
    share = case.shape["selected"] / 1000
    if len(terms(str(case.statics["predicate"]))) == 2:
        share = share**0.5
    if term.kind in CODES:
        return np.stack([_code_set(case, share, sampling.key(key, i)) for i in range(count)])
    if case.distribution in LIMITS:
        return _limit_constants(case, term, key, count)
    if term.operator in EQUALITY:
        return distinct(term.kind, _members(case, term, key, count))
    drawn = sampling.uniform(key, (count, 1)) - 0.5
    u = 0.5 + 0.4 * drawn if case.distribution in PATTERNS else share + 0.1 * min(share, 1 - share) * drawn
    return of_rank(term.kind, turned(term, u), sampling.key(key, "more"))


def _members(case: Case, term: Term, key: int, count: int) -> HostArray:
    """Return the numbers of distinct values to ask for: (count, L), by themselves neither first nor in order."""
    length = case.shape["L"] if term.operator == "in" else 1
    total = length if case.distribution in PATTERNS else categories(case, term)
    first = sampling.integers(key, (count, 1), total)
    return (first + np.arange(length)[::-1]) % total


def _limit_constants(case: Case, term: Term, key: int, count: int) -> HostArray:
    """Return constants at one end of a type, or round zero, another one in each call."""
    choices: HostArray = limits(term.kind)
    if term.kind == "f32":
        order = {"limits-low": (0, 1, 2, 3), "limits-high": (7, 8, 9, 10), "limits-zero": (4, 5, 6, 11, 12, 13)}
        places = np.array(order.get(case.distribution, (14, 15, 16, 17)))  # which are NaN
    else:
        middle = len(choices) // 2
        parts = {"limits-low": (0, 3), "limits-high": (len(choices) - 3, 3), "limits-zero": (middle - 3, 7)}
        start, size = parts[case.distribution]
        places = start + np.arange(size)
    length = case.shape.get("L", 1)
    turn = sampling.integers(key, (1, 1), len(places)) + np.arange(count)[:, None] * length + np.arange(length)
    found: HostArray = choices[places[turn % len(places)]]
    return found


def _code_set(case: Case, share: float, key: int) -> HostArray:
    """Return a bitmap of the share of a dictionary's codes; of the patterns, of the lower half."""
    size = case.shape["K"]
    chosen = np.zeros(size, bool)
    if case.distribution in PATTERNS:
        chosen[: size // 2] = True
    else:
        chosen[sampling.permutation(key, size)[: max(1, round(share * size))]] = True
    return np.packbits(chosen, bitorder="little")
