"""`pq-l2` on an NVIDIA GPU by CuPy: two launches a call, exact, and nothing that waits for the device.

What the kernels do stands at the top of `cupy.cu`; this file lays the data out and plans the launches. `plan` is pure,
and `execute` takes the array namespace and the launcher as arguments, so that all of `run` but the device is tested
without a GPU (``tests/cuda``).

Roofline, from counting (H200: 4.3 TB/s by a measured copy, 132 multiprocessors at about 1.8 GHz):

- Bytes. A code is read once for all queries whose tables fit side by side: 1M x 16 codes take 3.7 us, 100M x 96 2.2 ms.
- Look-ups. Shared memory serves 32 lanes a cycle if they meet 32 different banks. 32 random entries of a table of 256
  floats meet the fullest bank 3.5 times, which leaves 9 look-ups a cycle: 7 us for 1M x 16, so one query is bound by
  look-ups and not by bytes. Entries of 4 queries side by side are read by quarters of a warp, 2.6 at the fullest of 8
  bank groups: 12 look-ups a cycle, 175 us for 32 queries.
- Launches. Two, at 2 to 4 us each until the queue is full; they decide at N = 20,000.

No figure of this file was measured on a GPU yet: the choices below follow from the counts, and `SPACE` is there to
correct them.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lar.contracts import NO_ID, Array, Data, Query, Tree

SPACE = {"queries": (0, 1, 2, 4), "rows": (0, 1, 4), "resident": (1, 2, 4)}

_CENTROIDS = 256
_CODES = 4  # in a word
_LIST_K = 1024  # a larger k is sorted out of all distances
_SHORTEST_LIST = 256
_MOST_BLOCKS = 65_535  # of a grid's second size
_MOST_ROWS = 2**32 - 2**16  # row numbers are 32 bits wide, and a tile may reach past the end


@dataclass(frozen=True)
class Device:
    """What a plan needs to know of a GPU: its multiprocessors, and the bytes of shared memory one block may ask for."""

    multiprocessors: int
    shared_bytes: int


@dataclass(frozen=True)
class Launch:
    """One kernel launch; an argument is a buffer's name or a number."""

    kernel: str
    grid: tuple[int, int]
    block: int
    shared_bytes: int
    arguments: tuple[str | np.uint32, ...]


@dataclass(frozen=True)
class Plan:
    """The launches of one call, in order, and the buffers they need besides state and query: name -> (shape, dtype)."""

    launches: tuple[Launch, ...]
    buffers: Mapping[str, tuple[tuple[int, ...], str]]


def prepare(xp: Any, data: Data, *, k: int, queries: int = 0, rows: int = 0, resident: int = 2) -> Tree:
    """Pack four codes of a row into a word and lay words of neighbouring rows side by side.

    A warp then reads 512 neighbouring bytes, 16 a thread, for any number of sub-spaces.

    Parameters
    ----------
    xp : module
        The array namespace.
    data : dict
        ``codebook`` float32 (m, K, dim/m) and ``codes`` uint8 (N, m).
    k, queries, rows, resident : int
        Not used here; statics are given alike to `prepare` and `run`.

    Returns
    -------
    dict of arrays
        ``codes`` uint32 (ceil(m / 4), N rounded up to 4); ``codebook`` float32 (m, dim/m, 256), padded with zeros;
        ``rows`` uint8 (N, 0), which has no bytes and whose shape tells N.
    """
    del k, queries, rows, resident
    codebook, codes = xp.asarray(data["codebook"]), xp.asarray(data["codes"])
    n, m = codes.shape
    planes, stride = -(-m // _CODES), -(-n // _CODES) * _CODES
    padded = xp.zeros((stride, planes * _CODES), dtype=xp.uint8)
    padded[:n, :m] = codes
    columns = xp.zeros((m, codebook.shape[2], _CENTROIDS), dtype=xp.float32)
    columns[:, :, : codebook.shape[1]] = codebook.transpose(0, 2, 1)
    return {
        "codes": xp.ascontiguousarray(padded.view(xp.uint32).T),
        "codebook": columns,
        "rows": xp.empty((n, 0), dtype=xp.uint8),
    }


def run(
    xp: Any, state: Tree, query: Query, /, *, k: int, queries: int = 0, rows: int = 0, resident: int = 2
) -> tuple[Array, Array]:
    """Find the k nearest rows of each query.

    Parameters
    ----------
    xp : module
        CuPy's array namespace.
    state : dict of arrays
        What `prepare` returned.
    query : array
        float32 (nq, dim).
    k : int
        How many rows to return; what exceeds N is padded.
    queries, rows : int
        Queries a block and rows a thread; 0 leaves them to the plan.
    resident : int
        Blocks that are meant to share a multiprocessor.

    Returns
    -------
    distances : array
        float32 (nq, k), ascending, padded with +inf.
    ids : array
        uint32 (nq, k), padded with 2**32 - 1.
    """
    del xp  # array-api-compat's namespace and CuPy's own hold the same arrays; only CuPy's has all that is used here
    import cupy

    device = _device(cupy.cuda.runtime.getDevice())
    return execute(cupy, _launch, device, state, query, k=k, queries=queries, rows=rows, resident=resident)


def execute(
    xp: Any,
    launch: Callable[[Launch, tuple[Any, ...]], None],
    device: Device,
    state: Tree,
    query: Query,
    **statics: int,
) -> tuple[Array, Array]:
    """Do what `run` says with a given array namespace, launcher and device.

    Parameters
    ----------
    xp : module
        An array namespace with NumPy's functions.
    launch : callable
        ``(launch, arguments) -> None``: queues a kernel with arrays and NumPy scalars.
    device : Device
        What the launches are planned for.
    state, query
        As for `run`.
    **statics : int
        As for `run`, all of them.

    Returns
    -------
    tuple of arrays
        As for `run`.
    """
    n, nq, k = state["rows"].shape[0], query.shape[0], statics["k"]
    m, width, _ = state["codebook"].shape
    steps = plan(device, n=n, m=m, width=width, nq=nq, **statics)
    arrays = state | {"query": xp.ascontiguousarray(query)}
    arrays |= {name: xp.empty(shape, dtype=dtype) for name, (shape, dtype) in steps.buffers.items()}
    for step in steps.launches:
        launch(step, tuple(arrays[a] if isinstance(a, str) else a for a in step.arguments))
    if "ids" in arrays:
        return arrays["distances"], arrays["ids"]
    order = xp.argsort(arrays["distances"], axis=1)[:, :k]
    distances = xp.take_along_axis(arrays["distances"], order, axis=1)
    ids = order.astype(xp.uint32)
    if k > n:
        distances = xp.concatenate([distances, xp.full((nq, k - n), xp.inf, dtype=xp.float32)], axis=1)
        ids = xp.concatenate([ids, xp.full((nq, k - n), NO_ID, dtype=xp.uint32)], axis=1)
    return distances, ids


@functools.lru_cache
def plan(
    device: Device, *, n: int, m: int, width: int, nq: int, k: int, queries: int = 0, rows: int = 0, resident: int = 2
) -> Plan:
    """Plan the launches of one call.

    Parameters
    ----------
    device : Device
        What they are planned for.
    n, m, width, nq, k : int
        Rows, sub-spaces, components of a sub-space, queries, results a query; each at least 1.
    queries, rows, resident : int
        As for `run`.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If there are more rows than a 32-bit number tells apart, or if a block's shared memory cannot hold its lists.
    """
    if n > _MOST_ROWS:
        raise ValueError(f"{n} rows, expected at most {_MOST_ROWS}")
    planes, stride = -(-m // _CODES), -(-n // _CODES) * _CODES
    select = k <= _LIST_K
    capacity = max(_SHORTEST_LIST, 1 << (2 * k - 1).bit_length()) if select else 0
    queries = (queries or _queries_a_block(device, planes, capacity, n, nq)) if select else 1
    groups = -(-nq // queries)

    plane = 4 * _CODES * _CENTROIDS * queries
    lists = queries * (8 * capacity + 8 + 4)
    slice_ = min(planes, (device.shared_bytes - lists) // plane)  # planes whose tables are in shared memory at one time
    shared = slice_ * plane + lists
    if slice_ < 1:
        raise ValueError(f"k={k} lists of {queries} queries leave no room for a table in {device.shared_bytes} bytes")

    # As many blocks as run at the same time: each loads its tables once, and none waits for a place. The kernels for
    # several queries take more than 64 registers, so that only one block of theirs finds room.
    places = min(resident, (device.shared_bytes + 1024) // (shared + 1024)) if queries == 1 else 1
    blocks = max(1, min(device.multiprocessors * places // groups, n // (4 * min(k, _LIST_K)), _MOST_BLOCKS))
    share = -(-n // blocks)
    rows = (rows or (4 if share >= 3072 else 1)) if select and queries == 1 else 4
    threads = 512 if share >= 1024 else 256
    tile = threads * rows
    rows_per_block = -(-share // tile) * tile
    blocks = -(-n // rows_per_block)

    def step(kernel: str, grid: tuple[int, int], block: int, shared_bytes: int, *arguments: str | int) -> Launch:
        numbers = tuple(a if isinstance(a, str) else np.uint32(a) for a in arguments)
        return Launch(kernel, grid, block, shared_bytes, numbers)

    tables = step(
        *(f"tables_{queries}", (groups, planes * _CODES), _CENTROIDS, 0),
        *("codebook", "query", "tables", "tickets", nq, m, width),
    )
    sizes = (n, stride, planes, slice_, rows_per_block)
    buffers: dict[str, tuple[tuple[int, ...], str]] = {
        "tables": ((groups, planes * _CODES, _CENTROIDS, queries), "float32"),
        "tickets": ((groups,), "uint32"),
        "distances": ((nq, k if select else n), "float32"),
    }
    if not select:
        scan = step("all_distances", (groups, blocks), threads, shared, "codes", "tables", "distances", *sizes)
        return Plan((tables, scan), buffers)
    buffers |= {"ids": ((nq, k), "uint32"), "candidates": ((nq, k, blocks), "uint64")}
    names = ("codes", "tables", "candidates", "tickets", "distances", "ids")
    scan = step(f"select_{queries}x{rows}", (groups, blocks), threads, shared, *names, *sizes, nq, k, capacity)
    return Plan((tables, scan), buffers)


def _queries_a_block(device: Device, planes: int, capacity: int, n: int, nq: int) -> int:
    """Return how many queries share a look-up: wider tables take longer to load, and pay from millions of sums on."""
    for queries in (4, 2):
        fits = queries * (4 * _CODES * _CENTROIDS * planes + 8 * capacity + 12) <= device.shared_bytes
        if nq >= queries and nq * n >= 1 << 22 and fits:
            return queries
    return 1


@functools.cache
def _device(number: int) -> Device:
    import cupy

    about = cupy.cuda.runtime.getDeviceProperties(number)
    return Device(about["multiProcessorCount"], about["sharedMemPerBlockOptin"])


def source() -> str:
    """Return the text of the kernels."""
    return "".join(Path(__file__).with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".cuh", ".cu"))


@functools.cache
def _module() -> Any:
    import cupy

    return cupy.RawModule(code=source(), options=("-std=c++17",))


@functools.cache
def _kernel(name: str, number: int) -> Any:
    """Return a kernel that may use all the shared memory of a block on the device of that number, which is current."""
    kernel = _module().get_function(name)
    kernel.max_dynamic_shared_size_bytes = _device(number).shared_bytes
    return kernel


def _launch(step: Launch, arguments: tuple[Any, ...]) -> None:
    import cupy

    kernel = _kernel(step.kernel, cupy.cuda.runtime.getDevice())
    kernel(step.grid, (step.block,), arguments, shared_mem=step.shared_bytes)
