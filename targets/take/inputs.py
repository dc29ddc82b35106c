"""The inputs of `take`: random words as rows, and lists of row ids; generated, seeded, the same to the bit everywhere.

What a kernel meets is decided by the ids, so a distribution is one of ids, and cases of one shape share their rows.
Rows hold what a detour over numbers would change: the ends of int32, and the bits of signalling NaNs, of a negative
zero and of subnormals.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

TIMED = ("random", "sorted", "clustered", "duplicated")
SHAPES = {
    "small": ((100_000, 1, 10_000), (100_000, 2, 10_000), (20_000, 128, 1_000)),
    "standard": ((10_000_000, 1, 1_000_000), (10_000_000, 2, 1_000_000), (1_000_000, 128, 100_000)),
    "large": ((100_000_000, 1, 4_000_000), (50_000_000, 2, 4_000_000), (2_000_000, 128, 400_000)),
}
"""Per scale: rows N, words a row W, ids n."""
RUN = 64
"""Mean length of a run of clustered ids, and how often a duplicated id occurs."""
_HARD = ("descending", "identical", "ends", "whole", "nearly-runs", "stuttering")
_STREAM = "take"
_WORDS = (-(2**31), 2**31 - 1, 0x7F800001, -0x3FFFFF, 1, -1, 0)
"""The ends of int32; signalling and quiet NaN; a subnormal; all bits; zero. -2**31 is also the float -0.0."""


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, every width, sizes round those of vectors and blocks.

    ``whole`` is one long run of ids, ``nearly-runs`` looks like one where only the ends of 16 ids are compared,
    ``stuttering`` where only their distance is; ``ends`` has the first and the last row alone. 70,001 rows have ids
    that 16 bits do not hold.
    """
    main = (5_000, 4_099)
    cases = [case_of(distribution, main[0], width, main[1], seed) for distribution in TIMED for width in (1, 2)]
    cases += [case_of(distribution, main[0], 1, main[1], seed) for distribution in _HARD]
    cases += [case_of(distribution, 1_025, 128, 515, seed) for distribution in (*TIMED, *_HARD)]
    cases += [case_of(distribution, 5_000, 2, 65, seed) for distribution in _HARD]
    cases += [case_of("random", 70_001, 1, 8_193, seed), case_of("sorted", 8_193, 2, 16_385, seed)]
    cases += [case_of("random", 1_000, width, 257, seed) for width in (3, 4, 5, 15, 16, 17, 33, 130)]
    cases += [case_of("random", 1_000, 1, n, seed) for n in (1, 15, 16, 17, 63, 65)]
    cases += [case_of("random", 1, width, 33, seed) for width in (1, 2, 128)]
    cases += [case_of("random", 1, 1, 1, seed), case_of("sorted", 17, 128, 1, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three shapes x four distributions; how many ids a call has is part of the shape.

    The small ones, which are to tell quickly whether all is well, do without ids in order: what those gain is memory
    that is far away, and the small tables lie in a cache.
    """
    del nq
    timed = [distribution for distribution in TIMED if (scale, distribution) != ("small", "sorted")]
    return tuple(case_of(d, N, width, n, seed) for N, width, n in SHAPES[scale] for d in timed)


def data(case: Case) -> Data:
    """Build the data set of a case: ``values`` int32 (N, W)."""
    N, width = case.shape["N"], case.shape["W"]
    own = sampling.key(case.seed, _STREAM, "values", N, width)
    words: HostArray = sampling.words(own, -(-N * width // 2)).astype("<u8", copy=False).view("<i4")[: N * width]
    special = words[:: max(1, words.size // 64)]
    special[:] = np.resize(np.array(_WORDS, np.int32), special.size)
    return {"values": words.astype(np.int32, copy=False).reshape(N, width)}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' row ids, each uint32 (n,), below N."""
    del data
    N, n = case.shape["N"], case.shape["n"]
    own = sampling.key(seed, _STREAM, case.distribution, N, n)
    drawn = sampling.integers(own, (count, n), N).astype(np.uint32)
    second = _second(case, sampling.key(own, "second"), count)
    return [_arranged(case, ids, more) for ids, more in zip(drawn, second, strict=True)]  # a call's fit into a cache


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same rows in a secret order."""
    order = sampling.permutation(sampling.key(seed, _STREAM, "disguise"), case.shape["N"])
    return {"values": data["values"][order]}


def case_of(distribution: str, N: int, width: int, n: int, seed: int) -> Case:
    """Describe a case by the distribution of its ids, rows, words a row and ids a call."""
    rows = f"{N}x{width}"
    sizes = {"N": N, "W": width, "n": n}
    return Case(f"{distribution}/{rows}/n{n}", distribution, sizes, seed, {}, n, f"rows/{rows}/n{n}/s{seed}")


def _second(case: Case, key: int, count: int) -> HostArray:
    """Draw what some distributions need besides ids: int64, a row for each of `count` calls."""
    n = case.shape["n"]
    match case.distribution:
        case "clustered":
            return sampling.integers(key, (count, n), RUN)
        case "duplicated":
            return sampling.integers(key, (count, n), -(-n // RUN))
        case "nearly-runs":
            return sampling.integers(key, (count, -(-n // 16)), 2)
        case _:
            return np.empty((count, 0), np.int64)


def _arranged(case: Case, ids: HostArray, second: HostArray) -> HostArray:
    """Return one call's ids, of the case's distribution, made of as many uniform ones: both uint32 (n,).

    Parameters
    ----------
    case : Case
    ids : array
        uint32 (n,), drawn anew below N; it may be overwritten.
    second : array
        int64, what `_second` has drawn for this call.
    """
    N, n = np.uint32(case.shape["N"]), len(ids)
    along = np.arange(n, dtype=np.uint32)
    match case.distribution:
        case "sorted":
            ids.sort()
        case "descending":
            ids[::-1].sort()
        case "clustered":
            # Wherever a run begins, its first row is the one drawn there; a run that meets the last row goes on at 0.
            begins = second == 0
            begins[0] = True
            first = np.maximum.accumulate(np.where(begins, along, np.uint32(0)))
            ids = (ids[first] + (along - first)) % N
        case "duplicated":
            ids = ids[second]
        case "identical":
            ids[:] = ids[0]
        case "ends":
            ids = (ids & 1) * (N - np.uint32(1))
        case "whole":
            ids = (ids[0] % N + along) % N
        case "nearly-runs":
            # Neighbours within a run change places, so that its 16 ids begin and end as those of a run do.
            swapped = along ^ ((along % 16 == 7) | (along % 16 == 8)) * np.uint32(15)
            chosen = np.repeat(second == 1, 16)[:n]
            ids = (ids[0] % N + np.where(chosen & (swapped < n), swapped, along)) % N
        case "stuttering":
            ids = (ids[0] % N + along // 2) % N
        case _:
            pass
    return ids.astype(np.uint32, copy=False)
