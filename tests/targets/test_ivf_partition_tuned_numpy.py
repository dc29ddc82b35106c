"""The numba kernel of `ivf-partition`: right on every kind of data, by the filter to the last bit as by the plain scan.

The filter may drop no centroid that the plain scan would keep, however the rounding falls: both are held to the same
float32 distances and ids.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle, simd
from lar.contracts import Case
from lar.simd import byte_rows
from lar.trees import leaves

Host = npt.NDArray[Any]
TARGET = catalog.target("ivf-partition")
KERNEL: Any = catalog.load_kernel("ivf-partition", catalog.kernel_path("ivf-partition", "tuned", "numpy"))
METRICS = ("l2", "dot")
GENERIC = os.environ.get("NUMBA_CPU_NAME") is not None
KINDS = (
    "gaussian",
    "offset",
    "far offset",
    "clustered",
    "in order of clusters",
    "near-duplicates",
    "duplicates",
    "identical",
    "narrow",
    "descending",
    "ascending",
    "spikes",
    "wide norms",
    "zero vectors",
    "all zero",
    "query is a centroid",
    "far query",
    "tiny",
    "huge",
)


def make(kind: str, shape: tuple[int, int], nq: int) -> tuple[dict[str, Host], Host]:
    """Return (data, queries)."""
    C, dim = shape
    rng = np.random.default_rng([C, dim, nq])
    rows, query = rng.standard_normal((C, dim)) / np.sqrt(dim), rng.standard_normal((nq, dim)) / np.sqrt(dim)
    centres, places = rng.standard_normal((8, dim)) / np.sqrt(dim), rng.integers(0, 8, C)
    axis = centres[0]
    made: dict[str, Callable[[], tuple[Host, Host]]] = {
        "gaussian": lambda: (rows, query),
        "offset": lambda: (rows + 10, query + 10),
        "far offset": lambda: (rows + 1e4, query + 1e4),
        "clustered": lambda: (centres[places] + 0.3 * rows, centres[:1] + 0.3 * query),
        "in order of clusters": lambda: (centres[np.sort(places)] + 0.3 * rows, centres[7:] + 0.3 * query),
        "near-duplicates": lambda: (centres[places] + 1e-3 * rows, centres[:1] + 0.1 * query),
        "duplicates": lambda: (rows[places], query),
        "identical": lambda: (np.repeat(rows[:1], C, axis=0), query),
        "narrow": lambda: (np.where(places % 2, 1, -1)[:, None] * centres[0] + 1e-7 * np.sign(rows), 1e-3 * query),
        "descending": lambda: (0.01 * rows + np.linspace(3, 0, C)[:, None] * axis, 0 * query - 0.1 * axis),
        "ascending": lambda: (0.01 * rows + np.linspace(0, 3, C)[:, None] * axis, 0 * query - 0.1 * axis),
        "spikes": lambda: (rows + 30 * (np.arange(dim) == places[:, None] % dim), query + (np.arange(dim) == 0)),
        "wide norms": lambda: (rows * 10.0 ** -rng.integers(0, 8, (C, 1)), query),
        "zero vectors": lambda: (rows * (places % 3 > 0)[:, None], query * (np.arange(nq) % 2)[:, None]),
        "all zero": lambda: (0 * rows, 0 * query),
        "query is a centroid": lambda: (rows, rows[rng.integers(0, C, nq)]),
        "far query": lambda: (rows, 1e4 + query),
        "tiny": lambda: (1e-25 * rows, 1e-25 * query),
        "huge": lambda: (1e14 * rows, 1e14 * query),
    }
    rows, query = made[kind]()
    return {"centroids": rows.astype(np.float32)}, query.astype(np.float32)


def search(data: dict[str, Host], query: Host, k: int, metric: str) -> tuple[Host, Host]:
    state = KERNEL.prepare(np, data, k=k, metric=metric)
    out: tuple[Host, Host] = KERNEL.run(np, state, query, k=k, metric=metric)
    return out


def case_of(data: dict[str, Host], query: Host, k: int, metric: str, name: str = "test") -> Case:
    (C, dim), nq = data["centroids"].shape, len(query)
    sizes = {"C": C, "dim": dim, "nq": nq, "k": k}
    return Case(name, name, sizes, 0, {"k": k, "metric": metric}, nq, name)


def hold(data: dict[str, Host], query: Host, k: int, metric: str, name: str = "test") -> None:
    """Hold one call against the reference."""
    case = case_of(data, query, k, metric, name)
    outputs = list(search(data, query, k, metric))
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), outputs, name)
    assert verdict.failure is None, verdict.failure


@pytest.fixture(params=("filter", "plain"))
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    choose(request.param, monkeypatch)
    return str(request.param)


def choose(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if path == "filter" and not simd.supports("add_products"):
        pytest.skip("this processor lacks products of bytes, or numba is told not to use them")
    monkeypatch.setattr(KERNEL, "_FILTERS", path == "filter")


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_on_every_kind_of_data(kind: str, metric: str, path: str) -> None:
    hold(*make(kind, (3_000, 48), 3), 20, metric, kind)


@pytest.mark.parametrize("C", [1, 19, 63, 64, 65, 255, 256, 257, 1_023, 1_024, 1_025, 2_049])
@pytest.mark.parametrize("k", [1, 20, 300])
def test_right_at_every_size(C: int, k: int, path: str) -> None:
    hold(*make("clustered", (C, 24), 2), k, "l2")


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 15, 16, 17, 31, 63, 64, 65, 100, 127, 129, 768])
@pytest.mark.parametrize("metric", METRICS)
def test_right_for_any_number_of_components(dim: int, metric: str, path: str) -> None:
    hold(*make("offset", (600, dim), 2), 10, metric)


@pytest.mark.parametrize("nq", [1, 3, 4, 5, 32, 33, 38])
def test_right_for_any_number_of_queries(nq: int, path: str) -> None:
    hold(*make("gaussian", (1_500, 32), nq), 10, "l2")


def test_rows_too_wide_for_bytes_are_scanned_plainly(path: str) -> None:
    for dim in (byte_rows.WIDEST, byte_rows.WIDEST + 1):
        data, query = make("gaussian", (300, dim), 2)
        bytes_there = "panels" in KERNEL.prepare(np, data, k=5, metric="dot")
        assert bytes_there == (path == "filter" and dim == byte_rows.WIDEST)
        hold(data, query, 5, "dot")


# ---- by the filter as by the plain scan ----------------------------------------------------------------------------


def both(data: dict[str, Host], query: Host, k: int, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    choose("filter", monkeypatch)
    found, ids = search(data, query, k, metric)
    choose("plain", monkeypatch)
    plainly_found, plain_ids = search(data, query, k, metric)
    np.testing.assert_array_equal(ids, plain_ids)
    np.testing.assert_array_equal(found.view(np.uint32), plainly_found.view(np.uint32))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_filter_finds_what_the_plain_scan_finds(kind: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for shape, nq, k in (((9_000, 32), 1, 1), ((9_000, 32), 6, 20), ((2_500, 200), 5, 20), ((4_000, 3), 4, 300)):
        both(*make(kind, shape, nq), k, metric, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_filter_finds_what_the_plain_scan_finds_where_there_is_much(
    kind: str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for shape, nq, k in (((30_000, 128), 33, 20), ((20_000, 768), 4, 5), ((5_000, 1_100), 2, 50)):
        both(*make(kind, shape, nq), k, metric, monkeypatch)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_distances_go_by_number(metric: str, path: str) -> None:
    rng = np.random.default_rng(7)
    data = {"centroids": rng.integers(-1, 2, (5_000, 6)).astype(np.float32)}
    query = rng.integers(-1, 2, (4, 6)).astype(np.float32)
    found, ids = search(data, query, 40, metric)
    for row, got, where in zip(query, found, ids, strict=True):
        exact = np.sum((data["centroids"] - row) ** 2, axis=1) if metric == "l2" else 1 - data["centroids"] @ row
        order = np.argsort(exact, kind="stable")[:40]
        np.testing.assert_array_equal(where, order)
        np.testing.assert_array_equal(got, exact[order])


# ---- what it leaves out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("nq", [1, 4])
def test_centroids_that_the_bytes_rule_out_are_not_looked_at(
    nq: int, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the near ones are poisoned after they were rounded: they seem to be far nearer to whoever reads them."""
    choose("filter", monkeypatch)
    data, query = make("gaussian", (8_000, 64), nq)
    state = KERNEL.prepare(np, data, k=5, metric=metric)
    expected = KERNEL.run(np, state, query, k=5, metric=metric)
    exact = data["centroids"].astype(np.float64)
    for row, found, ids in zip(query, *expected, strict=True):
        far = np.sum((exact - row) ** 2, axis=1) if metric == "l2" else 1 - exact @ row
        rows = state["rows"].copy()
        rows[far > np.median(far)] = row if metric == "l2" else 100 * row
        got, where = KERNEL.run(np, {**state, "rows": rows}, row[None], k=5, metric=metric)
        np.testing.assert_array_equal(where[0], ids)
        np.testing.assert_array_equal(got[0], found)


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str) -> None:
    data, query = make("clustered", (700, 20), 2)
    data["centroids"].setflags(write=False)
    state = KERNEL.prepare(np, data, k=10, metric="l2")
    assert all(type(leaf) is np.ndarray for leaf in leaves(state))
    for array in (*leaves(state), query):
        array.setflags(write=False)
    copies = [array.copy() for array in (*leaves(state), query)]
    first = KERNEL.run(np, state, query, k=10, metric="l2")
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, query[::-1], k=10, metric="l2")
    for array, copy in zip((*leaves(state), query), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata
        assert out.flags.c_contiguous


@pytest.mark.parametrize("view", [np.asfortranarray, lambda rows: np.repeat(rows, 2, axis=0)[::2]])
def test_centroids_may_lie_anywhere(view: Callable[[Host], Host], path: str) -> None:
    for dim in (16, 20):
        data, query = make("gaussian", (400, dim), 1)
        hold({"centroids": view(data["centroids"])}, query, 10, "dot")


@pytest.mark.skipif(GENERIC, reason="is the process that this test starts")
@pytest.mark.parametrize("processor", ["generic", "haswell"])
def test_compiles_for_other_processors_and_is_cached(processor: str, tmp_path: Any) -> None:
    """The one has no products of bytes at all, the other those of pairs of words."""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    if processor == "haswell":
        environment["NUMBA_CPU_FEATURES"] = "+avx,+avx2,+bmi,+bmi2,+fma,+popcnt,+sse4.2,+ssse3"
    filters = processor == "haswell" and simd.supports("add_products")
    chosen = f"{'filter' if filters else 'plain'} and not plain_scan and (gaussian or narrow or by_number or queries)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    search = "_search" if filters else "_search_plainly"
    program = (
        "import numpy as np; from lar import catalog\n"
        "path = catalog.kernel_path('ivf-partition', 'tuned', 'numpy')\n"
        "kernel = catalog.load_kernel('ivf-partition', path)\n"
        "state = kernel.prepare(np, {'centroids': np.zeros((5, 2), np.float32)}, k=3, metric='l2')\n"
        "kernel.run(np, state, np.zeros((1, 2), np.float32), k=3, metric='l2')\n"
        f"assert sum(kernel.{search}.stats.cache_hits.values()) == 1, kernel.{search}.stats\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
