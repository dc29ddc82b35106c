"""The numba kernel of `topk-merge`: the same items to the bit by the tree of losers and by vectors, on any runs.

The truth here is NumPy's lexicographic sort of all items, which shares nothing with the kernel or the reference.
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

from lar import catalog, simd
from lar.contracts import NO_ID

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("topk-merge", catalog.kernel_path("topk-merge", "tuned", "numpy"))
PATHS = ("vectors", "tree")
DISTRIBUTIONS = (
    "random",
    "one run",
    "ascending heads",
    "in turn",
    "identical",
    "ties",
    "zeros",
    "one -0.0",
    "infinite",
    "bits",
)


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(KERNEL, "_WIDE", request.param == "vectors")
    return str(request.param)


def in_order(scores: Host, ids: Host) -> Host:
    """Return what sorts a row of items: by descending score, then by id; 0.0 and -0.0 are equal."""
    order: Host = np.lexsort((ids, -scores.astype(np.float64)))
    return order


def make(kind: str, nq: int, R: int, L: int) -> dict[str, Host]:
    """Return a query of sorted runs."""
    rng = np.random.default_rng([nq, R, L])
    shape = (nq, R, L)
    scores: Host = rng.standard_normal(shape)
    if kind == "one run":  # it holds all of the best
        scores[:, rng.integers(R)] += 100
    elif kind == "ascending heads":  # every run is better than all before it
        scores = 0.1 * np.tanh(scores) + np.arange(R)[:, None]
    elif kind == "in turn":
        scores = -(np.arange(L)[None, :] * R + rng.permutation(R)[:, None]) + np.zeros(shape)
    elif kind == "identical":
        scores = np.full(shape, -1.5)
    elif kind == "ties":
        scores = rng.integers(0, 4, shape) - 2.0
    elif kind == "zeros":
        scores = rng.choice([0.0, -0.0, 1.5e-45, -1.5e-45], shape)
    elif kind == "one -0.0":
        scores = rng.integers(0, 3, shape) - 1.0
        scores[:, -1, -1] = -0.0
    elif kind == "infinite":
        scores = rng.choice([np.inf, -np.inf, 3.4028235e38, -3.4028235e38], shape)
    values = scores.astype(np.float32)
    if kind == "bits":  # every float there is, NaN apart
        values = rng.integers(0, 2**32, shape, np.uint32).view(np.float32)
        values = np.where(np.isnan(values), np.float32(1), values)
    ids = rng.permutation(np.arange(NO_ID - nq * R * L + 1, NO_ID + 1, dtype=np.int64)).astype(np.uint32).reshape(shape)
    for q in range(nq):
        for r in range(R):
            order = in_order(values[q, r], ids[q, r])
            values[q, r], ids[q, r] = values[q, r, order], ids[q, r, order]
    return {"scores": values, "ids": ids}


def merge(query: dict[str, Host], k: int) -> tuple[Host, Host]:
    out: tuple[Host, Host] = KERNEL.run(np, KERNEL.prepare(np, {}, k=k), query, k=k)
    return out


def hold(query: dict[str, Host], k: int) -> None:
    nq = len(query["scores"])
    found, found_ids = merge(query, k)
    assert found.shape == found_ids.shape == (nq, k)
    for q in range(nq):
        scores, ids = query["scores"][q].reshape(-1), query["ids"][q].reshape(-1)
        order = in_order(scores, ids)[:k]
        np.testing.assert_array_equal(found_ids[q, : order.size], ids[order])
        np.testing.assert_array_equal(found[q, : order.size].view(np.uint32), scores[order].view(np.uint32))
        assert np.all(found[q, order.size :] == -np.inf)
        assert np.all(found_ids[q, order.size :] == NO_ID)


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
@pytest.mark.parametrize(
    ("nq", "R", "L", "k"), [(2, 8, 100, 100), (2, 300, 7, 10), (1, 300, 7, 2_100), (2, 5, 33, 150), (1, 64, 65, 65)]
)
def test_right_on_every_distribution(path: str, kind: str, nq: int, R: int, L: int, k: int) -> None:
    hold(make(kind, nq, R, L), k)


@pytest.mark.parametrize("R", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65])
@pytest.mark.parametrize("L", [1, 2, 7, 8, 9, 16, 17])
def test_right_at_every_size(path: str, R: int, L: int) -> None:
    query = make("ties", 1, R, L)
    for k in {1, 2, 3, 8, L, R, R * L // 2, R * L - 1, R * L, R * L + 1} - {0}:
        hold(query, k)


@pytest.mark.parametrize("kind", ["random", "one run", "ties"])
def test_right_either_side_of_where_runs_are_merged_whole(path: str, kind: str) -> None:
    query = make(kind, 1, 12, 40)
    border = 12 * 40 // KERNEL.DENSE  # of runs that are no longer than k
    for k in (border - 1, border, border + 1):
        hold(query, k)


def test_right_for_many_merges(path: str) -> None:
    hold(make("random", 33, 6, 20), 20)
    hold(make("ties", 33, 6, 20), 120)


# ---- its parts -----------------------------------------------------------------------------------------------------


@njit
def keys_of(bits: Host, names: Host) -> Host:
    keys = np.empty(bits.size, np.uint64)
    for i in range(bits.size):
        keys[i] = KERNEL._key(bits[i], names[i])
    return keys


@njit
def fill(bits: Host, names: Host, keys: Host) -> Any:
    return KERNEL._fill(bits, names, keys)


@njit
def write(keys: Host, bits: Host, names: Host) -> None:
    KERNEL._write(keys, bits, names)


def test_keys_ascend_as_items_do_and_lose_nothing_but_the_sign_of_zero() -> None:
    query = make("bits", 1, 1, 20_000)
    special = np.array([0.0, -0.0, np.inf, -np.inf, 1.5e-45, -1.5e-45, 1.0, -1.0], np.float32)
    scores = np.concatenate([query["scores"].reshape(-1), np.repeat(special, 3)])
    ids = np.concatenate([query["ids"].reshape(-1), np.arange(24, dtype=np.uint32) * 7 % 24])
    keys = keys_of(scores.view(np.int32), ids)
    np.testing.assert_array_equal(np.argsort(keys), in_order(scores, ids))
    assert keys.max() < KERNEL.NOTHING
    bits, names = np.empty(keys.size, np.int32), np.empty(keys.size, np.uint32)
    write(keys, bits, names)
    np.testing.assert_array_equal(bits.view(np.float32), scores)
    np.testing.assert_array_equal(names, ids)


@pytest.mark.parametrize("kind", ["random", "ascending heads", "identical", "ties", "zeros", "one -0.0", "infinite"])
@pytest.mark.parametrize(("R", "L"), [(1_000, 1), (1_003, 1), (1_003, 3), (70, 1), (300, 2)])
@pytest.mark.parametrize("k", [1, 3, 60])
def test_the_runs_with_the_best_heads_are_left(kind: str, R: int, L: int, k: int) -> None:
    query = make(kind, 1, R, L)
    scores, ids = query["scores"][0], query["ids"][0]
    found = KERNEL._first_runs(scores.reshape(-1).view(np.int32), ids.reshape(-1), L, k)
    np.testing.assert_array_equal(np.sort(found), np.sort(in_order(scores[:, 0], ids[:, 0])[:k]))


def test_a_negative_zero_is_told_wherever_it_stands() -> None:
    for place in range(20):
        bits, keys = np.arange(20, dtype=np.int32), np.zeros(32, np.uint64)
        assert not fill(bits, np.zeros(20, np.uint32), keys)
        bits[place] = -(2**31)
        assert fill(bits, np.zeros(20, np.uint32), keys)
        assert np.all(keys[20:] == KERNEL.NOTHING)


# ---- a good citizen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [10, 60])
def test_reads_read_only_arrays_changes_none_and_returns_new_ones(path: str, k: int) -> None:
    query = make("random", 2, 4, 15)
    copies = {name: array.copy() for name, array in query.items()}
    for array in query.values():
        array.setflags(write=False)
    first = merge(query, k)
    kept = [array.copy() for array in first]
    second = merge({name: array[::-1] for name, array in query.items()}, k)
    for name, array in query.items():
        np.testing.assert_array_equal(array, copies[name])
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata
        assert out.flags.c_contiguous


def test_runs_of_any_strides_are_read(path: str) -> None:
    query = make("ties", 2, 6, 30)
    strided = {name: np.asfortranarray(array) for name, array in query.items()}
    for k in (5, 180):
        for got, expected in zip(merge(strided, k), merge(query, k), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_the_state_is_empty() -> None:
    assert KERNEL.prepare(np, make("ties", 1, 2, 2), k=3) == {}


def test_the_tree_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    words = ["-q", "-p", "no:cacheprovider", "-k", "tree and (distribution or size or citizen)", __file__]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog\n"
        "kernel = catalog.load_kernel('topk-merge', catalog.kernel_path('topk-merge', 'tuned', 'numpy'))\n"
        "assert not kernel._WIDE\n"
        "query = {'scores': np.zeros((1, 2, 3), np.float32), 'ids': np.arange(6, dtype=np.uint32).reshape(1, 2, 3)}\n"
        "assert kernel.run(np, kernel.prepare(np, {}, k=6), query, k=6)[1].tolist() == [[0, 1, 2, 3, 4, 5]]\n"
        "assert sum(kernel._merge.stats.cache_hits.values()) == 1, kernel._merge.stats\n"
    )
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.skipif(not simd.supports("compress"), reason="this processor lacks AVX-512")
def test_vectors_are_used_where_the_processor_has_them() -> None:
    assert KERNEL._WIDE
