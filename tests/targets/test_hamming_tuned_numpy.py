"""The numba kernel of `hamming`: what a stable sort of all distances says, on every kind of data, with every processor.

The kernel rules rows out by their first bytes, so its ids are held as well: equal distances go by row, whichever of its
ways a row went.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog
from lar.contracts import NO_ID
from lar.trees import leaves

Host = npt.NDArray[Any]
KERNEL: Any = catalog.load_kernel("hamming", catalog.kernel_path("hamming", "tuned", "numpy"))
GENERIC = os.environ.get("NUMBA_CPU_NAME") == "generic"


def flipped(rng: Any, rows: Host, share: float) -> Host:
    """Return rows with each bit flipped with a probability."""
    n, B = rows.shape
    out: Host = rows ^ np.packbits(rng.random((n, 8 * B)) < share, axis=1)
    return out


def make(kind: str, N: int, B: int, nq: int) -> tuple[dict[str, Host], Host]:
    """Return (data, queries)."""
    rng = np.random.default_rng([N, B, nq])
    codes, query = rng.integers(0, 256, (N, B), np.uint8), rng.integers(0, 256, (nq, B), np.uint8)
    match kind:
        case "clustered":
            centres = rng.integers(0, 256, (8, B), np.uint8)
            codes = flipped(rng, centres[rng.integers(0, 8, N)], 0.1)
            query = flipped(rng, centres[rng.integers(0, 8, nq)], 0.1)
        case "one cluster":
            codes = flipped(rng, np.repeat(query[:1], N, axis=0), 0.15)
        case "duplicates":
            codes = codes[rng.integers(0, min(7, N), N)]
        case "identical":
            codes = np.repeat(codes[:1], N, axis=0)
        case "exact":
            codes[rng.integers(0, N, 3 * nq)] = np.repeat(query, 3, axis=0)
        case "opposite":
            codes = ~np.repeat(query[:1], N, axis=0)
            codes[1::2] = flipped(rng, codes[1::2], 0.01)
        case "descending":
            share = 1 - (np.arange(N)[:, None] + 0.5) / N
            codes = query[:1] ^ np.packbits(rng.random((N, 8 * B)) < share, axis=1)
        case "tail":
            codes[:, :-1], query[:, :-1] = codes[:1, :-1], codes[:1, :-1]
        case "head":  # near in the first half, far in the second
            codes[:, : B // 2] = query[:1, : B // 2]
        case "near late":  # far in the first half, and still the nearest
            codes[: N // 2, : (B + 3) // 4] = ~query[:1, : (B + 3) // 4]
            codes[: N // 2, (B + 3) // 4 :] = query[:1, (B + 3) // 4 :]
        case _:
            assert kind == "random"
    return {"codes": codes}, query


KINDS = (
    "random",
    "clustered",
    "one cluster",
    "duplicates",
    "identical",
    "exact",
    "opposite",
    "descending",
    "tail",
    "head",
    "near late",
)


def search(data: dict[str, Host], query: Host, k: int) -> tuple[Host, Host]:
    out: tuple[Host, Host] = KERNEL.run(np, KERNEL.prepare(np, data, k=k), query, k=k)
    return out


def hold(data: dict[str, Host], query: Host, k: int) -> None:
    """Hold the kernel against a stable sort."""
    got, ids = search(data, query, k)
    N, kept = len(data["codes"]), min(k, len(data["codes"]))
    assert got.dtype == ids.dtype == np.uint32
    assert got.shape == ids.shape == (len(query), k)
    for row, found, where in zip(query, got, ids, strict=True):
        every = np.asarray(np.sum(np.bitwise_count(data["codes"] ^ row), axis=1, dtype=np.int64))
        order = np.argsort(every, kind="stable")[:kept]
        np.testing.assert_array_equal(where, np.concatenate([order, np.full(k - kept, NO_ID)]), f"N={N} k={k}")
        np.testing.assert_array_equal(found, np.concatenate([every[order], np.full(k - kept, NO_ID)]))


# ---- right ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("N", "B", "nq", "k"), [(8_193, 16, 3, 10), (3_000, 33, 2, 10), (9_000, 128, 1, 100)])
def test_right_on_every_kind_of_data(kind: str, N: int, B: int, nq: int, k: int) -> None:
    hold(*make(kind, N, B, nq), k)


@pytest.mark.parametrize("N", [1, 9, 63, 64, 65, 255, 256, 257, 1_000, 4_095, 4_096, 4_097])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_right_at_every_size(N: int, k: int) -> None:
    hold(*make("clustered", N, 16, 2), k)


@pytest.mark.parametrize("B", [1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 30, 31, 32, 63, 64, 65, 124, 125, 200, 1_000])
def test_right_for_any_width(B: int) -> None:
    for kind in ("clustered", "opposite"):
        hold(*make(kind, 1_500, B, 2), 10)


@pytest.mark.parametrize(("N", "k"), [(1_000, 1_000), (9, 9), (257, 256), (300, 1_000), (5_000, 2_000), (1, 3)])
def test_right_when_most_rows_are_wanted_and_padded_when_more(N: int, k: int) -> None:
    hold(*make("duplicates" if N == 257 else "random", N, 8, 2), k)


@pytest.mark.parametrize("nq", [1, 3, 32, 33])
def test_right_for_any_number_of_queries(nq: int) -> None:
    hold(*make("clustered", 5_000, 32, nq), 10)


def test_padding_is_never_found() -> None:
    data, query = make("random", KERNEL.GROUP + 10, 16, 1)
    query[:] = 0  # what pads the last group is nothing else
    hold(data, query, 20)
    hold(data, query, KERNEL.GROUP + 10)


def test_rows_nearer_by_one_bit_in_every_order() -> None:
    """Each row nearer than the one before it, by the last bits read: the bound moves on within a chunk."""
    codes, query = np.zeros((4_300, 64), np.uint8), np.zeros((1, 64), np.uint8)
    ones = np.minimum(np.arange(4_300) // 9, 512)
    codes[:] = np.packbits(np.arange(512) < ones[:, None], axis=1)[:, ::-1]
    for order in (slice(None), slice(None, None, -1)):
        hold({"codes": np.ascontiguousarray(codes[order])}, query, 10)


# ---- what it leaves out --------------------------------------------------------------------------------------------


def test_far_groups_are_left_after_their_first_bytes() -> None:
    """All but the first bytes of later groups are poisoned: rows seem to be the query to whoever reads on."""
    N, B = 20_000, 32
    data, query = make("random", N, B, 1)
    data["codes"][:10] = query
    data["codes"][:10, -1] ^= 1  # ten rows at a distance of 1, so that a few bytes rule the others out
    late = N - 77
    data["codes"][late] = query
    state = KERNEL.prepare(np, data, k=10)
    groups, read = state["groups"].copy(), KERNEL._depths(B)[1]
    assert read < B / 2
    groups[KERNEL.SEED : late // KERNEL.GROUP, read:] = query[0, read:, None]
    found, ids = KERNEL.run(np, {**state, "groups": groups}, query, k=10)
    assert found[0].tolist() == [0, *[1] * 9]
    assert ids[0].tolist() == [late, *range(9)]


def test_it_stops_asking_where_that_is_in_vain() -> None:
    """Every group holds rows that are far in the later bytes only: no group may be left, and none of them is lost."""
    data, query = make("head", 30_000, 32, 1)
    data["codes"][:, :16] = query[:, :16]
    data["codes"][::3_000] = query  # the bound is 0 only at the end
    data["codes"][::3_000, 20] ^= 1 << np.arange(10, dtype=np.uint8) % 8
    hold(data, query, 10)


@pytest.mark.parametrize("B", [1, 3, 16, 32, 128])
def test_depths_grow_with_the_bound_and_end_where_they_are_of_no_use(B: int) -> None:
    depths = KERNEL._depths(B)
    assert depths.shape == (8 * B + 2,)
    assert depths[-1] == B
    assert np.all(np.diff(depths) >= 0)
    assert np.all((4 * depths <= 3 * B) | (depths == B))


def test_codes_too_wide_for_words_of_16_bits_go_to_the_portable_kernel() -> None:
    for B in (KERNEL.WIDEST, KERNEL.WIDEST + 1):
        data, query = make("opposite", 300, B, 1)
        assert ("groups" in KERNEL.prepare(np, data, k=10)) == (B == KERNEL.WIDEST)
        hold(data, query, 10)


# ---- a good citizen ------------------------------------------------------------------------------------------------


def test_reads_read_only_arrays_changes_none_and_returns_new_ones() -> None:
    data, query = make("clustered", 700, 12, 2)
    data["codes"].setflags(write=False)
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


@pytest.mark.parametrize(
    "view",
    [
        np.asfortranarray,
        lambda codes: np.repeat(codes, 2, axis=0)[::2],
        lambda codes: np.concatenate([np.zeros(3, np.uint8), codes.reshape(-1)])[3:].reshape(codes.shape),
    ],
    ids=["by column", "every other row", "at an odd address"],
)
def test_codes_may_lie_anywhere(view: Callable[[Host], Host]) -> None:
    data, query = make("random", 400, 16, 1)
    hold({"codes": view(data["codes"])}, query, 10)


@pytest.mark.skipif(GENERIC, reason="is the process that this test starts")
@pytest.mark.parametrize("processor", ["generic", "haswell"])
def test_compiles_for_other_processors_and_is_cached(processor: str, tmp_path: Any) -> None:
    """Neither has vectors of 64 bytes, nor a population count of bytes; what runs on both runs anywhere."""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    if processor == "haswell":
        environment["NUMBA_CPU_FEATURES"] = "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse4.2,+ssse3"
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    chosen = "(every_kind and 33) or padding or order"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    program = (
        "import numpy as np; from lar import catalog\n"
        "kernel = catalog.load_kernel('hamming', catalog.kernel_path('hamming', 'tuned', 'numpy'))\n"
        "state = kernel.prepare(np, {'codes': np.zeros((5, 2), np.uint8)}, k=3)\n"
        "kernel.run(np, state, np.zeros((1, 2), np.uint8), k=3)\n"
        "assert sum(kernel._search.stats.cache_hits.values()) == 1, kernel._search.stats\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
