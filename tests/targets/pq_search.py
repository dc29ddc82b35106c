"""What the tests of tuned NumPy kernels over product-quantised rows share: inputs, truths, and the ways to run one.

Both paths of a kernel are held to more than the tolerance: they must return the same float32 distances and ids to the
last bit. The filter may thus drop no row that the plain scan would keep, however the rounding falls.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import catalog, oracle, simd
from lar.contracts import Ranked, Spec
from lar.simd import bounds, nearest, shortlist, tables
from lar.simd.metric import SCAN, Search

Host = npt.NDArray[Any]
PATHS = ("filter", "plain")
KINDS = (
    "gaussian",
    "uniform",
    "sparse",
    "offset",
    "mostly zero",
    "duplicates",
    "one step",
    "one centroid",
    "far query",
    "wide ranges",
)
"""What suits any metric; `make` knows more."""


def make(kind: str, shape: tuple[int, int, int], N: int, nq: int, K: int = 256) -> tuple[dict[str, Host], Host]:
    """Return (data, queries) of dimension m * width; `shape` is (m, width, seed)."""
    m, width, seed = shape
    rng = np.random.default_rng([m, width, N, nq, seed])
    codebook = rng.standard_normal((m, K, width)) / np.sqrt(m * width)
    query = rng.standard_normal((nq, m * width)) / np.sqrt(m * width)
    codes = rng.integers(0, K, (N, m))
    codebook, query = _vectors(kind, rng, codebook, query)
    if "zero" in kind:
        codebook[:, 0] = 0
        codes[rng.random(N) < SHARE_OF_ZEROS[kind]] = 0
    elif kind == "duplicates":
        codes = codes[rng.integers(0, min(7, N), N)]
    elif kind == "wide norms":
        codes[::3] = codes[::3, :1]  # rows whose sub-vectors all have one size
    data: dict[str, Host] = {"codebook": codebook.astype(np.float32), "codes": codes.astype(np.uint8)}
    return data, query.astype(np.float32)


SHARE_OF_ZEROS = {"mostly zero": 0.97, "zero rows": 0.3, "all zero": 0.0, "opposite and zero": 0.01}


def _vectors(kind: str, rng: np.random.Generator, codebook: Host, query: Host) -> tuple[Host, Host]:
    """Make codebook and queries of such a kind out of gaussian ones."""
    m, K, _ = codebook.shape
    made: dict[str, Callable[[], tuple[Host, Host]]] = {
        "uniform": lambda: (rng.random(codebook.shape), rng.random(query.shape)),
        "sparse": lambda: (codebook * (rng.random(codebook.shape) < 0.1), query * (rng.random(query.shape) < 0.1)),
        "offset": lambda: (codebook + 100, query + 100),
        "mostly zero": lambda: (codebook, query * (np.arange(len(query))[:, None] % 2)),
        "one step": lambda: (0.25 + 1e-7 * np.sign(codebook), query),
        "one centroid": lambda: (np.broadcast_to(codebook[:1, :1], codebook.shape).copy(), query),
        "far query": lambda: (codebook, query + 1e4),
        "near the origin": lambda: (codebook, query * 1e-3),
        "wide ranges": lambda: (codebook * 10.0 ** rng.integers(-8, 5, (m, 1, 1)), query),
        "wide norms": lambda: (codebook * 10.0 ** -rng.integers(0, 6, (1, K, 1)), query),
        "all zero": lambda: (0 * codebook, 0 * query),
        "opposite": lambda: (np.abs(codebook), -np.abs(query)),
        "opposite and zero": lambda: (np.abs(codebook), -np.abs(query)),
    }
    if kind in made:
        return made[kind]()
    assert kind in {"gaussian", "duplicates", "zero rows"}
    return codebook, query


def decoded(data: dict[str, Host]) -> Host:
    """Return float64 (N, dim)."""
    codebook, codes = data["codebook"].astype(np.float64), data["codes"]
    out: Host = codebook[np.arange(codes.shape[1]), codes].reshape(len(codes), -1)
    return out


def descending(data: dict[str, Host], distances: Host) -> dict[str, Host]:
    """Return the data with its rows in such an order that each is better than all before it."""
    return {**data, "codes": np.ascontiguousarray(data["codes"][np.argsort(-distances, kind="stable")])}


Scores = Callable[[dict[str, Host], Host], tuple[Host, Host]]
"""``(data, query (dim,)) -> distances and magnitudes`` of all rows, float64."""


class Bench:
    """The tuned NumPy kernel of a target, and the truth that it is held against.

    Parameters
    ----------
    target : str
        Its name.
    scores : Scores
        The distances of a query, by decoding every row.
    """

    def __init__(self, target: str, scores: Scores) -> None:
        self.target, self.scores = target, scores
        self.kernel: Any = catalog.load_kernel(target, catalog.kernel_path(target, "tuned", "numpy"))

    def choose(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the kernel take one path."""
        if path == "filter" and not simd.supports("lookup256"):
            pytest.skip("this processor lacks the byte look-up, or numba is told not to use it")
        monkeypatch.setattr(self.kernel, "_FILTERS", path == "filter")

    def search(self, data: dict[str, Host], query: Host, k: int) -> tuple[Host, Host]:
        """Prepare and run."""
        out: tuple[Host, Host] = self.kernel.run(np, self.kernel.prepare(np, data, k=k), query, k=k)
        return out

    def truth(self, data: dict[str, Host], query: Host, k: int) -> Ranked:
        """Return what the oracle compares with."""
        every, sizes = (np.stack(part) for part in zip(*(self.scores(data, row) for row in query), strict=True))
        order = np.argsort(every, axis=1, kind="stable")[:, : min(k, every.shape[1])]

        def score_of(ids: Host) -> tuple[Host, Host]:
            return np.take_along_axis(every, ids, axis=1), np.take_along_axis(sizes, ids, axis=1)

        return Ranked(*score_of(order), score_of, rows=every.shape[1], terms=query.shape[1])

    def hold(self, data: dict[str, Host], query: Host, k: int, case: str = "") -> None:
        """Hold one call against the truth."""
        specs = Spec((len(query), k), "float32"), Spec((len(query), k), "uint32")
        verdict = oracle.judge(self.truth(data, query, k), specs, list(self.search(data, query, k)), case)
        assert verdict.failure is None, verdict.failure

    def both(self, data: dict[str, Host], query: Host, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hold the filter against the plain scan, to the last bit."""
        self.choose("filter", monkeypatch)
        found, ids = self.search(data, query, k)
        self.choose("plain", monkeypatch)
        plainly_found, plain_ids = self.search(data, query, k)
        np.testing.assert_array_equal(ids, plain_ids)
        np.testing.assert_array_equal(found.view(np.uint32), plainly_found.view(np.uint32))

    def by_row(self, data: dict[str, Host], query: Host, k: int) -> None:
        """Hold ids against the order of exact distances, equal ones by row."""
        found, ids = self.search(data, query, k)
        for row, got, where in zip(query, found, ids, strict=True):
            exact = self.scores(data, row)[0]
            order = np.lexsort((np.arange(len(exact)), exact))[:k]
            np.testing.assert_array_equal(where, order)
            np.testing.assert_array_equal(got, exact[order])

    def good_citizen(self) -> None:
        """Hold it to reading read-only arrays, changing none, and returning new ones."""
        from lar.trees import leaves

        data, query = make("gaussian", (4, 3, 3), 500, 2)
        for array in data.values():
            array.setflags(write=False)
        state = self.kernel.prepare(np, data, k=10)
        assert all(type(leaf) is np.ndarray for leaf in leaves(state))
        for array in (*leaves(state), query):
            array.setflags(write=False)
        copies = [array.copy() for array in (*leaves(state), query)]
        first = self.kernel.run(np, state, query, k=10)
        kept = [array.copy() for array in first]
        second = self.kernel.run(np, state, query[::-1], k=10)
        for array, copy in zip((*leaves(state), query), copies, strict=True):
            np.testing.assert_array_equal(array, copy)
        for out, copy, again in zip(first, kept, second, strict=True):
            np.testing.assert_array_equal(out, copy)
            np.testing.assert_array_equal(out, again[::-1])
            assert not np.shares_memory(out, again)
            assert out.flags.owndata
            assert out.flags.c_contiguous

    def on_a_generic_processor(self, tests: str, chosen: str, cache: Path) -> None:
        """Run the tests of a file that `chosen` names with every feature hidden, and see that code is cached."""
        environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(cache)}
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, tests]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
        program = (
            "import numpy as np; from lar import catalog, simd\n"
            f"kernel = catalog.load_kernel('{self.target}', catalog.kernel_path('{self.target}', 'tuned', 'numpy'))\n"
            "assert not simd.supports('lookup256') and not kernel._FILTERS\n"
            "data = {'codebook': np.zeros((2, 256, 1), np.float32), 'codes': np.zeros((5, 2), np.uint8)}\n"
            "kernel.run(np, kernel.prepare(np, data, k=3), np.zeros((1, 2), np.float32), k=3)\n"
            "assert sum(kernel._search_plainly.stats.cache_hits.values()) == 1, kernel._search_plainly.stats\n"
        )
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)


# ---- the filter from inside ----------------------------------------------------------------------------------------


@njit
def _listed(blocks: Host, found: int, row: int) -> bool:
    for block in range(found):
        if blocks[block, 1] == np.uint64(row // 64 * 64):
            return bool(blocks[block, 0] >> np.uint64(32 * (row % 2) + row % 64 // 2) & np.uint64(1))
    return False


@njit
def _dropped(metric: Any, search: Any, codes: Host, panels: Host, extra: Any, sums: Host, blocks: Host) -> int:
    """Count the rows that the filter would drop though the bound is their own float32 distance."""
    m, dropped = search.low.size, 0
    bounds.add_up(panels, m, 0, search.steps, search.scan.together, sums)
    for row in range(codes.size // m):
        total = tables.sum_of(search.table, codes, m, row)
        search.scan.bound = shortlist.key_of(metric.distance(extra, total, row), row)
        found, _, _ = metric.find(search, extra, 0, sums, blocks)
        dropped += not _listed(blocks, found, row)
    return dropped


@njit
def _begin(metric: Any, search: Any, query: Host, columns: Host) -> None:
    nearest.begin(metric, search, query, columns)


@njit
def _sharpen(metric: Any, search: Any, extra: Any, bound: float) -> None:
    search.scan.bound = shortlist.key_of(np.float32(bound), 2**32 - 1)
    nearest.sharpen(metric, search, extra)


@njit
def _near(metric: Any, search: Any, panels: Host, extra: Any, sums: Host, blocks: Host) -> Any:
    """Count the rows that are within the bound for all that the filter knows."""
    bounds.add_up(panels, search.low.size, 0, search.steps, search.scan.together, sums)
    return metric.find(search, extra, 0, sums, blocks)[1]


def dropped_and_near(metric: Any, state: Any, extra: Any, query: Host, distances: Host) -> tuple[list[int], list[int]]:
    """Run the filter on one query, as it begins and sharpened for the best row, for the tenth, and for half of them.

    Returns
    -------
    dropped : list of int
        How many rows would be dropped though they are within the bound.
    near : list of int
        How many of all rows the sharpened filter leaves for bounds of these ranks.
    """
    codes = state["codes"]
    N, m = codes.shape
    search = Search(
        simd.aligned((m * 256,), np.float32),
        simd.aligned((m * 256,), np.uint8),
        np.empty(m, np.float32),
        np.empty(276, np.uint64),
        10,
        np.zeros(1, SCAN)[0],
    )
    sums, blocks = simd.aligned((N,), np.uint16), np.empty((N // 64 + 1, 2), np.uint64)
    arrays = codes.reshape(-1), state["panels"], extra, sums, blocks
    _begin(metric, search, query, state["columns"])
    dropped, near = [_dropped(metric, search, *arrays)], []
    for bound in np.sort(distances)[[0, 9, N // 2]]:
        _sharpen(metric, search, extra, bound)
        near.append(int(_near(metric, search, *arrays[1:])))
        dropped.append(_dropped(metric, search, *arrays))
    return dropped, near
