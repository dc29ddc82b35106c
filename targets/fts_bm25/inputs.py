"""The inputs of `fts-bm25`: inverted indexes and queries; generated, seeded, the same to the bit on every machine.

A posting list of c of N documents takes one from each of c equal ranges, so it is ascending as drawn. Lengths of timed
documents are what their postings come to and as many tokens that are not indexed, so that they are possible lengths.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, Growth, HostArray, Query

from . import sizes
from .sizes import TIMED

ROWS = {"small": (4_096, 100), "standard": (100_000, 2_000), "large": (1_000_000, 10_000)}
"""Documents N and terms V."""

TERMS = (2, 5, 15)
K1, B = 1.2, 0.75
_INT32_MAX = 2**31 - 1
_STREAM = "fts-bm25"


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, k = N and more, and what breaks shortcuts.

    8193 documents cross the size from which the helpers in `lar.ops` change their algorithm. ``tied`` has equal scores
    everywhere, ``ascending`` documents that each are better than all before, ``few-and-many`` short lists beside
    nearly full ones whose terms weigh as much, ``weightless`` terms of weight zero.
    """
    n, V = ROWS["small"]
    special = ("giant", "gaps", "scarce", "tied", "repeated", "lengths", "frequent", "ends")
    hostile = ("ascending", "few-and-many", "weightless", "nothing")
    cases = [_case(d, n, V, T, 3, 10, seed) for T in TERMS for d in TIMED]
    cases += [_case(d, n, V, 5, 3, 100, seed) for d in TIMED]
    cases += [_case(d, 1_000, 40, 5, 3, 10, seed) for d in (*special, *hostile)]
    cases += [_case(d, 1_000, 40, 2, 3, 100, seed) for d in ("giant", "scarce", "tied", "few-and-many", "ascending")]
    cases += [_case("mixed", rows, V, 5, 3, 10, seed) for rows in (1, 2, 9, 4_097)]
    cases += [_case("mixed", 8_193, 129, 5, 3, 10, seed)]
    cases += [_case(d, 257, 40, 3, 2, 257, seed) for d in ("mixed", "tied", "lengths")]
    cases += [_case("scarce", 64, 40, 2, 1, 70, seed), _case("giant", 1, 1, 1, 1, 1, seed)]
    cases += [_case("mixed", n, V, 5, 32, 10, seed), _case("few-and-many", 4_097, 100, 2, 32, 10, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: rare, mixed and common terms; 2, 5 and 15 of them; k = 10, and 100 for five terms."""
    return tuple(
        _case(d, *ROWS[scale], T, count, k, seed)
        for T, k in ((2, 10), (5, 10), (15, 10), (5, 100))
        for d in TIMED
        for count in nq
    )


def growth(seed: int, most: int) -> dict[str, Growth]:
    """Return cases along documents, terms a query and queries a call, each from a shape in the middle."""
    rows = [n for n in (4_000 * 4**i for i in range(6)) if 40 * n <= most]
    N, V = ROWS["standard"]
    return {
        "N": Growth(tuple(_case("mixed", n, V, 5, 1, 10, seed) for n in rows)),
        "T": Growth(tuple(_case("common", N, V, T, 1, 10, seed) for T in (1, 2, 4, 8, 16, 32))),
        "nq": Growth(tuple(_case("mixed", N, V, 5, count, 10, seed) for count in (1, 2, 4, 8, 16, 32, 64))),
    }


def data(case: Case) -> Data:
    """Build the index of a case: arrays as in the module `lar.targets.fts_bm25` itself."""
    N, V = case.shape["N"], case.shape["V"]
    key = sampling.key(case.seed, _STREAM, _index(case.distribution), N, V, case.shape["T"])
    counts = sizes.counts(case.distribution, N, V)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    documents = _documents(sampling.key(key, "documents"), N, counts, offsets)
    if case.distribution == "ends":  # the last documents, and the first one
        rank = np.arange(documents.size) - np.repeat(offsets[:-1], counts)
        documents = np.where(rank == 0, 0, N - np.repeat(counts, counts) + rank)
    frequencies = _frequencies(case.distribution, sampling.key(key, "frequencies"), documents.size)
    lengths = _lengths(case.distribution, sampling.key(key, "lengths"), N, documents, frequencies)
    mean = 100.0 if case.distribution == "lengths" else max(1.0, float(lengths.mean()))
    return {
        "offsets": offsets.astype(np.int32),
        "documents": documents.astype(np.uint32),
        "frequencies": frequencies.astype(np.int32),
        "lengths": lengths.astype(np.int32),
        "average": np.full(1, mean, np.float32),
        "idf": _idf(case.distribution, N, counts),
    }


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each uint32 (nq, T), terms in any order."""
    del data
    V, T, total = case.shape["V"], case.shape["T"], count * case.shape["nq"]
    key = sampling.key(seed, _STREAM, case.distribution, "queries", V, T)
    terms = np.empty((total, T), np.int64)
    for t, (low, high) in enumerate(sizes.strata(case.distribution, V, T)):
        terms[:, t] = low + sampling.integers(sampling.key(key, t), (total,), high - low)
    match case.distribution:
        case "repeated":
            terms[:, 2:] = terms[:, :1]
        case "giant" | "ascending" | "weightless":
            terms[:, -1] = 0
        case "few-and-many":
            terms[:, -1] |= 1
            terms[:, 0] &= ~1
        case _:
            pass
    order = np.argsort(sampling.uniform(sampling.key(key, "order"), (total, T)), axis=1, kind="stable")
    terms = np.take_along_axis(np.minimum(terms, V - 1), order, axis=1)
    return list(terms.astype(np.uint32).reshape(count, case.shape["nq"], T))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same index with its documents renumbered secretly."""
    N, offsets = case.shape["N"], data["offsets"].astype(np.int64)
    number = sampling.permutation(sampling.key(seed, _STREAM, "disguise"), N)
    documents = number[data["documents"]]
    term = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    order = np.argsort(term * N + documents, kind="stable")
    lengths = np.empty_like(data["lengths"])
    lengths[number] = data["lengths"]
    changed = {"documents": documents[order].astype(np.uint32), "frequencies": data["frequencies"][order]}
    return {**data, **changed, "lengths": lengths}


def _case(distribution: str, N: int, V: int, T: int, nq: int, k: int, seed: int) -> Case:
    capacity = sizes.capacity(distribution, N, V, T)
    shape = {"N": N, "V": V, "T": T, "nq": nq, "k": k, "capacity": capacity}
    statics = {"k": k, "k1": K1, "b": B, "capacity": capacity}
    key = f"{_index(distribution)}/t{T}/n{N}/v{V}/s{seed}"
    return Case(f"{distribution}/n{N}/t{T}/k{k}/q{nq}", distribution, shape, seed, statics, nq, key)


def _index(distribution: str) -> str:
    """Return the name of the index that queries are put to: those of timed queries are alike."""
    return "zipf" if distribution in TIMED else distribution


def _documents(key: int, N: int, counts: HostArray, offsets: HostArray) -> HostArray:
    count = np.repeat(counts, counts)
    rank = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
    low, high = rank * N // np.maximum(count, 1), (rank + 1) * N // np.maximum(count, 1)
    found: HostArray = low + (sampling.uniform(key, low.shape) * (high - low)).astype(np.int64)
    return found


def _frequencies(distribution: str, key: int, size: int) -> HostArray:
    draw = sampling.uniform(key, (size,))
    if distribution in {"tied", "ascending", "few-and-many"}:
        return np.ones(size, np.int64)
    if distribution == "frequent":
        return np.where(draw < 0.5, 1, _INT32_MAX)
    return 1 + np.minimum(0.25 * draw / (1.0 - draw), 60.0).astype(np.int64)  # one in five is above 1


def _lengths(distribution: str, key: int, N: int, documents: HostArray, frequencies: HostArray) -> HostArray:
    match distribution:
        case "tied" | "few-and-many":
            return np.full(N, 100)
        case "lengths":
            return np.array([0, 1, 100, 10_000, _INT32_MAX])[sampling.integers(key, (N,), 5)]
        case "ascending":  # the shorter, the better
            return 10 * np.arange(N, 0, -1)
        case _:
            own = np.bincount(documents, weights=frequencies.astype(np.float64), minlength=N).astype(np.int64)
            own = np.minimum(own, 10_000)
            other = 40.0 * (0.2 + sampling.normal(key, (N,)) ** 2)
            lengths: HostArray = own + other.astype(np.int64)
            return lengths


def _idf(distribution: str, N: int, counts: HostArray) -> HostArray:
    """Return float32 (V,): the weight of Robertson and Sparck Jones, one added under the logarithm as Lucene does."""
    if distribution in {"tied", "few-and-many", "giant", "ascending"}:
        return np.ones(counts.size, np.float32)
    idf: HostArray = _logarithm(1.0 + (N - counts + 0.5) / (counts + 0.5)).astype(np.float32)
    if distribution == "weightless":
        idf[::2] = 0.0
    return idf


def _logarithm(x: HostArray) -> HostArray:
    """Return the natural logarithm by ``2 atanh((m - 1) / (m + 1))`` of the mantissa m: the same bits everywhere."""
    mantissa, exponent = np.frexp(x)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square, series = ratio * ratio, np.zeros_like(ratio)
    for i in range(20, -1, -1):
        series = series * square + 1.0 / (2 * i + 1)
    out: HostArray = exponent * 0.6931471805599453 + 2.0 * ratio * series
    return out
