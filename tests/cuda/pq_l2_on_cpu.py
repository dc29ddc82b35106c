"""Runs all of `pq-l2`'s CuPy kernel but the device: its plan, its launches by `on_cpu`, its results against float64.

Run as a script, with a sanitizer's name and a library compiled for it, it does so under that sanitizer.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.cuda import on_cpu

HERE = Path(__file__)
FloatArray = npt.NDArray[np.float32]


def load_kernel() -> ModuleType:
    """Import the kernel by its path, without its target's package (which needs numba)."""
    path = HERE.parents[2] / "targets" / "pq_l2" / "tuned" / "cupy.py"
    spec = importlib.util.spec_from_file_location("pq_l2_tuned_cupy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


kernel = load_kernel()
GPU = kernel.Device(multiprocessors=2, shared_bytes=232_448)  # few multiprocessors, so that a grid stays small
NARROW = kernel.Device(multiprocessors=2, shared_bytes=8_192)  # tables pass through in slices
Case = tuple[dict[str, int], dict[str, int], str]  # sizes, statics, kind


class Run:
    """A way to run kernels on the CPU; counts what it launched.

    Parameters
    ----------
    library : on_cpu.Library
        The kernels.
    order : str
        The order of threads and blocks.
    resident : int
        Blocks that run at once.
    """

    def __init__(self, library: on_cpu.Library, order: str = "ascending", resident: int = 1) -> None:
        self.library, self.order, self.resident = library, order, resident
        self.launched: list[Any] = []

    def __call__(self, step: Any, arguments: tuple[Any, ...]) -> None:
        """Launch one step of a plan."""
        self.launched.append(step)
        self.library.launch(
            *(step.kernel, step.grid, (step.block,), arguments),
            shared_bytes=step.shared_bytes,
            order=self.order,
            resident=self.resident,
        )


class PoisonedNumPy:
    """NumPy, but what is allocated without a value is NaN or huge."""

    def __getattr__(self, name: str) -> Any:
        """Return NumPy's own."""
        return getattr(np, name)

    @staticmethod
    def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array of 0xff bytes."""
        return np.full(int(np.prod(shape)) * np.dtype(dtype).itemsize, 0xFF, np.uint8).view(dtype).reshape(shape)


def inputs(
    seed: int, n: int, m: int, width: int, nq: int, centroids: int = 256, kind: str = "gaussian"
) -> tuple[dict[str, npt.NDArray[Any]], FloatArray]:
    """Draw a data set and queries.

    Parameters
    ----------
    seed, n, m, width, nq, centroids : int
        Sizes: rows, sub-spaces, components of each, queries, entries of a codebook.
    kind : {"gaussian", "offset", "equal", "descending", "ascending", "infinite"}
        ``offset`` adds a large common number, where ``q^2 + c^2 - 2qc`` cancels; ``equal`` makes all rows one;
        ``descending`` puts the nearest row last; some distances of ``infinite`` overflow.

    Returns
    -------
    data : dict
        ``codebook`` and ``codes``.
    query : float32 (nq, m * width)
    """
    rng = np.random.default_rng(seed)
    codebook = (rng.standard_normal((m, centroids, width)) / np.sqrt(m * width)).astype(np.float32)
    query = (rng.standard_normal((nq, m * width)) / np.sqrt(m * width)).astype(np.float32)
    codes = rng.integers(0, centroids, (n, m), dtype=np.uint8)
    if kind == "offset":
        codebook, query = codebook + np.float32(100), query + np.float32(100)
    if kind == "equal":
        codes[:] = codes[0]
    if kind == "infinite":
        codebook[0, : centroids // 2] = 1e30
    if kind in ("descending", "ascending"):
        order = np.argsort(distances(codebook, codes, query)[0])
        codes = codes[order if kind == "ascending" else order[::-1]]
    return {"codebook": codebook, "codes": np.ascontiguousarray(codes)}, query


def distances(codebook: FloatArray, codes: npt.NDArray[np.uint8], query: FloatArray) -> npt.NDArray[np.float64]:
    """Return the float64 distances (nq, n) of every query to every decoded row."""
    m, _, width = codebook.shape
    out = np.zeros((len(query), len(codes)))
    for q, row in enumerate(query.astype(np.float64).reshape(len(query), m, width)):
        for j in range(m):
            table = np.sum((row[j] - codebook[j].astype(np.float64)) ** 2, axis=1)
            out[q] += table[codes[:, j]]
    return np.where(out > np.finfo(np.float32).max, np.inf, out)


def check(data: dict[str, Any], query: FloatArray, k: int, found: tuple[Any, Any]) -> None:
    """Hold a result against float64: right distances of the returned rows, no row twice, none better left out."""
    truth = distances(data["codebook"], data["codes"], query)
    n, dim = truth.shape[1], query.shape[1]
    kept = min(k, n)
    got, ids = (np.asarray(part) for part in found)
    assert got.shape == ids.shape == (len(query), k)
    assert got.dtype == np.float32
    assert ids.dtype == np.uint32
    assert np.all(got[:, kept:] == np.inf)
    assert np.all(ids[:, kept:] == 2**32 - 1)
    got, ids = got[:, :kept], ids[:, :kept]
    assert np.all(ids < n)
    assert all(len(set(row)) == kept for row in ids.tolist())
    assert np.all(got[:, :-1] <= got[:, 1:])
    best = np.sort(truth, axis=1)[:, :kept]
    tolerance = 4 * np.sqrt(dim) * 2.0**-24 * np.maximum(np.where(np.isfinite(best), best, 0), 0.01)
    for right in (best, np.take_along_axis(truth, ids.astype(np.int64), axis=1)):
        same = got == right  # infinities
        with np.errstate(invalid="ignore"):
            assert np.all(same | (np.abs(got - right) <= tolerance))


def cases() -> Iterator[Case]:
    """Yield what reaches every kernel and every way through it, where order matters and where it does not."""
    base = {"n": 1_500, "m": 6, "width": 3, "nq": 3}
    for kind in ("offset", "equal", "descending", "ascending", "infinite"):
        yield base, {"k": 10}, kind
    yield from shape_cases()


def shape_cases() -> Iterator[Case]:
    """Yield what reaches every kernel, and its bounds."""
    base = {"n": 1_500, "m": 6, "width": 3, "nq": 3}
    yield base, {"k": 10}, "gaussian"
    yield base | {"n": 1_037, "nq": 5}, {"k": 7, "queries": 2}, "gaussian"  # the last group is not full
    yield base | {"n": 5_003}, {"k": 10, "queries": 4}, "descending"
    yield base | {"n": 4_099, "nq": 1}, {"k": 100, "rows": 4}, "gaussian"
    yield base | {"n": 4_099, "nq": 1}, {"k": 300, "rows": 1}, "ascending"
    yield base | {"n": 1_000, "nq": 1}, {"k": 400}, "gaussian"  # a list of more pairs than threads
    yield base | {"n": 259, "m": 1, "nq": 1}, {"k": 259}, "gaussian"
    yield base | {"n": 5, "m": 4, "width": 1}, {"k": 9}, "gaussian"
    yield base | {"n": 1, "nq": 1}, {"k": 1}, "gaussian"
    yield base | {"n": 1_300, "nq": 2, "centroids": 5}, {"k": 1_200}, "gaussian"  # past the longest list
    yield base | {"n": 1_301, "nq": 2}, {"k": 1_310}, "equal"


def race_cases() -> Iterator[Case]:
    """Yield what reaches every kernel with few threads: ThreadSanitizer takes half a millisecond for each."""
    base = {"n": 600, "m": 4, "width": 2, "nq": 1}
    yield base, {"k": 10}, "descending"
    yield base | {"n": 1_000}, {"k": 400, "rows": 4}, "gaussian"  # a list of more pairs than threads
    yield base | {"n": 1_500, "nq": 2}, {"k": 10, "queries": 2}, "descending"
    yield base | {"n": 1_500, "nq": 3}, {"k": 10, "queries": 4}, "gaussian"
    yield base | {"n": 1_100}, {"k": 1_025}, "gaussian"


def run_case(run: Run, device: Any, seed: int, case: Case) -> tuple[Any, Any]:
    """Run one case on the CPU, hold it against float64 and return the result; nothing it was given may have changed."""
    sizes, statics, kind = case
    data, query = inputs(seed, kind=kind, **sizes)
    options = {"queries": 0, "rows": 0, "resident": 2} | statics
    state = kernel.prepare(np, data, **options)
    before = [array.copy() for array in (*state.values(), query)]
    before_it = len(run.launched)
    found: tuple[Any, Any] = kernel.execute(PoisonedNumPy(), run, device, state, query, **options)
    assert all(step.shared_bytes <= device.shared_bytes for step in run.launched[before_it:])
    check(data, query, statics["k"], found)
    for array, old in zip((*state.values(), query), before, strict=True):
        assert np.array_equal(array, old)
    return found


def main(sanitizer: str, library: str) -> int:
    """Run every case in a process that `run_sanitized` started."""
    run = Run(on_cpu.Library(Path(library)), resident=2)
    slices = ({"n": 300, "m": 5, "width": 2, "nq": 1}, {"k": 3}, "gaussian")
    for seed, case in enumerate(shape_cases() if sanitizer == "memory" else race_cases()):
        run_case(run, GPU, seed, case)
    run_case(run, NARROW, 0, slices)
    launched = {step.kernel for step in run.launched}
    assert launched == set(run.library.kernels), f"not reached: {set(run.library.kernels) - launched}"
    sys.stdout.write(f"{len(run.launched)} launches of {len(launched)} kernels\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
