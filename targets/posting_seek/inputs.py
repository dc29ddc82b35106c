"""The inputs of `posting-seek`: posting lists, packed here, and sequences of targets; generated and seeded.

A list is a run of ids in strictly ascending order, cut into blocks of 128. Of each block the gaps between its ids are
packed with as many bits as the largest takes, the least significant bit first. What lies behind the last id in the last
block, and behind the last block, is random, so that a kernel which reads it is found.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from lar import sampling
from lar.contracts import Case, Data, HostArray, Query

from .reference import BEHIND, BLOCK, gaps_of, ids_in, length_of

PATTERNS = ("sequential", "shallow", "deep")
"""How far a seek goes: to the next block, over sixteen blocks, over a tenth of the list; then from the beginning."""
BLOCKS = {"small": (100, 1_000, 4_000), "standard": (100, 10_000, 80_000), "large": (80_000, 200_000, 800_000)}
SEEKS = 1_024
_STREAM = "posting-seek"
_FINE = 16  # bits of a place within a block
_LISTS = {"dense": "dense", "sparse": "sparse", "high": "high", "bursts": "bursts"}
"""Distributions with a list of their own; all others are of ids with gaps of 1 to 15."""


def battery(seed: int) -> tuple[Case, ...]:
    """Return the correctness cases: every pattern and list, sizes round those of blocks, seeks at every block's ends.

    ``edges`` asks for each block's first and last id and their neighbours, as do the lists that are named: ``dense``
    of ids that follow one another, ``sparse`` ones of 2**32, ``high`` ones up to the last of uint32, ``bursts`` with
    jumps between runs, of all widths. ``descending``, ``repeated`` and ``anywhere`` break what relies on ascending
    targets; ``before`` and ``past`` lie outside the list; ``empty`` is a list without an id.
    """
    cases = [case_of(pattern, 4_097, 300, seed) for pattern in (*PATTERNS, "anywhere", "edges")]
    cases += [case_of(d, 5_000, 2_050, seed) for d in ("edges", "dense", "sparse", "high", "bursts")]
    cases += [case_of(d, 3_000, 65, seed) for d in ("descending", "repeated", "before", "past", "anywhere")]
    cases += [case_of("edges", n, 33, seed) for n in (1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257)]
    cases += [case_of(d, n, 33, seed) for d in ("sparse", "high", "bursts") for n in (2, 129)]
    cases += [case_of("anywhere", n, 1, seed) for n in (1, 1_000)]
    cases += [case_of("empty", 0, 33, seed), case_of("edges", 40_000, SEEKS, seed)]
    return tuple(cases)


def workloads(seed: int, scale: str, nq: Sequence[int]) -> tuple[Case, ...]:
    """Return the timed cases: three lengths x three patterns; a call is a batch of seeks, whatever `nq` says."""
    del nq
    return tuple(case_of(pattern, blocks * BLOCK, SEEKS, seed) for blocks in BLOCKS[scale] for pattern in PATTERNS)


def data(case: Case) -> Data:
    """Build a list: ``words`` uint32, ``first`` uint32 (B,), ``width`` and ``start`` int32 (B,)."""
    ids = _ids(case, sampling.key(case.seed, _STREAM, list_of(case.distribution), length_of(case)))
    padded = np.zeros(case.shape["B"] * BLOCK, np.uint64)
    padded[: len(ids)] = ids
    blocks = padded.reshape(-1, BLOCK)
    gaps = np.diff(blocks, axis=1, prepend=blocks[:, :1])
    gaps.reshape(-1)[len(ids) :] = 0
    width = np.frexp(gaps.max(axis=1).astype(np.float64))[1].astype(np.int32)
    garbage = sampling.words(sampling.key(case.seed, _STREAM, "garbage"), padded.size - len(ids) + BEHIND)
    gaps.reshape(-1)[len(ids) :] = garbage[BEHIND:] & ((np.uint64(1) << np.uint64(width[-1])) - np.uint64(1))
    first = blocks[:, 0].astype(np.uint32)
    start = (np.cumsum(4 * width) - 4 * width).astype(np.int32)
    words = packed(gaps.astype(np.uint32), start, width, garbage[:BEHIND].astype(np.uint32))
    return {"words": words, "first": first, "width": width, "start": start}


def queries(case: Case, data: Data, seed: int, count: int) -> list[Query]:
    """Draw `count` calls' targets, each uint32 (S,)."""
    S = case.shape["S"]
    own = sampling.key(seed, _STREAM, case.distribution, length_of(case), S)
    drawn = sampling.integers(own, (count, S), 2**32)
    blocks, first = case.shape["B"], data["first"].astype(np.int64)
    match case.distribution:
        case "sequential" | "shallow" | "deep":
            step = {"sequential": 1, "shallow": 16, "deep": max(1, blocks // 10)}[case.distribution]
            # Half a step to one and a half; the first one leads anywhere.
            far = (step << (_FINE - 1)) + (drawn * step >> (32 - _FINE))
            far[:, 0] = drawn[:, 0] * blocks >> (32 - _FINE)
            targets = _at(first, np.cumsum(far, axis=1) % (blocks << _FINE))
        case "anywhere" | "descending" | "repeated":
            targets = _at(first, drawn * blocks >> (32 - _FINE))
            if case.distribution == "descending":
                targets = np.sort(targets, axis=1)[:, ::-1]
            elif case.distribution == "repeated":
                targets = np.repeat(targets[:, ::7], 7, axis=1)[:, :S]
        case "before":
            targets = drawn % (first[0] + 1)
        case "past" | "empty":
            last = int(ids_in(case, data).max(initial=0))
            targets = last + 1 + drawn % (2**32 - 1 - last)
        case _:
            targets = _edges(ids_in(case, data).astype(np.int64), drawn)
    return list(np.ascontiguousarray(targets.astype(np.uint32)))


def disguise(case: Case, data: Data, seed: int) -> Data:
    """Return a list of the same widths: all ids moved by a secret number, gaps within blocks in a secret order."""
    own = sampling.key(seed, _STREAM, "disguise")
    ids = ids_in(case, data)
    if not len(ids):
        return {**data, "first": data["first"] ^ np.uint32(own & 0xFFFF | 1)}
    room = int(data["first"][0]) + 2**32 - int(ids[-1])
    moved = int(sampling.integers(own, (1,), room)[0]) - int(data["first"][0])
    gaps = gaps_of(data["words"], data["start"], data["width"])
    order = 1 + sampling.permutation(sampling.key(own, "order"), BLOCK - 1)
    gaps[:-1, 1:] = gaps[:-1][:, order]  # the last block may hold fewer than 128 ids, and stays
    first = (data["first"].astype(np.int64) + moved).astype(np.uint32)
    words = packed(gaps, data["start"], data["width"], data["words"][-BEHIND:])
    return {**data, "words": words, "first": first}


@njit
def packed(gaps: HostArray, start: HostArray, width: HostArray, behind: HostArray) -> HostArray:
    """Return uint32 words: the gaps (B, 128) of each block in ``width[b]`` bits from word ``start[b]`` on; `behind`."""
    blocks = width.shape[0]
    end = start[blocks - 1] + 4 * width[blocks - 1]
    words = np.zeros(end + behind.shape[0], np.uint32)
    words[end:] = behind
    for b in range(blocks):
        for lane in range(BLOCK):
            place = lane * width[b]
            at, shift = start[b] + place // 32, place % 32
            if width[b]:
                words[at] |= np.uint32(gaps[b, lane] << np.uint32(shift))
            if shift + width[b] > 32:
                words[at + 1] |= np.uint32(gaps[b, lane] >> np.uint32(32 - shift))
    return words


def case_of(distribution: str, n: int, seeks: int, seed: int) -> Case:
    """Describe a case by its distribution (which says what list it is, too), ids of the list and seeks a call."""
    blocks = max(1, -(-n // BLOCK))  # an empty list has one block, in which there is nothing
    group = f"{distribution}/b{blocks}"
    key = f"{list_of(distribution)}/b{blocks}/n{n}/s{seed}"
    return Case(f"{group}/n{n}/s{seeks}", distribution, {"B": blocks, "S": seeks}, seed, {"n": n}, seeks, key)


def list_of(distribution: str) -> str:
    """Return the name of the list that a distribution seeks in."""
    return _LISTS.get(distribution, "gaps")


def _ids(case: Case, key: int) -> HostArray:
    """Return uint64 (n,), strictly ascending."""
    n = length_of(case)
    along = np.arange(n, dtype=np.uint64)
    match list_of(case.distribution):
        case "dense":
            return along + np.uint64(1_000)
        case "sparse" | "high":
            # One id in each of n equal parts of the universe, so that they ascend.
            part = 2**32 // max(n, 1)
            ids = along * np.uint64(part) + sampling.integers(key, (n,), part).astype(np.uint64)
            ids[-1] = 2**32 - 1 if case.distribution == "high" else ids[-1]
            return ids
        case "bursts":
            gaps = np.ones(n, np.int64)
            jumps = np.flatnonzero(sampling.integers(key, (n,), 60) == 0)
            sizes = np.int64(1) << (sampling.integers(sampling.key(key, "sizes"), (len(jumps),), 26))
            gaps[jumps] += sizes
            gaps[0] = 5
            gaps[-1] += 2**31
            return np.cumsum(gaps).astype(np.uint64)
        case _:
            return (np.cumsum(1 + sampling.integers(key, (n,), 15)) + 500).astype(np.uint64)


def _at(first: HostArray, place: HostArray) -> HostArray:
    """Return the targets at places within a list, in 2**-16 of a block, as if ids were spread evenly in each."""
    b = place >> _FINE
    span = np.diff(first, append=first[-1] + 8 * BLOCK)
    found: HostArray = np.minimum(first[b] + ((place & ((1 << _FINE) - 1)) * span[b] >> _FINE), 2**32 - 1)
    return found


def _edges(ids: HostArray, drawn: HostArray) -> HostArray:
    """Return targets at the first and last ids of blocks and beside them, at any id, at the ends of uint32.

    The first call meets the neighbours of as many ids as there is room for, in order; every call ends with the last
    id and the ends of uint32, where there is room for more than those.
    """
    ends = np.concatenate([ids[::BLOCK], ids[BLOCK - 1 :: BLOCK], ids[drawn[0] % len(ids)]])
    near = np.unique(np.concatenate([ends - 1, ends, ends + 1]))
    near = near[(near >= 0) & (near < 2**32)]
    targets: HostArray = near[drawn % len(near)]
    whole = min(len(near), targets.shape[1])
    targets[0, :whole] = near[:whole]
    outermost = np.array([0, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, ids[-1] - 1, ids[-1], ids[-1] + 1])
    targets[:, -8:] = np.clip(outermost, 0, 2**32 - 1)[-targets.shape[1] :]
    return targets
