"""The inputs of `bitpack`: pages of packed words, generated and seeded, the same to the bit on every machine.

Values are drawn from a named distribution over the width's whole range and packed into words that hold random bits
beforehand, so that whatever lies behind the last value is poison. An operation is a block of 1,024 values, the last
one of a page whole or not.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

_STREAM = "bitpack"
WIDTHS = (1, 3, 5, 7, 8, 11, 13, 16, 17, 24, 31, 32)
LAYOUTS = ("plain", "fastlanes")
BLOCK = 1_024
VALUES = {"small": 65_536, "standard": 1_048_576, "large": 16_777_216}
_TIMED_WIDTHS = {"small": (3, 17), "standard": (3, 11, 17, 31), "large": (3, 11, 17, 31)}
_TIMED = ("uniform", "skewed", "clustered")
_HARD = ("few-distinct", "monotonic", "extremes", "single-bit")
_SHUFFLED_BLOCKS = 16  # pages of so many are not drawn anew for every call


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every width, every distribution, sizes round those of words, groups and blocks.

    ``extremes`` has no bit set or all of them, so that a bit of a neighbour shows; ``single-bit`` has one bit set,
    another in each value, so that a bit in a wrong place shows. `spare` words of poison lie behind those needed; with
    none, a kernel that reads a whole vector at the end reads past the array.
    """
    kinds = (*_TIMED, *_HARD)
    cases = []
    for offset, layout in enumerate(LAYOUTS):
        cases += [
            case_of(kinds[(i + 3 * offset) % len(kinds)], layout, width, 8_193, seed, spare=(i + offset) % 2 * 7)
            for i, width in enumerate(WIDTHS)
        ]
        cases += [case_of(kind, layout, 11, 8_193, seed, spare=5) for kind in kinds]
    plain = ((1, 1), (17, 1), (32, 1), (7, 31), (7, 32), (7, 33), (31, 63), (1, 65), (13, 1_000), (24, 1_025))
    cases += [case_of("uniform", "plain", width, n, seed) for width, n in plain]
    cases += [case_of("extremes", "plain", 32, 64, seed, spare=1), case_of("single-bit", "plain", 27, 2_047, seed)]
    blocks = ((5, 1), (32, 31), (13, 33), (3, 1_023), (31, 1_024), (8, 1_025))
    cases += [case_of("uniform", "fastlanes", width, n, seed) for width, n in blocks]
    cases += [case_of("extremes", "fastlanes", 1, 2_048, seed, spare=1)]
    cases += [case_of("single-bit", "fastlanes", 27, 993, seed)]
    cases += [case_of("clustered", layout, 31, 32_768, seed) for layout in LAYOUTS]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: both layouts x four widths x three distributions; a page a call, whatever `nq` says.

    The small ones, which are to tell quickly whether all is well, have two of the widths.
    """
    del nq
    return tuple(
        case_of(distribution, layout, width, VALUES[scale], seed)
        for layout in LAYOUTS
        for width in _TIMED_WIDTHS[scale]
        for distribution in _TIMED
    )


def data(case: Case) -> Data:
    """Build a page of the case's column, not one of those that are asked: ``packed`` uint32 (words,)."""
    return {"packed": _page(case, sampling.key(case.seed, _STREAM, "data"))}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' pages, each uint32 (words,): small ones anew, of a large one the blocks in another order.

    A block of 1,024 values is 32 w words in both layouts; what is no whole block stays behind.
    """
    del data
    own = sampling.key(seed, _STREAM, "queries")
    blocks, row = case.shape["n"] // BLOCK, 32 * case.shape["width"]
    if blocks < _SHUFFLED_BLOCKS:
        return [_page(case, sampling.key(own, i)) for i in range(count)]
    page = _page(case, own)
    pages = []
    for i in range(count):
        fresh = page.copy()
        order = sampling.permutation(sampling.key(own, "order", i), blocks)
        fresh[: blocks * row] = page[: blocks * row].reshape(blocks, row)[order].reshape(-1)
        pages.append(fresh)
    return pages


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return another page in its place: what a page holds is in none of the answers."""
    del data
    return {"packed": _page(case, sampling.key(seed, _STREAM, "disguise"))}


def words_needed(layout: str, width: int, n: int) -> int:
    """Return how many words hold n values; in blocks, the last of which is whole, or without a gap."""
    return -(-n // BLOCK) * 32 * width if layout == "fastlanes" else -(-n * width // 32)


def case_of(distribution: str, layout: str, width: int, n: int, seed: int, spare: int = 0) -> Case:
    """Describe a case by its distribution, layout, bits of a value, values of a page and words behind those needed."""
    group = f"{distribution}/{layout}-w{width}/n{n}" + (f"+{spare}" if spare else "")
    sizes = {"n": n, "width": width, "words": words_needed(layout, width, n) + spare}
    statics = {"width": width, "n": n, "layout": layout}
    return Case(group, distribution, sizes, seed, statics, -(-n // BLOCK), f"{group}/s{seed}")


def _page(case: Case, key: int) -> HostArray:
    """Draw values and pack them into random words."""
    n, width, words = (case.shape[name] for name in ("n", "width", "words"))
    own = sampling.key(key, case.distribution, str(case.statics["layout"]), n, width)
    poison = sampling.words(sampling.key(own, "poison"), -(-words // 2))
    page: HostArray = poison.astype("<u8").view("<u4")[:words].astype(np.uint32)
    values = _values(case.distribution, width, n, own)
    (_pack_blocks if case.statics["layout"] == "fastlanes" else _pack)(values, width, page)
    return page


def _values(distribution: str, width: int, n: int, key: int) -> HostArray:
    """Draw uint64 (n,), each below ``2**width``."""
    top = np.uint64((1 << width) - 1)
    values: HostArray = sampling.words(sampling.key(key, "values"), n) >> np.uint64(64 - width)
    place = np.arange(n, dtype=np.uint64)
    match distribution:
        case "skewed":  # as many values of one length in bits as of any other
            values = values >> sampling.integers(sampling.key(key, "lengths"), (n,), width).astype(np.uint64)
        case "clustered":  # differences of sorted numbers that come in runs: small ones, and now and then a long way
            far = sampling.integers(sampling.key(key, "gaps"), (n,), 64) == 0
            values = np.where(far, values, values >> np.uint64(width - -(-width // 4)))
        case "few-distinct":
            values = values[sampling.integers(sampling.key(key, "kinds"), (n,), min(4, n))]
        case "monotonic":
            last = top - (values[0] >> np.uint64(1))
            values = place * last // np.uint64(max(n - 1, 1))
        case "extremes":
            values = np.where(values & np.uint64(1), top, np.uint64(0))
        case "single-bit":
            values = np.uint64(1) << (place + values[0]) % np.uint64(width)
        case _:
            pass
    return values


@njit
def _put(packed: HostArray, start: int, stride: int, first: int, width: int, value: int) -> None:
    """Set bits ``first .. first + width - 1`` of a stream whose word j is ``packed[start + j stride]``."""
    word, shift = start + first // 32 * stride, np.uint64(first % 32)
    mask, number = (np.uint64(1) << np.uint64(width)) - np.uint64(1), np.uint64(value)
    packed[word] = np.uint32((np.uint64(packed[word]) & ~(mask << shift)) | (number << shift))
    if first % 32 + width > 32:
        word, shift = word + stride, np.uint64(32 - first % 32)
        packed[word] = np.uint32((np.uint64(packed[word]) & ~(mask >> shift)) | (number >> shift))


@njit
def _pack(values: HostArray, width: int, packed: HostArray) -> None:
    for i in range(values.size):
        _put(packed, 0, 1, i * width, width, values[i])


@njit
def _pack_blocks(values: HostArray, width: int, packed: HostArray) -> None:
    for i in range(values.size):
        block, place = i // 1024, i % 1024
        quarter = place % 128 // 32
        row = place // 128 + 8 * (quarter // 2 + quarter % 2 * 2)  # 0, 2, 1, 3: the two bits exchanged
        _put(packed, block * 32 * width + place % 32, 32, row * width, width, values[i])
