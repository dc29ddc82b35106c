"""`bitpack` against what a user would pick instead: Vortex's FastLanes decoder, and idioms of NumPy, one thread.

``python -m bench.peers.bitpack [--scale standard|large] [--backend numpy] [--only w11] [--json FILE]``

Vortex is handed the same values, packs them to the same words (this is checked) and unpacks them to an Arrow array,
which it allocates; it has no other way in Python. For each width and each of the two layouts there are two contests:

- *allocating*: the kernels, which allocate as Vortex does; for the plain layout the idiom of NumPy stands beside it.
- *into a buffer*: the tuned kernel on NumPy, writing into an array that is there already.
"""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import vortex
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest, Entrant
from bench.peers._interleaved import Call

from lar import catalog, simd
from lar.contracts import Case, HostArray, Query, Target

TARGET = "bitpack"
PEER = "vortex FastLanes"
CALLS = 4  # distinct pages in rotation
ALLOCATING_GOAL, BUFFER_GOAL = 1.6, 2.5


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return a case for each width, in the FastLanes layout; the plain layout of the same values comes with it."""
    every = target.workloads(SEED, scale, (1,))
    return [one for one in every if one.distribution == "uniform" and one.statics["layout"] == "fastlanes"]


def plain_case(case: Case, words: int) -> Case:
    """Return the case of the same values in the plain layout."""
    return dataclasses.replace(
        case,
        name=case.name.replace("fastlanes", "plain"),
        data_key=case.data_key.replace("fastlanes", "plain"),
        shape={**case.shape, "words": words},
        statics={**case.statics, "layout": "plain"},
    )


def values_of(target: Target, case: Case, pages: Sequence[Query]) -> list[HostArray]:
    """Return the values of pages."""
    truth: Any = target.audit(case, {}, pages)
    return list(truth.values[0])


def repacked(width: int, values: Any) -> Any:
    """Return the same values in the plain layout, packed by NumPy: uint32 words."""
    bits = np.unpackbits(values.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")[:, :width]
    return np.packbits(bits.reshape(-1), bitorder="little").view(np.uint32)


def vortex_array(values: Any, words: Any, width: int) -> Any:
    """Return Vortex's own array of the values.

    Raises
    ------
    ValueError
        If it packs them otherwise than as those words.
    """
    array: Any = vortex.compress(vortex.array(pa.array(values)))
    if not array.id.startswith("fastlanes.bitpacked") or array.bit_width != width:
        raise ValueError(f"vortex chose {array.id} for {width} bits: {array.display_tree()}")
    if bytes(words) not in b"".join(map(bytes, array.serialize(vortex.ArrayContext()))):
        raise ValueError(f"vortex packs {width} bits otherwise")
    return array


def by_unpackbits(packed: Any, width: int, n: int) -> Any:
    """Return uint32 (n,) as one would with NumPy alone: one byte a bit, and back."""
    bits = np.unpackbits(packed.view(np.uint8), bitorder="little", count=n * width).reshape(n, width)
    padded = np.zeros((n, 32), np.uint8)
    padded[:, :width] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint32).ravel()


def into_a_buffer(case: Case, pages: Sequence[Any]) -> Entrant:
    """Return the tuned NumPy kernel that writes into one array again and again."""
    kernel: Any = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, "tuned", "numpy"))
    state = kernel.prepare(np, {"packed": pages[0]}, **case.statics)
    values, width, layout = simd.aligned((case.shape["n"],), np.uint32), case.shape["width"], case.statics["layout"]
    return Entrant(
        lambda i: kernel.unpack_into(state, pages[i % len(pages)], width, layout, values), lambda out: (out,)
    )


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return the contests of a width: two layouts, each allocating and into a buffer."""
    width, n = case.shape["width"], case.shape["n"]
    pages = target.queries(case, {}, SEED, CALLS)
    values = values_of(target, case, pages)
    arrays = [vortex_array(one, page, width) for one, page in zip(values, pages, strict=True)]
    peers: Mapping[str, Call] = {PEER: lambda i: arrays[i % CALLS].to_arrow_array()}
    plain = [repacked(width, one) for one in values]
    unpackbits: Mapping[str, Call] = {"numpy.unpackbits": lambda i: by_unpackbits(plain[i % CALLS], width, n)}

    def agree(name: str, i: int, result: Any) -> None:
        del name
        found = result[0] if isinstance(result, tuple) else result
        if not np.array_equal(np.asarray(found), values[i]):
            raise ValueError("other values than those packed")

    for here in (case, plain_case(case, plain[0].size)):
        packed, beside = (pages, {}) if here is case else (plain, unpackbits)
        kernels = _contest.entrants(target.name, here, backends, {"packed": packed[0]}, packed)
        yield Contest(
            here, peers, kernels, agree, CALLS, ALLOCATING_GOAL, name=f"{here.name}, allocating", beside=beside
        )
        if any(backend.name == "numpy" for backend in backends):
            kernels = {"numpy tuned": into_a_buffer(here, packed)}
            yield Contest(here, peers, kernels, agree, CALLS, BUFFER_GOAL, name=f"{here.name}, into a buffer")


COMPARISON = Comparison(
    TARGET,
    ("vortex-data", "pyarrow"),
    cases,
    contests,
    rounds=9,
    begin=lambda: vortex.set_worker_threads(1),
)

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
