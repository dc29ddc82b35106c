"""The numba kernel of `fts-bm25`: what plain sums of all postings say, on every kind of index, with every processor.

The kernel leaves documents out by bounds and goes different ways by the number of postings, so documents are held as
well as scores: equal scores go by document, whichever way a query went.
"""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import NO_ID
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("fts-bm25", catalog.kernel_path("fts-bm25", "tuned", "numpy"))
GENERIC = os.environ.get("NUMBA_CPU_NAME") == "generic"


def index(sizes: list[int], N: int, *, weights: list[float] | None = None, seed: int = 0, plain: bool = False) -> Any:
    """Return an index whose terms have lists of these sizes."""
    rng = np.random.default_rng([seed, N, *sizes])
    lists = [np.sort(rng.choice(N, size, replace=False)) for size in sizes]
    P = sum(sizes)
    return {
        "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "documents": np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.uint32),
        "frequencies": np.ones(P, np.int32) if plain else rng.geometric(0.7, P).astype(np.int32),
        "lengths": np.full(N, 50, np.int32) if plain else rng.integers(0, 200, N).astype(np.int32),
        "average": np.array([100.0], np.float32),
        "idf": np.array(weights or np.log(1 + (N + 1) / (np.array(sizes) + 0.5)), np.float32),
    }


def search(data: Any, query: Any, k: int) -> tuple[Host, Host]:
    statics = {"k": k, "k1": 1.2, "b": 0.75, "capacity": 2**31 - 1}
    query = np.atleast_2d(np.asarray(query, np.uint32))
    out: tuple[Host, Host] = KERNEL.run(np, KERNEL.prepare(np, data, **statics), query, **statics)
    return out


def hold(data: Any, query: Any, k: int) -> None:
    """Hold the kernel against sums in float32 of the same weights in its own order, and a stable sort."""
    got, found = search(data, query, k)
    query = np.atleast_2d(query)
    N, kept = len(data["lengths"]), min(k, len(data["lengths"]))
    assert (got.dtype, found.dtype, got.shape, found.shape) == (np.float32, np.uint32, *[(len(query), k)] * 2)
    norms = (1.2 * (0.25 + 0.75 * (data["lengths"] / np.float64(data["average"][0])))).astype(np.float32)
    weights, offsets = {}, data["offsets"]
    for term in np.unique(query):
        own = slice(offsets[term], offsets[term + 1])
        frequency, documents = data["frequencies"][own].astype(np.float32), data["documents"][own]
        weights[term] = documents, data["idf"][term] * (frequency / (norms[documents] + frequency))
    for terms, scores, documents in zip(query, got, found, strict=True):
        sums = np.zeros(N, np.float32)
        for term in sorted(terms, key=lambda term: -np.max(weights[term][1], initial=0)):
            sums[weights[term][0]] += weights[term][1]
        order = np.argsort(-sums, kind="stable")[:kept]
        np.testing.assert_array_equal(scores[:kept], sums[order])
        np.testing.assert_array_equal(documents[:kept], order)
        assert np.all(scores[kept:] == -np.inf)
        assert np.all(documents[kept:] == NO_ID)
        assert not np.any(np.signbit(scores[:kept]))


# ---- right ---------------------------------------------------------------------------------------------------------

INDEXES = {
    "zipf": index([3_000 // (r + 1) for r in range(60)], 10_000),
    "short": index([7, 0, 12, 1, 30, 2], 10_000),
    "full": index([10_000, 9_000, 40, 10_000, 0, 3], 10_000, weights=[1.0, 0.5, 3.0, 0.1, 1.0, 5.0]),
    "tied": index([20, 5_000, 300, 10_000, 12], 10_000, weights=[1.0] * 5, plain=True),
    "weightless": index([40, 5_000, 300, 10_000, 12], 10_000, weights=[1.0, 0.0, 2.0, 0.0, 0.0]),
    "nothing": index([0, 0, 0], 10_000, weights=[1.0] * 3),
    "at the bound": index([12, 10_000, 11, 900], 10_000, weights=[2.0, 1.0, 1.0, 2.0], plain=True),
    "crowded": index([600, 9_900, 500, 10_000], 10_000, weights=[1.0, 0.9999, 1.0, 0.00001]),
}


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("T", [1, 2, 5, 15])
def test_right_on_every_kind_of_index(name: str, k: int, T: int) -> None:
    data = INDEXES[name]
    rng = np.random.default_rng(T)
    hold(data, rng.integers(0, len(data["idf"]), (12, T)), k)


@pytest.mark.parametrize("N", [1, 2, 15, 16, 17, 63, 64, 65, 1_000, 4_097, 8_193])
def test_right_at_every_size(N: int) -> None:
    data = index([-(-N // (r + 1)) for r in range(20)], N)
    hold(data, np.random.default_rng(N).integers(0, 20, (6, 3)), 10)
    hold(data, [[0, 19], [18, 19]], N)
    hold(data, [[0, 19], [18, 19]], N + 3)


@pytest.mark.parametrize("beyond", [-1, 0, 1, 64, 70_000])
def test_documents_in_windows(beyond: int) -> None:
    """Lists end anywhere in a window, eight postings before its end or after it."""
    N = 2 * KERNEL.WINDOW + beyond
    data = index([N // 3, N, 70, N // 10, 0], N, weights=[1.0, 0.1, 1.5, 2.0, 1.0], plain=beyond == 0)
    hold(data, [[0, 1], [2, 3], [0, 4], [4, 4], [3, 3]], 10)
    edges = np.array([0, KERNEL.WINDOW - 1, KERNEL.WINDOW, 2 * KERNEL.WINDOW - 2, N - 1])
    few = index([N, edges.size], N, weights=[0.5, 3.0], plain=True)
    few["documents"][N:] = np.unique(edges) if beyond > -1 else edges - np.arange(5) // 4
    hold(few, [[0, 1], [1, 0]], 7)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_few_and_many_postings_agree(beyond: int) -> None:
    """Both sides of the number of postings at which the way changes, FEW times fewer than documents."""
    postings, N = 120 + beyond, 120 * KERNEL.FEW
    hold(index([postings], N), [[0], [0]], 10)
    hold(index([postings, 0, 3], N, weights=[1.0, 1.0, 0.0]), [[0, 1], [2, 0]], 100)


def test_documents_better_and_better_in_every_order() -> None:
    for N in (500, 140_000):
        data = index([N, N // 20], N, weights=[1.0, 1.0], plain=True)
        for lengths in (np.arange(N), np.arange(N)[::-1], np.random.default_rng(N).permutation(N)):
            hold({**data, "lengths": np.ascontiguousarray(lengths, np.int32)}, [[0, 0], [1, 1], [0, 1]], 10)


def test_fewer_matches_than_wanted_are_filled_up_by_the_lowest_documents() -> None:
    data = index([3, 2], 10_000, plain=True)
    data["documents"][:] = [0, 2, 9_999, 2, 5]
    scores, found = search(data, [[0, 1]], 8)
    assert found[0].tolist()[0] == 2
    assert sorted(found[0].tolist()[1:4]) == [0, 5, 9_999]
    assert found[0].tolist()[4:] == [1, 3, 4, 6]
    assert scores[0].tolist()[4:] == [0.0] * 4


# ---- what it leaves out --------------------------------------------------------------------------------------------


def test_lists_that_bring_no_result_are_not_walked() -> None:
    """Poisoned weights of documents that only a weak term holds would be the best to whoever reads them."""
    N = 100 * KERNEL.FEW * KERNEL.OTHERS
    data = index([100, N], N, weights=[5.0, 0.1])
    statics = {"k": 10, "k1": 1.2, "b": 0.75, "capacity": 2**31 - 1}
    state = KERNEL.prepare(np, data, **statics)
    poisoned = state["postings"].copy()
    others = np.setdiff1d(np.arange(N), data["documents"][:100])
    huge = np.uint64(np.float32(1e9).view(np.uint32))
    poisoned[100 + others] = (others.astype(np.uint64) << np.uint64(32)) | huge
    query = np.array([[0, 1]], np.uint32)
    right = KERNEL.run(np, state, query, **statics)
    for got, expected in zip(KERNEL.run(np, {**state, "postings": poisoned}, query, **statics), right, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("nudge", [-1, 0, 1])
def test_a_bound_is_kept_to_the_last_bit(nudge: int) -> None:
    """A list of ten, and one of all whose largest weight is that of the ten, one step more or less."""
    N = 3_000
    data = index([10, N], N, weights=[1.0, 1.0], plain=True)
    idf = np.float32(1)
    for _ in range(abs(nudge)):
        idf = np.nextafter(idf, np.float32(np.sign(nudge) * 2))
    data["idf"][1] = idf
    hold(data, [[0, 1], [1, 0]], 10)
    hold(data, [[0, 1], [1, 0]], 11)


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e-20])
def test_terms_next_to_nothing_are_not_lost_to_rounding(scale: float) -> None:
    """What the weak terms add decides among documents that are tied without them."""
    N = 10_000
    data = index(
        [400, 9_000, 9_500, 10_000, 9_800], N, weights=[4.0, *[scale * w for w in (0.01, 0.011, 0.012, 0.013)]]
    )
    data["lengths"][:] = 50
    data["frequencies"][:400] = 1
    for k in (1, 10, 50):
        hold(data, [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1]], k)


# ---- a good citizen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [[[0, 1], [3, 0]], [[40, 59], [50, 58]]])
def test_reads_read_only_arrays_changes_none_and_returns_new_ones(terms: Any) -> None:
    data = {name: array.copy() for name, array in INDEXES["zipf"].items()}
    for array in data.values():
        array.setflags(write=False)
    statics = {"k": 10, "k1": 1.2, "b": 0.75, "capacity": 2**31 - 1}
    state, query = KERNEL.prepare(np, data, **statics), np.array(terms, np.uint32)
    assert all(type(leaf) is np.ndarray for leaf in leaves(state))
    for array in (*leaves(state), query):
        array.setflags(write=False)
    copies = [array.copy() for array in (*leaves(state), query)]
    first = KERNEL.run(np, state, query, **statics)
    kept = [array.copy() for array in first]
    second = KERNEL.run(np, state, query[::-1], **statics)
    for array, copy in zip((*leaves(state), query), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata
        assert out.flags.c_contiguous


@pytest.mark.skipif(GENERIC, reason="is the process that this test starts")
def test_compiles_for_a_processor_without_features_and_is_cached(tmp_path: Any) -> None:
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    chosen = "(every_kind and 10 and 5) or windows or last_bit"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog\n"
        "kernel = catalog.load_kernel('fts-bm25', catalog.kernel_path('fts-bm25', 'tuned', 'numpy'))\n"
        "one = lambda *x, t=np.int32: np.array(x, t)\n"
        "data = {'offsets': one(0, 1), 'documents': one(0, t=np.uint32), 'frequencies': one(1), 'lengths': one(1),\n"
        "        'average': one(1, t=np.float32), 'idf': one(1, t=np.float32)}\n"
        "statics = {'k': 3, 'k1': 1.2, 'b': 0.75, 'capacity': 1}\n"
        "kernel.run(np, kernel.prepare(np, data, **statics), np.zeros((1, 1), np.uint32), **statics)\n"
        "assert sum(kernel._search.stats.cache_hits.values()) == 1, kernel._search.stats\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
