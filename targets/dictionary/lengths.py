"""How long strings are, and what a page of them takes: known from a case's description, before anything is drawn."""

import functools
import math

import numpy as np

from lar.contracts import Case, HostArray

_SHARES = {"skewed": 15 / 16, "null-heavy": 1 / 4, "all-null": 0.0, "alternating": 1 / 2}
_RECORDED = {"recorded": 0.0}  # nothing is known of a user's own pages


def share_of_valid(distribution: str) -> float:
    """Return which part of the places is not null, on average; no more than that where it is not known."""
    return (_SHARES | _RECORDED).get(distribution, 1.0)


def shifts_of(K: int) -> int:
    """Return how many lengths in bits there are among skewed codes."""
    return max(1, (K - 1).bit_length())


def lengths_by_rank(distribution: str, K: int, longest: int) -> HostArray:
    """Return int64 (K,): the bytes of the r-th most frequent string, 1 to `longest`, spread evenly.

    They depend on no seed, so that what a page takes is known beforehand.
    """
    ranks = np.arange(K, dtype=np.uint64)
    spread = ranks * np.uint64(2_654_435_769) % np.uint64(2**32)  # multiples of the golden ratio
    lengths = (1 + (spread * np.uint64(longest) >> np.uint64(32))).astype(np.int64)
    if distribution == "empty-strings":
        lengths[::2] = 0
    return lengths


@functools.cache
def mean_length(distribution: str, K: int, longest: int) -> float:
    """Return the mean bytes of the strings that codes of a distribution name."""
    if distribution in {"identical", "ends"}:  # which entries they name is drawn
        return float(longest)
    lengths = lengths_by_rank(distribution, K, longest)
    if distribution != "skewed":
        return float(lengths.mean())
    return float(np.mean([lengths[: max(1, K >> shift)].mean() for shift in range(shifts_of(K))]))


def capacity(distribution: str, K: int, longest: int, n: int) -> int:
    """Return room for the strings of n codes: what they take on average, and eight standard deviations or more."""
    if distribution == "overflowing":
        return max(1, n // 2)
    average = share_of_valid(distribution) * mean_length(distribution, K, longest)
    return max(1, min(n * longest, int(n * average) + 4 * longest * math.isqrt(n)))


def capacity_of(case: Case) -> int:
    """Return how many bytes of strings a call returns."""
    found = case.statics["capacity"]
    return found if isinstance(found, int) else 0
