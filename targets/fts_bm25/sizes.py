"""What the sizes of a case say before anything is built: how long each posting list is, which terms a query may name.

Terms are numbered by frequency, and list r holds about ``0.3 N / (r + 1)`` of N documents: Zipf's law.
"""

import itertools

import numpy as np

from lar.contracts import Case, HostArray

TIMED = ("rare", "mixed", "common")

_FIRST = 2  # the two commonest terms are what a store leaves out as stop words
_COMMON = 64


def counts(distribution: str, N: int, V: int) -> HostArray:
    """Return int64 (V,): the postings of each term's list."""
    zipf = np.clip(3 * N // (10 * np.arange(1, V + 1)), 1, N)
    match distribution:
        case "giant":  # the first list holds every document
            zipf[0] = N
        case "nothing":
            zipf[:] = 0
        case "gaps":  # every other list is empty
            zipf[1::2] = 0
        case "scarce":
            zipf = np.arange(V) % 3
        case "tied":
            zipf[:] = max(1, N // 3)
        case "ascending" | "weightless":
            zipf[:2] = N
        case "few-and-many":  # a list of a few documents, then one of nearly all, by turns
            zipf[::2], zipf[1::2] = min(N, 12), max(1, N - N // 8)
        case _:
            pass
    return np.minimum(zipf, N).astype(np.int64)


def strata(distribution: str, V: int, T: int) -> list[tuple[int, int]]:
    """Return, for each of T terms of a query, the terms from and below which it is drawn.

    A timed query takes one term from each of T bands, each as many times rarer than the one before it as the next.
    Others may name any term.
    """
    if distribution not in TIMED:
        return [(0, V)] * T
    first = max(_FIRST, V // 10) if distribution == "rare" else _FIRST
    last = min(V, _COMMON) if distribution == "common" else V
    edges = [first]
    for t in range(1, T):
        edges.append(max(edges[-1] + 1, round(first * (last / first) ** (t / T))))
    edges.append(max(edges[-1] + 1, last))
    return list(itertools.pairwise(edges))


def capacity(distribution: str, N: int, V: int, T: int) -> int:
    """Return how many postings the lists of one query have together, at most."""
    size = counts(distribution, N, V)
    return max(1, sum(int(size[low:high].max(initial=0)) for low, high in strata(distribution, V, T)))


def fewest(case: Case) -> int:
    """Return the length of the shortest list that a timed query may name; 0 of other cases."""
    s = case.shape
    if case.distribution not in TIMED:
        return 0
    size = counts(case.distribution, s["N"], s["V"])
    return min(int(size[low:high].min()) for low, high in strata(case.distribution, s["V"], s["T"]))
