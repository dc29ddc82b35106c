"""The inputs of `dictionary`: dictionaries and pages of codes, generated and seeded, the same to the bit everywhere.

A dictionary of fixed-width values holds what a detour over numbers would change: the ends of int32, and the bits of
signalling NaNs, of a negative zero and of subnormals. One of strings has poison in front of its first and behind its
last string, and characters of one to four bytes. Codes at nulls, and the bits of a bitmap behind its last place, are
random throughout.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

from .lengths import capacity, lengths_by_rank, share_of_valid, shifts_of

TIMED = ("uniform", "skewed", "sorted", "null-heavy")
VALUES = {"small": 32_768, "standard": 1_048_576, "large": 16_777_216}
LONG = 128
"""So many times fewer strings a page where they are of up to 4 kB."""
FRONT, SPARE = 5, 9
"""Bytes of poison in front of the strings, and in all."""

_HARD = ("all-null", "alternating", "null-runs", "one-null", "identical", "ends")
_STREAM = "dictionary"
_WORDS = (-(2**31), 2**31 - 1, 0x7F800001, -0x3FFFFF, 1, -1, 0)
"""The ends of int32; signalling and quiet NaN; a subnormal; all bits; zero. -2**31 is also the float -0.0."""
_CHARACTERS = ("é", "漢", "🜁")  # of two, three and four bytes


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every distribution, width of codes and kind of value, sizes round those of vectors.

    ``alternating`` has every other place null, ``null-runs`` whole bytes and words of them, ``one-null`` the last
    place; ``ends`` names the first and the last entry alone. ``overflowing`` pages do not fit their capacity.
    """
    every = (*TIMED, *_HARD)
    cases = [fixed(d, 1, 256, 1, 4_099, seed) for d in every]
    cases += [fixed(d, 4, 5_000, 2, 1_027, seed) for d in every]
    cases += [fixed(every[i % 10], 1, K, 1 + i % 2, 1_025, seed) for i, K in enumerate((1, 2, 3, 15, 16, 17, 31, 32))]
    cases += [fixed(every[i % 10], 1, K, 1 + i % 2, 583, seed) for i, K in enumerate((2, 8, 33, 64, 65, 128, 129, 255))]
    cases += [fixed("uniform", 1, 256, 2, 8_193, seed), fixed("skewed", 2, 65_536, 1, 8_193, seed)]
    cases += [fixed("uniform", code, 70_001 if code == 4 else 300, 3, 515, seed) for code in (2, 4)]
    cases += [fixed("ends", 2, 65_536, 2, 129, seed), fixed("null-heavy", 4, 65_536, 1, 4_097, seed)]
    cases += [fixed("sorted", 4, 65_536, 2, 1_023, seed)]
    cases += [fixed("uniform", 1, 200, 1, n, seed) for n in (1, 7, 8, 9, 15, 17, 63, 64, 65, 127)]
    cases += [fixed("all-null", 4, 1, 2, 1, seed)]
    cases += [strings(d, 1, 256, 24, 2_051, seed) for d in (*every, "empty-strings", "overflowing")]
    cases += [strings(d, 4, 1_000, 40, 1_025, seed) for d in ("uniform", "skewed", "empty-strings", "overflowing")]
    cases += [strings("uniform", 2, 50, longest, 131, seed) for longest in (1, 2, 31, 32, 33, 63, 64, 65, 200)]
    cases += [strings(d, 2, 64, 4_096, 33, seed) for d in ("uniform", "null-heavy", "sorted", "overflowing")]
    cases += [strings("uniform", 4, 65_536, 24, 8_193, seed), strings("skewed", 1, 2, 24, 700, seed)]
    cases += [strings("uniform", 1, 1, 9, 1, seed), strings("uniform", 2, 3, 70, 17, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: eight shapes x four distributions; a page a call, whatever `nq` says."""
    del nq
    n = VALUES[scale]
    numbers = ((1, 2, 1), (1, 256, 1), (4, 65_536, 1), (1, 256, 2), (4, 65_536, 2))
    cases = [fixed(d, code, K, width, n, seed) for code, K, width in numbers for d in TIMED]
    cases += [strings(d, code, K, 24, n, seed) for code, K in ((1, 256), (4, 65_536)) for d in TIMED]
    cases += [strings(d, 2, 4_096, 4_096, n // LONG, seed) for d in TIMED]
    return tuple(cases)


def fixed(distribution: str, code: int, K: int, width: int, n: int, seed: int) -> Case:
    """Describe a page of n codes of `code` bytes for K entries of `width` words."""
    name = {1: "f32", 2: "i64"}.get(width, f"{width}x32")
    shape = f"{name}-u{8 * code}-k{K}"
    sizes = {"n": n, "K": K, "code": code, "W": width}
    statics = {"kind": "fixed", "capacity": 0}
    return Case(f"{distribution}/{shape}/n{n}", distribution, sizes, seed, statics, n, f"values/{shape}/n{n}/s{seed}")


def strings(distribution: str, code: int, K: int, longest: int, n: int, seed: int) -> Case:
    """Describe a page of n codes of `code` bytes for K strings of at most `longest` bytes."""
    shape = f"utf8x{longest}-u{8 * code}-k{K}"
    sizes = {"n": n, "K": K, "code": code, "longest": longest}
    statics = {"kind": "utf8", "capacity": capacity(distribution, K, longest, n)}
    name = f"{distribution}/{shape}/n{n}"
    return Case(name, distribution, sizes, seed, statics, n, f"{name}/s{seed}")


# ---- dictionaries --------------------------------------------------------------------------------------------------


def data(case: Case) -> Data:
    """Build a dictionary: ``values`` int32 (K, W), or ``offsets`` int32 (K + 1,) and ``bytes`` uint8 (S,)."""
    K = case.shape["K"]
    if case.statics["kind"] == "utf8":
        return _strings(case, sampling.key(case.seed, _STREAM, "strings", case.distribution, K, case.shape["longest"]))
    own = sampling.key(case.seed, _STREAM, "values", K, case.shape["W"])
    words = _octets(own, 4 * K * case.shape["W"]).view("<i4").astype(np.int32)
    special = words[:: max(1, words.size // 64)]
    special[:] = np.resize(np.array(_WORDS, np.int32), special.size)
    return {"values": words.reshape(K, -1)}


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return the same values in a secret order; of strings, which keep their lengths, with other letters."""
    own = sampling.key(seed, _STREAM, "disguise")
    if case.statics["kind"] == "fixed":
        return {"values": np.ascontiguousarray(data["values"][sampling.permutation(own, case.shape["K"])])}
    letters = np.arange(256, dtype=np.uint8)
    letters[32:127] = 32 + sampling.permutation(own, 95)
    return {"offsets": data["offsets"].copy(), "bytes": letters[data["bytes"]]}


def _strings(case: Case, key: int) -> Data:
    """Draw strings whose lengths go with how frequent they are, in the order of their codes."""
    K = case.shape["K"]
    lengths = lengths_by_rank(case.distribution, K, case.shape["longest"])
    offsets = (FRONT + np.concatenate([[0], np.cumsum(lengths)])).astype(np.int32)
    drawn = _octets(key, int(offsets[-1]) + SPARE - FRONT)
    drawn = (32 + drawn % 95).astype(np.uint8)
    chosen = sampling.integers(sampling.key(key, "characters"), (K,), 8)
    for kind, character in enumerate(_CHARACTERS):
        own = np.frombuffer(character.encode(), np.uint8)
        fits = offsets[:-1][(chosen == kind) & (lengths >= own.size)]
        ends = offsets[1:][(chosen == kind + 4) & (lengths >= own.size)] - own.size
        for i, octet in enumerate(own):
            drawn[fits + i] = octet
            drawn[ends + i] = octet
    drawn[:FRONT] = drawn[offsets[-1] :] = 0xFF
    return {"offsets": offsets, "bytes": drawn}


# ---- pages ---------------------------------------------------------------------------------------------------------


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` pages: ``codes`` (n,) of the case's width, ``validity`` uint8, some bytes longer where n is odd."""
    del data
    own = sampling.key(seed, _STREAM, "queries", case.distribution, case.shape["n"], case.shape["K"])
    return [_page(case, sampling.key(own, i)) for i in range(count)]


def _page(case: Case, key: int) -> Query:
    n, code = case.shape["n"], case.shape["code"]
    valid = _valid(case.distribution, n, sampling.key(key, "validity"))
    garbage = _octets(sampling.key(key, "garbage"), n * code).view(f"<u{code}").astype(f"u{code}")
    garbage[::5] = np.iinfo(garbage.dtype).max
    codes = np.where(valid, _codes(case, sampling.key(key, "codes")).astype(f"u{code}"), garbage)
    validity = _octets(sampling.key(key, "behind"), -(-n // 8) + (n % 2) * 3)
    whole = np.packbits(valid, bitorder="little")
    kept = np.uint8(0xFF << (n % 8) & 0xFF if n % 8 else 0)
    last = validity[whole.size - 1] & kept
    validity[: whole.size] = whole
    validity[whole.size - 1] |= last
    return {"codes": codes, "validity": validity}


def _codes(case: Case, key: int) -> HostArray:
    """Draw int64 (n,), each below K."""
    K, n = case.shape["K"], case.shape["n"]
    drawn = sampling.integers(key, (n,), K)
    match case.distribution:
        case "skewed":  # as many codes of one length in bits as of any other
            shift = sampling.integers(sampling.key(key, "lengths"), (n,), shifts_of(K))
            drawn %= np.maximum(1, K >> shift)
        case "sorted":
            drawn.sort()
        case "identical":
            drawn[:] = drawn[0]
        case "ends":
            drawn = (drawn & 1) * (K - 1)
        case _:
            pass
    return drawn


def _valid(distribution: str, n: int, key: int) -> Any:
    """Draw bool (n,): which places are not null."""
    along = np.arange(n)
    match distribution:
        case "all-null":
            return np.zeros(n, np.bool_)
        case "alternating":
            return along % 2 == 0
        case "null-runs":  # of 1 to 200 places, so that whole bytes and whole vectors of them come
            begins = sampling.integers(sampling.key(key, "runs"), (n,), 50) == 0
            return (np.cumsum(begins) + sampling.integers(key, (1,), 2)) % 2 == 0
        case "one-null":
            return along != n - 1
        case "skewed" | "null-heavy":
            return sampling.integers(key, (n,), 16) < 16 * share_of_valid(distribution)
        case _:
            return np.ones(n, np.bool_)


def _octets(key: int, size: int) -> HostArray:
    """Draw uint8 (size,), bytes in the same order on every machine."""
    drawn: HostArray = sampling.words(key, -(-size // 8)).astype("<u8", copy=False).view(np.uint8)[:size]
    return drawn
