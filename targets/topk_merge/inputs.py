"""The inputs of `topk-merge`: generated, seeded, the same to the bit on every machine.

A data set is a pool of sorted runs, somewhat more and longer ones than a merge has. The runs of one merge are distinct
runs of the pool, each from a place of its own near its beginning: every call has runs that no other has, and making
them is copying. A run is as long as k, since that is what a partition asked for its k best returns; in the battery
there are longer and shorter ones.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

SHAPES = ((8, 1_000, 1_000), (64, 100, 100), (1_024, 10, 10), (16, 1_000, 16_000))
"""(R, L, k) at the standard scale; in the last, k = R * L: all of it is put in order."""

TENTHS = {"small": 1, "standard": 10, "large": 100}
"""What L and k are at each scale, in tenths of the standard one."""

TIMED = ("random", "sorted", "ties")
ADVERSARIAL = (
    "ascending",
    "interleaved",
    "identical",
    "negative",
    "narrow",
    "wide",
    "zeros",
    "infinite",
    "ends",
)

_ZEROS = (0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 1.5e-45, -1.5e-45)  # subnormals: some compilers take them for zero
_INFINITE = (np.inf, -np.inf, float(np.finfo(np.float32).max), float(np.finfo(np.float32).min))
_IN_ORDER = frozenset({"sorted", "ascending"})  # runs are drawn, and then kept in the order of the pool
_WHOLE = frozenset({"interleaved", "ends"})  # a merge has the whole pool, its runs in another order


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: the timed shapes, every distribution, odd sizes, padding, k = R * L.

    129 runs of 65 hold more than the 8,192 values from which the helpers in `lar.ops` change their algorithm, and
    either size is one past a block.
    """
    cases = [case_of(d, shape, nq, seed) for shape, nq in zip(SHAPES, (3, 3, 1, 2), strict=True) for d in TIMED]
    cases += [case_of(d, (129, 65, 65), 2, seed) for d in (*TIMED, *ADVERSARIAL)]
    cases += [case_of(d, (5, 37, 90), 3, seed) for d in ADVERSARIAL]
    cases += [case_of(d, (3, 5, 15), 2, seed) for d in ("random", "ties", "ends", "zeros")]
    cases += [case_of(d, (3, 5, 20), 2, seed) for d in ("random", "ties", "ends", "infinite")]
    cases += [case_of("random", shape, 2, seed) for shape in ((1, 1, 1), (1, 100, 10), (1, 9, 9), (1, 3, 7), (5, 1, 3))]
    cases += [case_of("ties", shape, 2, seed) for shape in ((2, 7, 3), (13, 1_000, 7), (2_049, 4, 65))]
    cases += [case_of(d, (8_193, 1, 10), 2, seed) for d in ("random", "ties")]
    cases += [case_of("random", shape, 2, seed) for shape in ((1_003, 3, 1), (1_003, 3, 40))]
    cases += [case_of(d, (2, 4_097, 8_194), 1, seed) for d in ("random", "zeros")]
    cases += [case_of("random", (64, 100, 100), 32, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: four shapes x three distributions x each number of merges a call.

    The small ones, which are to tell quickly whether all is well, do without the second shape: it lies between others.
    """
    shapes = [shape for number, shape in enumerate(SHAPES) if (scale, number) != ("small", 1)]
    return tuple(
        case_of(distribution, (R, max(L * TENTHS[scale] // 10, 1), max(k * TENTHS[scale] // 10, 1)), count, seed)
        for R, L, k in shapes
        for distribution in TIMED
        for count in nq
    )


def pool_shape(case: Case) -> tuple[int, int]:
    """Return how many runs the pool of a case has, and how long they are; one of somebody's own says so itself."""
    if "runs" in case.shape:
        return case.shape["runs"], case.shape["length"]
    R, L = case.shape["R"], case.shape["L"]
    return (R, L) if case.distribution in _WHOLE else (2 * R, L + L // 4)


def data(case: Case) -> Data:
    """Build the pool of a case: ``scores`` float32 and ``ids`` uint32, one run a row, of `pool_shape`."""
    runs, length = pool_shape(case)
    own = sampling.key(case.seed, "topk-merge", case.distribution, runs, length)
    scores = _scores(case.distribution, sampling.key(own, "scores"), (runs, length))
    return _in_runs(scores, _ids(case.distribution, sampling.key(own, "ids"), (runs, length)))


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Put `count` calls' runs together: dicts of ``scores`` float32 and ``ids`` uint32, both (nq, R, L)."""
    R, L, nq = (case.shape[name] for name in ("R", "L", "nq"))
    runs, length = data["scores"].shape
    key = sampling.key(seed, "topk-merge", case.distribution, "queries", R, L, nq)
    shape = (count * nq, R)
    chosen = _distinct(sampling.words(sampling.key(key, "runs"), count * nq * R).reshape(shape), runs)
    if case.distribution in _IN_ORDER:
        chosen.sort(axis=1)
    starts = sampling.integers(sampling.key(key, "starts"), shape, length - L + 1)
    scores, ids = (_windows(data[name], chosen, starts, L) for name in ("scores", "ids"))
    return [{"scores": scores[i : i + nq], "ids": ids[i : i + nq]} for i in range(0, count * nq, nq)]


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same scores under other ids: those of the pool, secretly dealt out anew."""
    ids = data["ids"].reshape(-1)
    order = sampling.permutation(sampling.key(seed, "topk-merge", "disguise", case.distribution), ids.size)
    return _in_runs(data["scores"], ids[order].reshape(data["ids"].shape))


def case_of(distribution: str, shape: tuple[int, int, int], nq: int, seed: int) -> Case:
    """Describe a case by its distribution, (R, L, k) and merges a call."""
    R, L, k = shape
    group = f"{distribution}/{R}x{L}"
    sizes = {"R": R, "L": L, "k": k, "nq": nq}
    return Case(f"{group}/k{k}/q{nq}", distribution, sizes, seed, {"k": k}, nq, f"{group}/s{seed}")


def _scores(distribution: str, key: int, shape: tuple[int, int]) -> HostArray:
    """Draw float32 scores, in any order within a run; what tells one run from another is there."""
    runs, length = shape
    draw: HostArray = sampling.normal(key, shape)
    match distribution:
        case "sorted" | "ascending":  # disjoint ranges, the best run first or last
            draw = np.sort(draw, axis=None)[:: -1 if distribution == "sorted" else 1].reshape(shape)
        case "interleaved":  # in order, one of each run in turn
            draw = 0.5 - np.arange(runs * length).reshape(length, runs).T
        case "ties" | "ends":
            draw = 0.25 * sampling.integers(key, shape, 8) - 1.0
        case "identical":
            draw = np.full(shape, 0.5)
        case "negative":
            draw = -np.abs(draw)
        case "narrow":  # neighbours in float32, where a shorter mantissa has one value
            draw = 1.0 + 2.0**-23 * sampling.integers(key, shape, 256)
        case "wide":  # all magnitudes of float32, subnormals among them
            draw = np.ldexp(draw, sampling.integers(sampling.key(key, "exponents"), shape, 272) - 149)
        case "zeros":
            draw = np.array(_ZEROS)[sampling.integers(key, shape, len(_ZEROS))]
        case "infinite":
            draw = np.array(_INFINITE)[sampling.integers(key, shape, len(_INFINITE))]
        case _:
            pass
    out: HostArray = draw.astype(np.float32)
    return out


def _ids(distribution: str, key: int, shape: tuple[int, int]) -> HostArray:
    """Draw distinct uint32 ids; of `ends` the lowest and the highest there are."""
    n = shape[0] * shape[1]
    if distribution == "ends":
        near = np.arange(n, dtype=np.uint32)
        ids = np.where(near % 2 == 0, near // 2, ~(near // 2))[sampling.permutation(key, n)]
    else:
        # The finaliser of MurmurHash3 is a bijection of 32-bit words: distinct counts become distinct ids.
        ids = np.arange(n, dtype=np.uint32) + np.uint32(key & 0xFFFFFFFF)
        ids ^= ids >> np.uint32(16)
        ids *= np.uint32(0x85EBCA6B)
        ids ^= ids >> np.uint32(13)
        ids *= np.uint32(0xC2B2AE35)
        ids ^= ids >> np.uint32(16)
    return ids.reshape(shape)


def _in_runs(scores: HostArray, ids: HostArray) -> Data:
    """Sort each row by descending score, then by id; 0.0 and -0.0 are equal."""
    row = np.broadcast_to(np.arange(len(scores))[:, None], scores.shape)
    order = np.lexsort((ids.reshape(-1), -scores.astype(np.float64).reshape(-1), row.reshape(-1)))
    return {"scores": scores.reshape(-1)[order].reshape(scores.shape), "ids": ids.reshape(-1)[order].reshape(ids.shape)}


@njit
def _distinct(words: HostArray, runs: int) -> HostArray:
    """Draw as many distinct numbers below `runs` as a row of random words is long, for each row: int64."""
    out = np.empty(words.shape, np.int64)
    order = np.arange(runs)
    for i in range(words.shape[0]):
        for j in range(words.shape[1]):
            other = j + np.int64(words[i, j] % np.uint64(runs - j))  # Fisher and Yates, begun anew from any order
            order[j], order[other] = order[other], order[j]
            out[i, j] = order[j]
    return out


@njit
def _windows(pool: HostArray, chosen: HostArray, starts: HostArray, length: int) -> HostArray:
    """Copy `length` items of each chosen row, from its start on: (merges, R, length)."""
    merges, runs = chosen.shape
    out = np.empty((merges, runs, length), pool.dtype)
    for i in range(merges):
        for r in range(runs):
            run, start = chosen[i, r], starts[i, r]
            for place in range(length):  # a slice costs more than a short run
                out[i, r, place] = pool[run, start + place]
    return out
