"""The numba kernel of `posting-intersect`: right on every kind of list, with bitmaps and without.

Lists are drawn so as to meet every way through the kernel: words and-ed, ids looked up in a bitmap, vectors held
against each other, searches; blocks with one id a byte and with several; chunks that one list has and another has not.
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

from lar import catalog, simd
from lar.contracts import NO_ID
from lar.simd import bitmaps
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("posting-intersect", catalog.kernel_path("posting-intersect", "tuned", "numpy"))
TOP = 2**32
CHUNK = 2**16


@pytest.fixture(params=["bitmaps", "arrays"])
def dense(request: pytest.FixtureRequest) -> bool:
    if request.param == "bitmaps" and not KERNEL._SPREADS:
        pytest.skip("this processor packs and spreads no bytes, or numba is told not to")
    return bool(request.param == "bitmaps")


def draw(rng: Any, count: int, universe: int) -> Host:
    return np.unique(rng.integers(0, universe, count))


def one_a_block(rng: Any, same: Any, n: int) -> Host:
    places: Host = np.where(rng.random(n) < 0.5, same.integers(0, 512, n), rng.integers(0, 512, n))
    return np.arange(n) * 512 + places


def runs(rng: Any, same: Any, n: int) -> Host:
    starts = draw(same, n // 16 + 1, TOP - 32)
    return np.unique(starts[rng.random(len(starts)) < 0.7][:, None] + np.arange(24))


def everywhere(rng: Any, same: Any, n: int) -> Host:
    return np.unique(np.concatenate([[0, TOP - 1], draw(same, n // 2, TOP), draw(rng, n // 2, TOP)]))


KINDS: dict[str, Callable[[Any, Any, int, int], Host]] = {
    "half": lambda rng, same, n, i: draw(rng, n, 3 * n // 2 + 1),
    "tenth": lambda rng, same, n, i: draw(rng, n, 10 * n),
    "hundredth": lambda rng, same, n, i: draw(rng, n, 100 * n),
    "thousandth": lambda rng, same, n, i: draw(rng, n, 1_000 * n),
    "lengths": lambda rng, same, n, i: draw(rng, n >> 2 * i, 20 * n),
    "same bytes": lambda rng, same, n, i: draw(rng, n, n + 1) * 8 + i % 3,
    "one a block": lambda rng, same, n, i: one_a_block(rng, same, n),
    "full": lambda rng, same, n, i: np.arange(n) + rng.integers(0, n // 2 + 1),
    "runs": lambda rng, same, n, i: runs(rng, same, n),
    "odd and even": lambda rng, same, n, i: 2 * np.arange(n) + i % 2,
    "far chunks": lambda rng, same, n, i: draw(rng, n, 2_000) + CHUNK * 40_000 * (i % 2),
    "a chunk apart": lambda rng, same, n, i: np.append(draw(rng, n, CHUNK) + CHUNK * i, CHUNK * 9 + np.arange(9)),
    "sparse and dense": lambda rng, same, n, i: draw(rng, n, TOP if i % 2 else 3 * n),
    "last ids": lambda rng, same, n, i: TOP - 1 - draw(rng, n, 2 * n)[::-1],
    "everywhere": lambda rng, same, n, i: everywhere(rng, same, n),
}


def make(kind: str, n: int, lists: int = 7) -> list[Host]:
    """Return lists of about n ids; what is drawn from `same` is so in all of them."""
    return [KINDS[kind](np.random.default_rng([n, i]), np.random.default_rng(n), n, i) for i in range(lists)]


def store(lists: list[Host]) -> dict[str, Host]:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    return {"ids": np.concatenate(lists).astype(np.uint32), "offsets": offsets}


def truth(lists: list[Host], query: Host, capacity: int) -> tuple[Host, Host]:
    ids = np.full((len(query), capacity), NO_ID, np.uint32)
    counts = np.empty(len(query), np.int32)
    for r, numbers in enumerate(query):
        common = lists[numbers[0]]
        for number in numbers[1:]:
            common = np.intersect1d(common, lists[number], assume_unique=True)
        counts[r] = len(common)
        ids[r, : len(common[:capacity])] = common[:capacity]
    return ids, counts


def prepared(lists: list[Host], dense: bool) -> Any:
    longest = max(map(len, lists))
    return KERNEL.prepare(np, store(lists), capacity=1, shortest=longest, longest=longest, dense=dense)


def ask(state: Any, query: Host, capacity: int) -> tuple[Host, Host]:
    out: tuple[Host, Host] = KERNEL.run(np, state, query, capacity=capacity, shortest=1, longest=1)
    return out


def hold(lists: list[Host], query: Host, capacity: int, dense: bool) -> None:
    got, expected = ask(prepared(lists, dense), query, capacity), truth(lists, query, capacity)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def queries(lists: int, K: int, nq: int) -> Host:
    return np.random.default_rng([lists, K, nq]).integers(0, lists, (nq, K)).astype(np.int32)


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [9, 800, 20_000])
def test_right_on_every_kind_of_list(dense: bool, kind: str, n: int) -> None:
    lists = make(kind, n)
    state = prepared(lists, dense)
    for K in (1, 2, 3, 5):
        query = queries(len(lists), K, 12)
        for capacity in (2 * n + 9, max(n // 7, 1)):
            for got, expected in zip(ask(state, query, capacity), truth(lists, query, capacity), strict=True):
                np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 511, 512, 513])
def test_right_at_every_size(dense: bool, n: int) -> None:
    for kind in ("full", "half", "hundredth"):
        hold(make(kind, n, 3), np.array([[0, 1], [1, 2], [2, 0], [1, 1]], np.int32), n + 1, dense)


@pytest.mark.parametrize("edge", [8, 64, 512, 8 * 512, CHUNK, 2 * CHUNK, 2**31, TOP - 512])
def test_right_where_bytes_blocks_chunks_and_signs_meet(dense: bool, edge: int) -> None:
    around = np.arange(max(edge - 300, 0), min(edge + 300, TOP))
    rng = np.random.default_rng(edge)
    lists = [around, around[::2], around[rng.random(len(around)) < 0.5], around[:301], around[-301:], around[300:]]
    hold(lists, queries(6, 2, 40), 700, dense)


def test_empty_lists(dense: bool) -> None:
    none = np.zeros(0, np.int64)
    hold([none, np.arange(500), none, np.arange(3)], queries(4, 3, 40), 5, dense)
    hold([none, none], np.array([[0, 1], [0, 0]], np.int32), 3, dense)


def test_one_list_named_again_and_again(dense: bool) -> None:
    lists = make("tenth", 3_000, 3)
    query = np.array([[1, 1, 1, 1], [0, 2, 0, 2], [2, 2, 2, 0]], np.int32)
    hold(lists, query, 4_000, dense)


def test_many_lists_in_one_query(dense: bool) -> None:
    lists = [np.flatnonzero(np.random.default_rng(i).random(40_000) < 0.9) for i in range(20)]
    hold(lists, np.arange(20, dtype=np.int32).reshape(1, 20), 9_000, dense)


@pytest.mark.parametrize("capacity", [1, 2, 17, 100])
def test_nothing_is_written_outside_the_answers(dense: bool, capacity: int) -> None:
    """Also where there is more than room for, which the count then tells."""
    lists = make("half", 4_000)
    state, query = prepared(lists, dense), queries(7, 2, 6)
    memory, counts = np.full((8, capacity), 77, np.uint32), np.full(8, 77, np.int32)
    function = KERNEL._by_bitmaps if dense else KERNEL._by_arrays
    function(query, *state.values(), memory[1:7], counts[1:7])
    ids, expected = truth(lists, query, capacity)
    np.testing.assert_array_equal(memory[1:7], ids)
    np.testing.assert_array_equal(counts[1:7], expected)
    assert set(memory[[0, 7]].ravel()) == {77}
    assert set(counts[[0, 7]]) == {77}


@pytest.mark.skipif(not KERNEL._SPREADS, reason="this processor packs and spreads no bytes")
@pytest.mark.parametrize("kind", KINDS)
def test_only_lists_that_are_dense_enough_are_kept_in_bitmaps(kind: str) -> None:
    """Memory stays within a few bytes an id, whatever the lists, and what is kept has the list's own ids."""
    lists = [one for one in make(kind, 5_000) if len(one)]
    state = prepared(lists, dense=True)
    total = sum(map(len, lists))
    assert state["containers"].size <= 22 * total + 64 * 24
    assert state["chunks"].size <= total + 1
    for own, ids in zip(state["lists"], lists, strict=True):
        kept = len(np.unique(ids >> 16))
        assert (own[1] > 0) == (kept * bitmaps.LEAST <= len(ids) and (ids[-1] >> 16) - (ids[0] >> 16) < len(ids))
        if own[1] > 0:
            np.testing.assert_array_equal(unpacked(state, own), ids)


def unpacked(state: Any, own: Host) -> Host:
    """Read a list back from its containers."""
    first, span, place = (int(value) for value in own)
    out = []
    for chunk in range(span):
        unit = int(state["chunks"][place + chunk])
        container = state["containers"][64 * unit :]
        words, ranks = container[:1024].view(np.uint64), container[1024:1280].view(np.uint16)
        for block in range(128):
            filled = np.unpackbits(words[block : block + 1].view(np.uint8), bitorder="little").astype(bool)
            octets = np.zeros(64, np.uint8)
            octets[filled] = container[1280 + ranks[block] :][: filled.sum()]
            base = (first + chunk << 16) + 512 * block
            out.append(base + np.flatnonzero(np.unpackbits(octets, bitorder="little")))
    return np.concatenate(out)


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones(dense: bool) -> None:
    lists = make("tenth", 2_000)
    data = store(lists)
    for array in data.values():
        array.setflags(write=False)
    state = KERNEL.prepare(np, data, capacity=9, shortest=1, longest=1, dense=dense)
    query = queries(7, 3, 4)
    assert all(type(leaf) is np.ndarray for leaf in leaves(state))
    for array in (*leaves(state), query):
        array.setflags(write=False)
    copies = [array.copy() for array in (*leaves(state), query)]
    first = ask(state, query, 40)
    kept = [array.copy() for array in first]
    second = ask(state, query[::-1, ::-1], 40)
    for array, copy in zip((*leaves(state), query), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for out, copy, again in zip(first, kept, second, strict=True):
        np.testing.assert_array_equal(out, copy)
        np.testing.assert_array_equal(out, again[::-1])
        assert not np.shares_memory(out, again)
        assert out.flags.owndata
        assert out.flags.c_contiguous


def test_without_bitmaps_there_is_nothing_to_prepare() -> None:
    data = store(make("half", 50))
    state = KERNEL.prepare(np, data, capacity=9, shortest=1, longest=1, dense=False)
    assert set(state) == {"ids", "offsets"}
    assert all(np.shares_memory(state[name], data[name]) for name in data)


def test_compiles_for_a_generic_processor_and_is_cached(tmp_path: Path) -> None:
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        pytest.skip("is the process that this test starts")
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not only", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog, simd\n"
        "name = 'posting-intersect'\n"
        "kernel = catalog.load_kernel(name, catalog.kernel_path(name, 'tuned', 'numpy'))\n"
        "assert not simd.supports('expand8') and not kernel._SPREADS\n"
        "data = {'ids': np.arange(4, dtype=np.uint32), 'offsets': np.array([0, 4], np.int32)}\n"
        "state = kernel.prepare(np, data, capacity=4, shortest=4, longest=4)\n"
        "kernel.run(np, state, np.zeros((1, 2), np.int32), capacity=4, shortest=4, longest=4)\n"
        "assert sum(kernel._by_arrays.stats.cache_hits.values()) == 1, kernel._by_arrays.stats\n"
    )
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_bitmaps_are_the_default_where_they_can_be() -> None:
    state = KERNEL.prepare(np, store(make("half", 50)), capacity=9, shortest=1, longest=1)
    assert ("containers" in state) == simd.supports("expand8", "compress")
