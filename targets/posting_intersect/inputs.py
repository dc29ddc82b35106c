"""The inputs of `posting-intersect`: a store of posting lists, generated and seeded, the same to the bit everywhere.

The data set is the store. A query is K list numbers, so that fresh ones cost next to nothing and any two lists of the
store may meet. Under ``skewed`` the first half of the lists are short, and a query names one of them at any place and
K - 1 long ones. `_list` says what each distribution is for.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

_STREAM = "posting-intersect"
_SKEW = 100
_STANDARD = {"balanced": (10_000, 1_000_000), "skewed": (25_000, 500_000), "dense": (5_000, 10_000)}
"""Ids of a long list, and the universe they are from."""
_TENTHS = {"small": 1, "standard": 10, "large": 100}
_LISTS = {"small": 256, "standard": 512, "large": 256}
"""So many that few pairs come up twice among the calls of a run."""
_END = 2**32


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: the timed shapes with few lists, and inputs made to break shortcuts.

    8193 is past the size from which the helpers in `lar.ops` change their algorithm.
    """
    cases = [_timed(name, K, "standard", 8, 3, seed) for name in _STANDARD for K in (2, 3, 5)]
    hard = ("identical", "disjoint", "interleaved", "nested", "blocks", "ends", "mixed", "some-empty")
    cases += [case_of(name, (3, 6), (1_000, 50_000), (1_000, 700), 3, seed) for name in hard]
    far = ("high", "wide", "clustered", "edges")
    cases += [case_of(name, (K, 5), (1_003, _END), (1_003, 1_003), 3, seed) for name in far for K in (2, 5)]
    cases += [
        case_of("balanced", (2, 1), (1, 1), (1, 1), 1, seed),
        case_of("balanced", (1, 3), (65, 97), (65, 65), 1, seed),
        case_of("dense", (3, 4), (17, 33), (17, 5), 2, seed),
        case_of("dense", (2, 65), (65, 130), (65, 65), 32, seed),
        case_of("dense", (3, 4), (8_193, 16_385), (8_193, 129), 1, seed),
        case_of("wide", (2, 3), (8_193, _END), (8_193, 8_193), 1, seed),
        case_of("clustered", (3, 100), (4_097, _END), (4_097, 513), 32, seed),
        case_of("skewed", (3, 9), (6_500, 130_000), (65, 65), 1, seed),
        case_of("all-empty", (3, 2), (4, 9), (4, 4), 2, seed),
    ]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: K = 2, 3, 5 x three distributions x each number of queries a call."""
    return tuple(
        _timed(name, K, scale, _LISTS[scale], count, seed) for K in (2, 3, 5) for name in _STANDARD for count in nq
    )


def data(case: Case) -> Data:
    """Build the data set of a case: ``ids`` uint32 (P,) and ``offsets`` int32 (lists + 1,)."""
    s = case.shape
    own = sampling.key(case.seed, _STREAM, case.distribution, s["lists"], s["universe"], s["longest"], s["shortest"])
    lists = [_list(case, own, sampling.key(own, "list", number), number) for number in range(s["lists"])]
    offsets = np.zeros(len(lists) + 1, np.int32)
    offsets[1:] = np.cumsum([len(one) for one in lists])
    return {"ids": np.concatenate(lists).astype(np.uint32), "offsets": offsets}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each int32 (nq, K): numbers of lists."""
    del data
    K, lists, nq = case.shape["K"], case.shape["lists"], case.shape["nq"]
    key = sampling.key(seed, _STREAM, "queries", K, nq)
    numbers = sampling.integers(key, (count * nq, K), lists)
    if case.distribution == "skewed":
        short = lists // 2
        numbers = short + numbers % (lists - short)
        place = sampling.integers(sampling.key(key, "place"), (count * nq,), K)
        numbers[np.arange(count * nq), place] = sampling.integers(sampling.key(key, "short"), (count * nq,), short)
    return list(numbers.astype(np.int32).reshape(count, nq, K))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same lists under secret numbers; under ``skewed`` the short ones stay in front."""
    ids, offsets = data["ids"], data["offsets"]
    lists = case.shape["lists"]
    order = sampling.permutation(sampling.key(seed, _STREAM, "disguise"), lists)
    if case.distribution == "skewed":
        order = np.concatenate([order[order < lists // 2], order[order >= lists // 2]])
    renumbered = np.zeros_like(offsets)
    renumbered[1:] = np.cumsum(np.diff(offsets)[order])
    return {"ids": np.concatenate([ids[offsets[one] : offsets[one + 1]] for one in order]), "offsets": renumbered}


def _timed(distribution: str, K: int, scale: str, lists: int, nq: int, seed: int) -> Case:
    longest, universe = (size * _TENTHS[scale] // 10 for size in _STANDARD[distribution])
    shortest = longest // _SKEW if distribution == "skewed" else longest
    capacity = longest // 8 if distribution == "balanced" else shortest
    return case_of(distribution, (K, lists), (longest, universe), (shortest, capacity), nq, seed)


def case_of(
    distribution: str, store: tuple[int, int], ids: tuple[int, int], bounds: tuple[int, int], nq: int, seed: int
) -> Case:
    """Describe a case by its distribution, (lists a query, lists), (ids of the longest, universe), bounds and queries.

    The bounds are how many ids the shortest list of a query has at most, and how many are returned at most.
    """
    (K, lists), (longest, universe), (shortest, capacity) = store, ids, bounds
    group = f"{distribution}/k{K}/n{longest}/l{lists}"
    sizes = {"K": K, "lists": lists, "universe": universe, "nq": nq}
    statics = {"capacity": capacity, "shortest": shortest, "longest": longest}
    # A store is the same however many lists a query names.
    store_of = f"{distribution}/n{longest}/l{lists}/u{universe}/b{shortest}/s{seed}"
    return Case(f"{group}/q{nq}", distribution, sizes | statics, seed, statics, nq, store_of)


def _distinct(key: int, count: int, universe: int) -> HostArray:
    """Draw at most `count` distinct ids below `universe`, ascending; exactly so many where the universe is small."""
    if universe <= 4 * count:
        return np.sort(sampling.permutation(key, universe)[:count])
    return np.unique(sampling.integers(key, (count,), universe))


def _some(key: int, pool: HostArray, share: float) -> HostArray:
    """Keep a share of the ids of a pool."""
    return pool[sampling.uniform(key, pool.shape) < share]


def _list(case: Case, own: int, key: int, number: int) -> HostArray:
    """Draw one list of a case: ascending int64 below 2**32, no longer than ``longest``."""
    n, universe, lists = case.shape["longest"], case.shape["universe"], case.shape["lists"]
    match case.distribution:
        case "skewed" if number < lists // 2:
            ids = _distinct(key, case.shape["shortest"], universe)
        case "mixed":  # lengths of a Zipf distribution
            ids = _distinct(key, n // (1 + number), universe)
        case "some-empty":
            ids = _distinct(key, n * (number % 2), universe)
        case "all-empty":
            ids = _distinct(key, 0, universe)
        case "high":  # the last ids there are
            ids = _END - 1 - np.append(_distinct(key, n - 1, 2 * n)[::-1] + 1, 0)
        case "wide":  # over all of uint32, both ends in every list, half of the others in common
            shared = _some(key, _distinct(own, n - 2, _END), 0.5)
            apart = _distinct(sampling.key(key, "apart"), n - 2 - len(shared), _END)
            ids = np.unique(np.concatenate([[0, _END - 1], shared, apart]))
        case "clustered":  # runs of 64 ids far apart, half of them in common
            starts = _some(key, _distinct(own, 2 * n // 64, _END - 64), 0.5)
            ids = np.unique(starts[:, None] + np.arange(64))[:n]
        case "balanced" | "skewed" | "dense":
            ids = _distinct(key, n, universe)
        case _:
            ids = _contrived(case, own, key, number)
    return ids


def _contrived(case: Case, own: int, key: int, number: int) -> HostArray:
    """Make a list that breaks one shortcut."""
    n, universe, lists = case.shape["longest"], case.shape["universe"], case.shape["lists"]
    steps = np.arange(n)
    match case.distribution:
        case "identical":  # every comparison succeeds
            ids = _distinct(own, n, universe)
        case "disjoint":  # one list after the other: nothing to compare
            ids = number * (universe // lists) + _distinct(key, n, universe // lists)
        case "interleaved":  # the same blocks of ids throughout, and no id in common
            ids = steps * lists + number
        case "ends":  # the same, but for the first and the last id
            ids = np.concatenate([[0], steps[1:-1] * lists + number, [n * lists]])
        case "nested":  # every list contains the next one
            ids = _some(sampling.key(own, "nested"), _distinct(own, n, universe), 1 / (1 + number))
        case "blocks":  # one id in every 512, in the same byte of a bitmap, in the same bit for half of them
            byte = sampling.integers(sampling.key(own, "byte"), (n,), 64)
            ids = 512 * steps + 8 * byte + sampling.integers(key, (n,), 2)
        case "edges":  # where blocks, chunks and signs begin and end
            marks = np.concatenate([[0, 2**31, _END], np.arange(1, n // 10) * 64, np.arange(1, n // 10) * 65_536])
            pool = np.unique(marks[:, None] + np.array([-1, 0, 1]))
            ids = _some(key, pool[(pool >= 0) & (pool < _END)], 0.75)
        case _:
            raise ValueError(f"unknown distribution {case.distribution!r}")
    return ids
