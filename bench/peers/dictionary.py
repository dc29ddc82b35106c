"""`dictionary` against what a user would pick instead: pyarrow's ways of decoding a dictionary array, one thread.

``python -m bench.peers.dictionary [--scale standard|large] [--backend numpy] [--only utf8] [--json FILE]``

pyarrow is given the same codes, bitmap and dictionary, without a copy and, where no place is null, without a bitmap,
and returns a bitmap of its own beside the values. It allocates its result, as the kernel does in a contest; a second
one is of the tuned kernel on NumPy into arrays that are there already.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench.peers import _contest
from bench.peers._contest import SEED, Comparison, Contest, Entrant

from lar import catalog, simd
from lar.contracts import Case, Data, Outputs, Query, Target

CALLS = 2  # distinct pages in rotation
NAMES = {1: pa.uint8(), 2: pa.uint16(), 4: pa.uint32()}


def goal_of(case: Case) -> float:
    """Return how many times the peer's speed is asked for."""
    if case.statics["kind"] == "utf8":
        return 6.0
    return 3.0 if case.shape["code"] == 1 and case.shape["W"] == 1 else 1.0


def dictionary_of(case: Case, data: Data) -> Any:
    """Return the dictionary as pyarrow's."""
    K = case.shape["K"]
    if case.statics["kind"] == "utf8":
        buffers = [None, pa.py_buffer(data["offsets"]), pa.py_buffer(data["bytes"])]
        return pa.Array.from_buffers(pa.string(), K, buffers)
    kind = {1: pa.float32(), 2: pa.int64()}[case.shape["W"]]
    return pa.Array.from_buffers(kind, K, [None, pa.py_buffer(data["values"])])


def codes_of(case: Case, query: Query) -> Any:
    """Return a page's codes as pyarrow's, which finds out by itself whether any is null."""
    n = case.shape["n"]
    valid = np.unpackbits(query["validity"], count=n, bitorder="little")
    bitmap = None if valid.all() else pa.py_buffer(query["validity"])
    return pa.Array.from_buffers(NAMES[case.shape["code"]], n, [bitmap, pa.py_buffer(query["codes"])])


def outputs_of(case: Case, decoded: Any) -> Outputs:
    """Return what pyarrow decoded as the target's outputs; zeros at nulls, which pyarrow leaves open."""
    n = case.shape["n"]
    _, *buffers = decoded.buffers()
    if case.statics["kind"] == "utf8":
        offsets = np.frombuffer(buffers[0], np.int32, n + 1)
        octets = np.zeros(int(case.statics["capacity"]), np.uint8)  # type: ignore[call-overload]
        octets[: offsets[-1]] = np.frombuffer(buffers[1], np.uint8, offsets[-1])
        return octets, offsets, np.array(offsets[-1])
    values = np.frombuffer(buffers[0], np.int32, n * case.shape["W"]).reshape(n, -1)
    return (np.where(np.asarray(decoded.is_valid())[:, None], values, 0),)


def into_arrays(target: Target, case: Case, data: Data, queries: Sequence[Query]) -> Entrant:
    """Return the tuned NumPy kernel, writing into the same arrays again and again."""
    kernel: Any = catalog.load_kernel(target.name, catalog.kernel_path(target.name, "tuned", "numpy"))
    state = kernel.prepare(np, data, **case.statics)
    spaces = [simd.aligned(spec.shape, spec.dtype) for spec in target.outputs(case)]

    def call(i: int) -> Any:
        query = queries[i % len(queries)]
        if case.statics["kind"] == "fixed":
            return (kernel.decode_into(state, query, spaces[0]),)
        total = kernel.decode_strings_into(state, query, spaces[0], spaces[1])
        return spaces[0], spaces[1], np.array(total, np.int32)

    return Entrant(call, lambda outputs: outputs)


def contests(target: Target, case: Case, backends: Sequence[Any]) -> Iterable[Contest]:
    """Return two contests of a case: allocating, and into arrays that are there."""
    data = target.data(case)
    queries = target.queries(case, data, SEED, CALLS)
    truth: Any = target.audit(case, data, queries)
    entries, pages = dictionary_of(case, data), [codes_of(case, query) for query in queries]
    arrays = [pa.DictionaryArray.from_arrays(page, entries) for page in pages]
    peers: dict[str, Callable[[int], Any]] = {
        "pyarrow take": lambda i: pc.take(entries, pages[i % CALLS], boundscheck=False),
        "pyarrow dictionary_decode": lambda i: arrays[i % CALLS].dictionary_decode(),
        "pyarrow cast": lambda i: arrays[i % CALLS].cast(entries.type),
    }

    def agree(name: str, i: int, result: Any) -> None:
        found = outputs_of(case, result) if name in peers else result
        for number, (one, expected) in enumerate(zip(found, truth.values, strict=True)):
            if not np.array_equal(one, expected[i]):
                raise ValueError(f"{name}: output {number} of {case.name} is another")

    kernels = _contest.entrants(target.name, case, backends, data, queries)
    yield Contest(case, peers, kernels, agree, CALLS, goal_of(case))
    if any(backend.name == "numpy" for backend in backends):
        entrant = {"numpy tuned": into_arrays(target, case, data, queries)}
        yield Contest(case, peers, entrant, agree, CALLS, goal_of(case), f"{case.name}, into arrays")


def cases(target: Target, scale: str) -> Iterable[Case]:
    """Return the cases to time."""
    return target.workloads(SEED, scale, (1,))


COMPARISON = Comparison("dictionary", ("pyarrow",), cases, contests, 9, begin=lambda: pa.set_cpu_count(1))

if __name__ == "__main__":
    sys.exit(COMPARISON.main())
