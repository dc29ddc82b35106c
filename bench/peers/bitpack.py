"""`bitpack` against what a user would pick instead: Vortex's FastLanes decoder, and idioms of NumPy, one thread.

``python -m bench.peers.bitpack [--scale standard] [--backend numpy] [--widths 3 11 17 31] [--json FILE]``

Vortex is handed the same values, packs them to the same words (this is checked) and unpacks them to an Arrow array,
which it allocates. Beside it stand the kernels for both layouts, allocating as it does; the tuned one on NumPy also
into an array that is there already; and, for the plain layout, the idiom of NumPy. Nothing is timed before all agree.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import vortex
from bench.peers import _interleaved

from lar import catalog, simd
from lar.contracts import Case, Query, Target
from lar.trees import tree_map

TARGET = "bitpack"
PEER = "vortex FastLanes"
CALLS = 4  # distinct pages in rotation
SEED = 20_260_101


def values_of(target: Target, case: Case, pages: Sequence[Query]) -> list[Any]:
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
    array = vortex.compress(vortex.array(pa.array(values)))
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


def kernel_calls(case: Case, backend: Any, pages: Sequence[Any]) -> dict[str, _interleaved.Call]:
    """Prepare the kernels of a backend for a case and return the calls of their `run`, waited for."""
    layout, statics = case.statics["layout"], dict(case.statics)
    calls: dict[str, _interleaved.Call] = {}
    for name in ("tuned", "portable"):
        kernel = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, name, backend.name))
        state = kernel.prepare(backend.xp, tree_map(backend.put, {"packed": pages[0]}), **statics)
        run, staged = backend.compile(kernel.run, statics), [backend.put(page) for page in pages]
        calls[f"{backend.name} {name}, {layout}"] = _call(backend, run, state, staged)
    return calls


def _call(backend: Any, run: Any, state: Any, staged: Sequence[Any]) -> _interleaved.Call:
    return lambda i: backend.ready(run(state, staged[i % len(staged)]))


def into_a_buffer(case: Case, pages: Sequence[Any]) -> _interleaved.Call:
    """Return a call of the tuned NumPy kernel that writes into one array again and again."""
    kernel: Any = catalog.load_kernel(TARGET, catalog.kernel_path(TARGET, "tuned", "numpy"))
    state = kernel.prepare(np, {"packed": pages[0]}, **case.statics)
    values, width = simd.aligned((case.shape["n"],), np.uint32), case.shape["width"]
    return lambda i: kernel.unpack_into(state, pages[i % len(pages)], width, case.statics["layout"], values)


def compare(target: Target, cases: Sequence[Case], backends: Sequence[Any], rounds: int) -> list[_interleaved.Figure]:
    """Time the peers and all kernels on one width; `cases` are the two layouts of it."""
    blocks = next(case for case in cases if case.statics["layout"] == "fastlanes")
    plain = next(case for case in cases if case.statics["layout"] == "plain")
    width, n = blocks.shape["width"], blocks.shape["n"]
    pages = target.queries(blocks, {}, SEED, CALLS)
    values = values_of(target, blocks, pages)
    arrays = [vortex_array(one, page, width) for one, page in zip(values, pages, strict=True)]
    packed = {"fastlanes": pages, "plain": [repacked(width, one) for one in values]}
    calls: dict[str, _interleaved.Call] = {PEER: lambda i: arrays[i % CALLS].to_arrow_array()}
    for case in (blocks, plain):
        layout = str(case.statics["layout"])
        calls[f"into a buffer, {layout}"] = into_a_buffer(case, packed[layout])
        for backend in backends:
            calls |= kernel_calls(case, backend, packed[layout])
    calls["numpy.unpackbits, plain"] = lambda i: by_unpackbits(packed["plain"][i % CALLS], width, n)
    for name, call in calls.items():
        for i, expected in enumerate(values):
            found: Any = call(i)
            found = found[0] if isinstance(found, tuple) else found
            if not np.array_equal(np.asarray(found), expected):
                raise ValueError(f"{name}: other values than those packed")
    return _interleaved.figures(f"w = {width}, n = {n}", _interleaved.interleave(calls, rounds), PEER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(prog="bench.peers.bitpack", description="bitpack against Vortex, one thread")
    parser.add_argument("--scale", choices=("small", "standard", "large"), default="standard")
    parser.add_argument("--backend", action="append", choices=("numpy", "jax"), help="default: numpy; may be repeated")
    parser.add_argument("--widths", nargs="+", type=int, default=None, help="of those that are timed; default: all")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    chosen = parser.parse_args(arguments)
    vortex.set_worker_threads(1)
    target = catalog.target(TARGET)
    backends = [catalog.backend(name)() for name in chosen.backend or ["numpy"]]
    timed = [case for case in target.workloads(SEED, chosen.scale, (1,)) if case.distribution == "uniform"]
    found: list[_interleaved.Figure] = []
    for width in chosen.widths or sorted({case.shape["width"] for case in timed}):
        here = compare(target, [case for case in timed if case.shape["width"] == width], backends, chosen.rounds)
        found += here
        print(_interleaved.show(here), flush=True)
    if chosen.json:
        _interleaved.save(chosen.json, found, ("vortex-data", "pyarrow", "numpy", "numba"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
