"""The inputs of `masked-squares`: generated and seeded, the same to the bit on every machine.

Values are of unit size, as a column is after scaling. A bitmap selects half of them at random, but for the
distributions ``none-selected`` and ``all-selected``; its bits past the end are always set, so that a kernel that reads
them is found.
"""

from collections.abc import Sequence

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

_STREAM = "masked-squares"
SIZES = {
    "small": (1_000, 4_096, 10_000),
    "standard": (10_000, 50_000, 200_000),
    "large": (500_000, 1_000_000, 4_000_000),
}
LARGEST = 1e12
"""Sums of 2**40 squares of it are still far from float32's end."""


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, sizes round those of bytes and vectors, one and many queries.

    ``constant`` makes every rounding of a running sum fall the same way, ``spike`` hides small values behind a large
    one, ``offset`` has a common offset, ``garbage`` holds NaN and infinity where nothing is selected.
    """
    timed = ("normal", "uniform", "sparse")
    hard = ("constant", "spike", "offset", "nearly-zero", "garbage", "none-selected", "all-selected", "duplicates")
    cases = [_case(distribution, 4_099, 3, seed) for distribution in (*timed, *hard)]
    cases += [_case("normal", n, 3, seed) for n in (1, 7, 64, 65, 1_000)]
    cases += [_case("garbage", 1_000, 1, seed), _case("constant", 8_193, 32, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three sizes x three distributions x each number of queries a call."""
    return tuple(
        _case(distribution, n, count, seed)
        for n in SIZES[scale]
        for distribution in ("normal", "uniform", "sparse")
        for count in nq
    )


def data(case: Case) -> Data:
    """Build the data set of a case: ``values`` float32 (n,)."""
    n = case.shape["n"]
    own = sampling.key(case.seed, _STREAM, case.distribution, n)
    values = sampling.normal(own, (n,))
    rare = sampling.uniform(sampling.key(own, "rare"), (n,)) < 0.1
    match case.distribution:
        case "uniform":
            values = 2.0 * sampling.uniform(own, (n,)) - 1.0
        case "sparse":
            values = np.where(rare, values, 0.0)
        case "constant":
            values = np.full(n, 0.1 + abs(values[0]))
        case "spike":
            values[n // 2] = 1e3
        case "offset":
            values = 100.0 + values
        case "nearly-zero":
            values = np.where(rare, 1e-4 * values, 0.0)
        case "duplicates":
            values = values[np.arange(n) % 7]
        case "garbage":
            values = np.where(rare, np.where(values > 0, np.nan, np.inf), values)
        case _:
            pass
    return {"values": values.astype(np.float32)}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' bitmaps, each uint8 (nq, ceil(n/8)); cheap, since one random word makes 64 bits."""
    n, nq = case.shape["n"], case.shape["nq"]
    octets = -(-n // 8)
    drawn = sampling.words(sampling.key(seed, _STREAM, "bitmaps", n, nq), -(-count * nq * octets // 8))
    bitmaps: HostArray = drawn.astype("<u8").view(np.uint8)[: count * nq * octets].reshape(count, nq, octets)
    if case.distribution in {"none-selected", "all-selected"}:
        bitmaps = np.full_like(bitmaps, 255 if case.distribution == "all-selected" else 0)
    past_the_end = np.packbits(np.arange(8 * octets) >= n, bitorder="little")
    present = np.packbits(np.isfinite(data["values"]), bitorder="little")
    return list(bitmaps & present | past_the_end)


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same values in a secret order."""
    order = sampling.permutation(sampling.key(seed, _STREAM, "disguise"), case.shape["n"])
    return {"values": data["values"][order]}


def _case(distribution: str, n: int, nq: int, seed: int) -> Case:
    group = f"{distribution}/n{n}"
    return Case(f"{group}/q{nq}", distribution, {"n": n, "nq": nq}, seed, {}, nq, f"{group}/s{seed}")
