"""The numba kernel of `pq-l2`: right against float64 on every kind of data, by the filter and by the plain scan alike.

Both paths are held to more than the tolerance: they must return the same float32 distances and ids to the last bit. The
filter may thus drop no row that the plain scan would keep, however the rounding falls. What `_limit` promises for that
is checked row by row: with E the exact sum of a row's float32 entries, b the sum of the sub-spaces' minima and
u = 2**-24,

- a byte is ``floor(fl(fl(entry - low) scale)) <= (entry - low) scale (1 + u)**2``, and saturation only lowers it,
  so that ``steps <= (E - b) scale (1 + u)**2``;
- the float32 sum D adds positive numbers, none of which passes through more than m / 16 + 9 additions, so that
  ``D >= E (1 - (m / 16 + 9) u)`` and ``E <= D (1 + (m + 16) u)``;
- b is added up in float64, to a factor of ``1 +- m 2**-53``.

Hence ``steps <= (D (1 + (m + 16) u) - b (1 - m 2**-52)) scale (1 + 2**-20)``: the limit for the bound D.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from lar import catalog, oracle, simd
from lar.contracts import NO_ID, Ranked, Spec
from lar.simd import bounds, shortlist, tables
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("pq-l2", catalog.kernel_path("pq-l2", "tuned", "numpy"))
PATHS = ("filter", "plain")
DISTRIBUTIONS = (
    "gaussian",
    "uniform",
    "sparse",
    "offset",
    "mostly zero",
    "duplicates",
    "one step",
    "one centroid",
    "descending",
    "far query",
    "wide ranges",
)


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    choose(request.param, monkeypatch)
    return str(request.param)


def choose(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if path == "filter" and not simd.supports("lookup256"):
        pytest.skip("this processor lacks the byte look-up, or numba is told not to use it")
    monkeypatch.setattr(KERNEL, "_FILTERS", path == "filter")


def make(kind: str, shape: tuple[int, int, int], N: int, nq: int, K: int = 256) -> tuple[dict[str, Host], Host]:
    """Return (data, queries) of dimension m * width."""
    m, width, seed = shape
    rng = np.random.default_rng([m, width, N, nq, seed])
    codebook = rng.standard_normal((m, K, width)) / np.sqrt(m * width)
    query = rng.standard_normal((nq, m * width)) / np.sqrt(m * width)
    codes = rng.integers(0, K, (N, m))
    if kind == "uniform":
        codebook, query = rng.random((m, K, width)), rng.random((nq, m * width))
    elif kind == "sparse":
        codebook *= rng.random((m, K, width)) < 0.1
        query *= rng.random((nq, m * width)) < 0.1
    elif kind == "offset":
        codebook, query = codebook + 100, query + 100
    elif kind == "mostly zero":
        codes[rng.random(N) < 0.97] = 0
        codebook[:, 0] = 0
        query[::2] = 0
    elif kind == "duplicates":
        codes = codes[rng.integers(0, min(7, N), N)]
    elif kind == "one step":
        codebook = 0.25 + 1e-7 * np.sign(codebook)
    elif kind == "one centroid":
        codebook[:] = codebook[:1, :1]
    elif kind == "descending":
        query *= 1e-3
        norms = (codebook.astype(np.float64) ** 2).sum(axis=2)[np.arange(m), codes].sum(axis=1)
        codes = codes[np.argsort(-norms, kind="stable")]
    elif kind == "far query":
        query = query + 1e4
    elif kind == "wide ranges":
        codebook *= 10.0 ** rng.integers(-8, 5, (m, 1, 1))
    data = {"codebook": codebook.astype(np.float32), "codes": codes.astype(np.uint8)}
    return data, query.astype(np.float32)


def distances(data: dict[str, Host], query: Host) -> Host:
    """Return float64 (N,), by decoding every row."""
    codebook, codes = data["codebook"].astype(np.float64), data["codes"]
    m = codes.shape[1]
    out: Host = ((codebook[np.arange(m), codes].reshape(len(codes), -1) - query) ** 2).sum(axis=1)
    return out


def truth(data: dict[str, Host], query: Host, k: int) -> Ranked:
    every = np.stack([distances(data, row) for row in query])
    best = np.sort(every, axis=1)[:, : min(k, every.shape[1])]

    def score_of(ids: Host) -> tuple[Host, Host]:
        score = np.take_along_axis(every, ids, axis=1)
        return score, score

    return Ranked(best, best, score_of, rows=every.shape[1], terms=query.shape[1])


def search(data: dict[str, Host], query: Host, k: int) -> tuple[Host, Host]:
    out: tuple[Host, Host] = KERNEL.run(np, KERNEL.prepare(np, data, k=k), query, k=k)
    return out


def hold(data: dict[str, Host], query: Host, k: int, case: str = "") -> None:
    specs = Spec((len(query), k), "float32"), Spec((len(query), k), "uint32")
    verdict = oracle.judge(truth(data, query, k), specs, list(search(data, query, k)), case)
    assert verdict.failure is None, verdict.failure


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize(("shape", "N", "k", "nq"), [((16, 8, 1), 4_097, 10, 3), ((20, 3, 2), 8_193, 100, 1)])
def test_right_on_every_distribution(
    path: str, kind: str, shape: tuple[int, int, int], N: int, k: int, nq: int
) -> None:
    hold(*make(kind, shape, N, nq), k, f"{path} {kind}")


@pytest.mark.parametrize("N", [1, 9, 63, 64, 65, 255, 256, 257, 1_000, 4_095, 4_096, 4_097, 8_193])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_right_at_every_size(path: str, N: int, k: int) -> None:
    hold(*make("gaussian", (4, 3, 5), N, 2), k)


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 0), (1, 768, 0), (2, 16, 0), (3, 3, 0), (15, 1, 0), (17, 1, 0), (33, 8, 0), (96, 8, 0), (300, 1, 0)],
)
def test_right_for_any_number_and_width_of_sub_spaces(path: str, shape: tuple[int, int, int]) -> None:
    hold(*make("gaussian", shape, 5_000, 2), 10)


@pytest.mark.parametrize(("N", "k"), [(1_000, 1_000), (9, 9), (257, 256), (300, 1_000), (5_000, 2_000), (1, 3)])
def test_right_when_most_rows_are_wanted_and_padded_when_more(path: str, N: int, k: int) -> None:
    data, query = make("duplicates" if N == 257 else "gaussian", (3, 4, 6), N, 2)
    hold(data, query, k)
    found, ids = search(data, query, k)
    assert np.isinf(found[:, N:]).all()
    assert (ids[:, N:] == NO_ID).all()


@pytest.mark.parametrize("nq", [3, 32])
def test_right_for_many_queries(path: str, nq: int) -> None:
    hold(*make("gaussian", (16, 2, 7), 5_000, nq), 10)


@pytest.mark.parametrize("K", [1, 16, 255])
def test_right_with_a_small_codebook(path: str, K: int) -> None:
    hold(*make("gaussian", (5, 2, 8), 2_000, 2, K), 10)


def test_padding_is_never_found(path: str) -> None:
    data, _ = make("gaussian", (16, 2, 3), 8_092, 1)
    data["codes"][data["codes"] == 0] = 1
    hold(data, data["codebook"][:, 0].reshape(1, -1), 10)  # what pads the last chunk is code 0: nearer than any row


def test_equal_distances_go_by_row(path: str) -> None:
    rng = np.random.default_rng(9)
    data: dict[str, Host] = {
        "codebook": rng.integers(-2, 3, (16, 256, 2)).astype(np.float32),  # sums of squares of integers: exact
        "codes": rng.integers(0, 256, (6_000, 16)).astype(np.uint8),
    }
    query = rng.integers(-2, 3, (4, 32)).astype(np.float32)
    for k in (10, 300):
        found, ids = search(data, query, k)
        for row, got, where in zip(query, found, ids, strict=True):
            exact = distances(data, row)
            order = np.lexsort((np.arange(len(exact)), exact))[:k]
            np.testing.assert_array_equal(where, order)
            np.testing.assert_array_equal(got, exact[order])


# ---- by the filter as by the plain scan ----------------------------------------------------------------------------


def both(data: dict[str, Host], query: Host, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose("filter", monkeypatch)
    found, ids = search(data, query, k)
    choose("plain", monkeypatch)
    plainly_found, plain_ids = search(data, query, k)
    np.testing.assert_array_equal(ids, plain_ids)
    np.testing.assert_array_equal(found.view(np.uint32), plainly_found.view(np.uint32))


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize("shape", [(1, 3, 1), (16, 2, 2), (17, 1, 3), (50, 2, 4)])
def test_the_filter_finds_what_the_plain_scan_finds(
    kind: str, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for k, N in ((1, 9_000), (10, 9_000), (10, 25_000), (300, 6_000)):
        both(*make(kind, shape, N, 3), k, monkeypatch)


def test_batches_share_chunks_where_the_codes_exceed_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (64, 1, 1), 70_000, KERNEL.BATCH + 1)
    assert data["codes"].size > KERNEL.CACHED
    both(data, query, 10, monkeypatch)


@pytest.mark.parametrize("value", [3e38, np.inf, np.nan])
def test_entries_without_a_finite_square_come_last(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    data, query = make("gaussian", (16, 2, 5), 5_000, 2)
    data["codebook"][3, ::2] = value
    both(data, query, 10, monkeypatch)
    found, _ = search(data, query, 10)
    assert np.isfinite(found).all()
    data["codebook"][3] = value  # none is left
    both(data, query, 10, monkeypatch)


@njit
def beyond_limit(search: Any, codes: Host, panels: Host, sums: Host, row_sums: Host) -> int:
    """Count the rows that the filter would drop though the bound is their own float32 distance."""
    m, dropped = search.low.size, 0
    bounds.add_up(panels, m, 0, search.steps, search.scan.together, sums)
    for place in range(sums.size):
        row = place // 64 * 64 + 2 * (place % 32) + place % 64 // 32
        row_sums[row] = sums[place]
    for row in range(codes.size // m):
        search.scan.bound = shortlist.key_of(tables.sum_of(search.table, codes, m, row), row)
        dropped += row_sums[row] > KERNEL._limit(search)
    return dropped


@njit
def begin(search: Any, query: Host, columns: Host) -> None:
    KERNEL._begin(search, query, columns)


@njit
def sharpen(search: Any, bound: int) -> None:
    search.scan.bound = bound
    KERNEL._sharpen(search)


@njit
def limit(search: Any, bound: int) -> Any:
    search.scan.bound = bound
    return KERNEL._limit(search)


@pytest.mark.skipif(not simd.supports("lookup256"), reason="this processor lacks the byte look-up")
@pytest.mark.parametrize("m", [1, 2, 16, 17, 96, 257])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_no_row_within_the_bound_exceeds_its_limit(kind: str, m: int) -> None:
    data, query = make(kind, (m, 2, 11), 1_024, 1)
    state = KERNEL.prepare(np, data, k=10)
    codes = data["codes"].reshape(-1)
    search = KERNEL.Search(
        np.empty(m * 256, np.float32),
        np.empty(m * 256, np.uint8),
        np.empty(m, np.float32),
        np.empty(276, np.uint64),
        10,
        np.zeros(1, KERNEL.SCAN)[0],
    )
    sums, row_sums = np.empty(1_024, np.uint16), np.empty(1_024, np.uint16)
    begin(search, query[0], state["columns"])
    assert beyond_limit(search, codes, state["panels"], sums, row_sums) == 0
    exact = np.sort(search.table.reshape(m, 256)[np.arange(m), data["codes"]].sum(axis=1))
    for rank in (0, 9, 500):  # sharpened for the best row, for the tenth, and for half of them
        sharpen(search, int(exact[rank].view(np.uint32)) << 32)
        assert beyond_limit(search, codes, state["panels"], sums, row_sums) == 0
        if kind == "gaussian":  # and it does filter
            near = row_sums <= limit(search, int(exact[rank].view(np.uint32)) << 32)
            assert near.sum() <= 2 * rank + 30


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str) -> None:
    data, query = make("gaussian", (4, 3, 3), 500, 2)
    state = KERNEL.prepare(np, data, k=10)
    assert all(type(leaf) is np.ndarray for leaf in leaves(state))
    for array in (*leaves(state), query):
        array.setflags(write=False)
    copies = [array.copy() for array in (*leaves(state), query)]
    first = KERNEL.run(np, state, query, k=10)
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, query[::-1], k=10)
    for array, copy in zip((*leaves(state), query), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata
        assert out.flags.c_contiguous


def test_plain_path_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "right or equal or citizen",
        __file__,
    ]
    done = subprocess.run(tests, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog, simd\n"
        "kernel = catalog.load_kernel('pq-l2', catalog.kernel_path('pq-l2', 'tuned', 'numpy'))\n"
        "assert not simd.supports('lookup256') and not kernel._FILTERS\n"
        "data = {'codebook': np.zeros((2, 256, 1), np.float32), 'codes': np.zeros((5, 2), np.uint8)}\n"
        "kernel.run(np, kernel.prepare(np, data, k=3), np.zeros((1, 2), np.float32), k=3)\n"
        "assert sum(kernel._search_plainly.stats.cache_hits.values()) == 1, kernel._search_plainly.stats\n"
    )
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
