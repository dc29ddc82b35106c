"""What `hamming` promises beyond what every target is held to: its inputs, its check, its exactness, its cost."""

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, Ranked
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("hamming")
PORTABLE: Any = catalog.load_kernel("hamming", catalog.kernel_path("hamming", "portable", "numpy"))
BATTERY = {case.name: case for case in TARGET.battery(0)}


@functools.cache
def built(name: str) -> tuple[Case, Data, Host]:
    case = BATTERY[name]
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    return case, data, query


def of(distribution: str) -> str:
    return next(name for name, case in BATTERY.items() if case.distribution == distribution and case.shape["B"] == 16)


def distances(data: Data, query: Host) -> Host:
    """Return int64 (nq, N) by NumPy's own count."""
    differing = data["codes"][None] ^ query[:, None]
    return np.asarray(np.sum(np.bitwise_count(differing), axis=2, dtype=np.int64))


# ---- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BATTERY)
def test_the_reference_has_the_smallest_distances(name: str) -> None:
    case, data, query = built(name)
    truth = TARGET.reference(case, data, query)
    assert isinstance(truth, Ranked)
    assert truth.score_bits
    every, kept = distances(data, query), min(case.shape["k"], case.shape["N"])
    np.testing.assert_array_equal(truth.best, np.sort(every, axis=1)[:, :kept])
    ids = np.random.default_rng(1).integers(0, case.shape["N"], (len(query), kept))
    np.testing.assert_array_equal(truth.score_of(ids)[0], np.take_along_axis(every, ids, axis=1))


def judged(name: str, change: Any) -> str | None:
    """Return why the oracle refuses the portable kernel's outputs once they are changed."""
    case, data, query = built(name)
    outputs = PORTABLE.run(np, PORTABLE.prepare(np, data, k=case.shape["k"]), query, k=case.shape["k"])
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), change(*outputs))
    return None if verdict.failure is None else verdict.failure.kind


def test_a_distance_off_by_one_is_refused_however_large_it_is() -> None:
    assert judged(of("opposite"), lambda d, i: (d, i)) is None
    assert judged(of("opposite"), lambda d, i: (d + np.uint32(1), i)) == "value"


def test_ids_are_free_where_and_only_where_distances_are_equal() -> None:
    same, _, _ = built(of("identical"))
    N, k = same.shape["N"], same.shape["k"]
    last = np.tile(np.arange(N - 1, N - 1 - k, -1, dtype=np.uint32), (same.shape["nq"], 1))
    assert judged(of("identical"), lambda d, i: (d, last)) is None
    assert judged(of("random"), lambda d, i: (d, last)) == "value"
    assert judged(of("identical"), lambda d, i: (d, i * np.uint32(0))) == "duplicate"


# ---- the inputs ------------------------------------------------------------------------------------------------------


def test_clusters_lie_near_each_other_and_far_from_the_rest() -> None:
    _, data, query = built(of("clustered"))
    found = np.sort(distances(data, query), axis=1)
    assert found[:, :32].max() < 40  # of 128 bits, an eighth of them noise on either side
    assert np.all(np.median(found, axis=1) > 55)


def test_every_distance_of_opposites_is_near_the_largest_and_half_are_that() -> None:
    case, data, query = built("opposite/256bits/n257/k257/q1")
    found = distances(data, query)
    assert np.mean(found == 8 * case.shape["B"]) >= 0.5
    assert found.min() > 220


def test_rows_come_farthest_first() -> None:
    _, data, query = built(of("descending"))
    for found in distances(data, query):
        assert np.polyfit(np.arange(len(found)), found, 1)[0] < 0
        assert found[0] > 110
        assert found[-1] < 20


def test_only_the_last_byte_tells_rows_apart() -> None:
    _, data, query = built(of("tail"))
    assert len(np.unique(data["codes"][:, :-1], axis=0)) == 1
    assert np.all(query[:, :-1] == data["codes"][0, :-1])
    assert len(np.unique(data["codes"][:, -1])) == 256


def test_the_queries_of_exact_are_rows() -> None:
    _, data, query = built(of("exact"))
    assert np.all(distances(data, query).min(axis=1) == 0)


def test_duplicates_repeat_rows() -> None:
    case, data, _ = built(of("duplicates"))
    assert len(np.unique(data["codes"], axis=0)) <= case.shape["N"] / 64


# ---- the check -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.astype(np.int8), "codes is int8[257, 32], expected uint8[257, 32]"),
        (lambda c: c.view(np.uint32), "codes is uint32[257, 8], expected uint8[257, 32]"),
        (lambda c: c[:, :31], "codes is uint8[257, 31], expected uint8[257, 32]"),
        (lambda c: c[:-1], "codes is uint8[256, 32], expected uint8[257, 32]"),
        (lambda c: c.reshape(-1), "codes is uint8[8224], expected uint8[257, 32]"),
        (lambda c: c.T, "codes is uint8[32, 257], expected uint8[257, 32]"),
    ],
)
def test_check_says_in_one_line_what_is_wrong(spoil: Any, message: str) -> None:
    name = "random/256bits/n257/k257/q1"
    case, data, _ = built(name)
    TARGET.check(case, data)
    with pytest.raises(BadInputError) as caught:
        TARGET.check(case, {"codes": spoil(data["codes"])})
    assert str(caught.value) == f"{name}: {message}"


# ---- the cost --------------------------------------------------------------------------------------------------------


def test_the_cost_counts_no_byte_that_a_bound_can_spare() -> None:
    for case in TARGET.workloads(0, "standard", (1, 32)):
        s, cost = case.shape, TARGET.cost(case)
        asked = s["nq"] * s["B"] + 8 * s["nq"] * s["k"]
        assert asked < cost.bytes < s["N"] * s["B"] / 3 + asked
        assert cost.operations["u8"] == s["nq"] * (cost.bytes - asked)


def test_random_rows_cannot_be_told_from_the_best_by_a_quarter_of_their_bits() -> None:
    for width in (16, 32, 128):
        small = next(c for c in TARGET.workloads(0, "small", (1,)) if c.shape["B"] == width)
        case = dataclasses.replace(small, shape={**small.shape, "N": 20_000}, data_key="none")
        data = TARGET.data(case)
        (query,) = TARGET.queries(case, data, 1, 1)
        best = np.sort(distances(data, query), axis=1)[0, case.shape["k"] - 1]
        # Ten of a million are a standard deviation, half a root of the bits, nearer than ten of 20,000.
        assert best - 1.5 * np.sqrt(8 * width) / 2 > 8 * width / 4


# ---- the portable kernel ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("B", [1, 3, 4, 5, 16, 31])
def test_the_portable_kernel_takes_any_width_and_equal_rows_by_number(B: int) -> None:
    rng = np.random.default_rng(B)
    data = {"codes": rng.integers(0, 256, (300, B), np.uint8)}
    query = rng.integers(0, 256, (2, B), np.uint8)
    data["codes"].setflags(write=False)
    got, ids = PORTABLE.run(np, PORTABLE.prepare(np, data, k=40), query, k=40)
    every = distances(data, query)
    order = np.argsort(every, axis=1, kind="stable")[:, :40]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_array_equal(got, np.take_along_axis(every, order, axis=1))


def test_the_portable_kernel_pads_both_with_the_same_number() -> None:
    data = {"codes": np.zeros((2, 3), np.uint8)}
    got, ids = PORTABLE.run(np, PORTABLE.prepare(np, data, k=4), np.full((1, 3), 255, np.uint8), k=4)
    assert got.tolist() == [[24, 24, NO_ID, NO_ID]]
    assert ids.tolist() == [[0, 1, NO_ID, NO_ID]]
    assert got.dtype == ids.dtype == np.uint32
