"""The inputs of `hamming`: generated, seeded, the same to the bit on every machine.

Codes are bits; a bit that is set with probability 2**-d is the conjunction of d random ones, so that everything is
made of whole words.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

WIDTHS = (16, 32, 128)
"""Bytes of a code: 128, 256 and 1024 bits."""

ROWS = {"small": 4_096, "standard": 100_000, "large": 1_000_000}
_CLUSTERS = 32
_COPIES = 64
_NOISE = 3  # a bit in eight differs from the centre or the row that a vector is drawn from
_FAINT = 6


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, odd sizes, ties, k = N, and inputs made to break filters.

    N = 8193 crosses the size from which the helpers in `lar.ops` change their algorithm; 1, 5 and 33 bytes are no
    whole words, and 32 and 33 bytes differ in more bits than a byte can count.
    """
    small, medium, large = WIDTHS
    every = ("random", "clustered", "duplicates", "identical", "opposite", "descending", "tail", "exact")
    cases = [case_of(d, small, 4_096, 3, 10, seed) for d in every]
    cases += [case_of(d, medium, 4_096, 3, 10, seed) for d in ("random", "clustered", "opposite")]
    cases += [case_of(d, large, 4_096, 3, 10, seed) for d in ("random", "clustered", "descending", "tail")]
    cases += [case_of("random", small, n, 3, 10, seed) for n in (1, 9, 1_000, 4_097, 8_193)]
    cases += [case_of(d, 5, 1_000, 3, 10, seed) for d in ("clustered", "tail")]
    cases += [case_of("clustered", 1, 1_000, 3, 10, seed), case_of("opposite", 33, 1_000, 3, 10, seed)]
    cases += [case_of(d, medium, 257, 1, 257, seed) for d in ("random", "duplicates", "opposite")]
    cases += [case_of("clustered", small, 4_096, 32, 100, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three widths x three distributions x each number of queries a call; k = 10."""
    return tuple(
        case_of(distribution, width, ROWS[scale], count, 10, seed)
        for width in WIDTHS
        for distribution in ("random", "clustered", "duplicates")
        for count in nq
    )


def data(case: Case) -> Data:
    """Build the data set of a case: ``codes`` uint8 (N, B)."""
    N, B = case.shape["N"], case.shape["B"]
    own = sampling.key(case.seed, "hamming", case.distribution, N, B)
    rows = sampling.key(own, "rows")
    codes: HostArray
    match case.distribution:
        case "clustered":
            codes = _centres(case)[np.arange(N) % _CLUSTERS] ^ _sparse(rows, (N, B), _NOISE)
        case "duplicates":
            different = -(-N // _COPIES)
            codes = _random(rows, (different, B))[sampling.integers(sampling.key(own, "copies"), (N,), different)]
        case "identical":
            codes = np.repeat(_random(rows, (1, B)), N, axis=0)
        case "opposite":
            # The queries are next to nothing: every distance is near its largest, and half of them are that.
            codes = ~_sparse(rows, (N, B), _FAINT)
            codes[::2] = 255
        case "descending":
            # Fewer bits from row to row, and next to none in the queries: every row is better than all before it.
            share = 1.0 - (np.arange(N) + 0.5)[:, None] / N
            codes = np.packbits(sampling.uniform(rows, (N, 8 * B)) < share, axis=1)
        case "tail":
            # All but the last byte is the same everywhere: no look at the beginning rules out a row.
            codes = np.repeat(_random(sampling.key(own, "head"), (1, B)), N, axis=0)
            codes[:, -1] = _random(rows, (N,))
        case _:
            codes = _random(rows, (N, B))
    return {"codes": np.ascontiguousarray(codes)}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' queries, each uint8 (nq, B): near rows of the data set where those lie near each other."""
    codes, nq, B = data["codes"], case.shape["nq"], case.shape["B"]
    total = count * nq
    key = sampling.key(seed, "hamming", case.distribution, "queries", B, nq)
    place = sampling.key(key, "places")
    match case.distribution:
        case "clustered":
            drawn = _centres(case)[sampling.integers(place, (total,), _CLUSTERS)] ^ _sparse(key, (total, B), _NOISE)
        case "duplicates" | "identical":
            drawn = codes[sampling.integers(place, (total,), len(codes))] ^ _sparse(key, (total, B), _NOISE)
        case "exact":
            drawn = codes[sampling.integers(place, (total,), len(codes))]
        case "opposite":
            drawn = _sparse(key, (total, B), _FAINT)
            drawn.reshape(count, nq, B)[:, ::2] = 0
        case "descending":
            drawn = _sparse(key, (total, B), _FAINT)
        case "tail":
            drawn = np.repeat(codes[:1], total, axis=0)
            drawn[:, -1] = _random(key, (total,))
        case _:
            drawn = _random(key, (total, B))
    return list(drawn.reshape(count, nq, B))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    order = sampling.permutation(sampling.key(seed, "hamming", "disguise"), case.shape["N"])
    return {"codes": np.ascontiguousarray(data["codes"][order])}


def case_of(distribution: str, B: int, N: int, nq: int, k: int, seed: int) -> Case:
    """Describe a case by its distribution, bytes of a code, rows, queries a call and results a query."""
    group = f"{distribution}/{8 * B}bits/n{N}"
    return Case(
        f"{group}/k{k}/q{nq}",
        distribution,
        {"B": B, "N": N, "nq": nq, "k": k},
        seed,
        {"k": k},
        nq,
        f"{group}/s{seed}",
    )


def _centres(case: Case) -> HostArray:
    return _random(sampling.key(case.seed, "hamming", "centres", case.shape["B"]), (_CLUSTERS, case.shape["B"]))


def _random(key: int, shape: tuple[int, ...]) -> HostArray:
    """Draw uint8 whose bits are independent and set as often as not."""
    size = int(np.prod(shape, dtype=np.int64))
    drawn = sampling.words(key, -(-size // 8)).astype("<u8", copy=False)  # bytes in the same order on every machine
    out: HostArray = drawn.view(np.uint8)[:size].reshape(shape)
    return out


def _sparse(key: int, shape: tuple[int, ...], depth: int) -> HostArray:
    """Draw uint8 whose bits are independent and set with probability ``2**-depth``."""
    out = _random(sampling.key(key, 0), shape)
    for i in range(1, depth):
        out &= _random(sampling.key(key, i), shape)
    return out
