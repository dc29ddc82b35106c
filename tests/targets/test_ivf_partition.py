"""What `ivf-partition` promises beyond what every target is held to: its inputs, its checks, its truth, its cost."""

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle, recorded
from lar.contracts import NO_ID, Case, Data, Ranked
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("ivf-partition")
PORTABLE: Any = catalog.load_kernel("ivf-partition", catalog.kernel_path("ivf-partition", "portable", "numpy"))
BATTERY = {case.name: case for case in TARGET.battery(0)}


@functools.cache
def built(name: str) -> tuple[Case, Data, Host]:
    case = BATTERY[name]
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    return case, data, query


def of(distribution: str, metric: str = "l2") -> str:
    return next(
        name
        for name, case in BATTERY.items()
        if (case.distribution, case.statics["metric"], case.shape["C"]) == (distribution, metric, 2_048)
    )


def distances(case: Case, data: Data, query: Host) -> Host:
    """Return float64 (nq, C) by NumPy."""
    centroids, rows = data["centroids"].astype(np.float64), query.astype(np.float64)
    if case.statics["metric"] == "dot":
        return np.asarray(1.0 - rows @ centroids.T)
    return np.stack([np.sum((centroids - row) ** 2, axis=1) for row in rows])


# ---- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BATTERY)
def test_the_reference_has_the_smallest_distances(name: str) -> None:
    case, data, query = built(name)
    truth = TARGET.reference(case, data, query)
    assert isinstance(truth, Ranked)
    every, kept = distances(case, data, query), min(case.shape["k"], case.shape["C"])
    assert truth.best is not None
    np.testing.assert_allclose(truth.best, np.sort(every, axis=1)[:, :kept], rtol=1e-12, atol=1e-12)
    ids = np.random.default_rng(1).integers(0, case.shape["C"], (len(query), kept))
    found, sizes = truth.score_of(ids)
    np.testing.assert_allclose(found, np.take_along_axis(every, ids, axis=1), rtol=1e-12, atol=1e-12)
    assert np.all(sizes >= np.abs(found) * (1 - 1e-12))


def test_magnitudes_are_sums_of_absolute_terms() -> None:
    case = dataclasses.replace(BATTERY[of("gaussian", "dot")], shape={"dim": 2, "C": 2, "nq": 1, "k": 1})
    data = {"centroids": np.array([[1, -2], [3, 0.5]], np.float32)}
    truth = TARGET.reference(case, data, np.array([[2, 1]], np.float32))
    assert isinstance(truth, Ranked)
    assert truth.best is not None
    assert truth.best.tolist() == [[-5.5]]
    assert truth.score_of(np.array([[0, 1]]))[1].tolist() == [[5.0, 7.5]]


def judged(name: str, change: Any) -> str | None:
    """Return why the oracle refuses the portable kernel's outputs once they are changed."""
    case, data, query = built(name)
    outputs = PORTABLE.run(np, PORTABLE.prepare(np, data, **case.statics), query, **case.statics)
    verdict = oracle.judge(TARGET.reference(case, data, query), TARGET.outputs(case), change(*outputs))
    return None if verdict.failure is None else verdict.failure.kind


@pytest.mark.parametrize("metric", ["l2", "dot"])
def test_ids_are_free_where_and_only_where_distances_are_equal(metric: str) -> None:
    same, _, _ = built(of("identical"))
    C, k = same.shape["C"], same.shape["k"]
    last = np.tile(np.arange(C - 1, C - 1 - k, -1, dtype=np.uint32), (same.shape["nq"], 1))
    assert judged(of("identical", metric), lambda d, i: (d, last)) is None
    assert judged(of("gaussian", metric), lambda d, i: (d, last)) == "value"
    assert judged(of("identical", metric), lambda d, i: (d, i * np.uint32(0))) == "duplicate"


# ---- the inputs ------------------------------------------------------------------------------------------------------


def spread(name: str) -> tuple[Host, Host]:
    """Return the distances from queries to all centroids in order, and the largest error of bytes of one scale."""
    case, data, query = built(name)
    found = np.sort(distances(case, data, query), axis=1)
    rows = data["centroids"].astype(np.float64)
    steps = np.abs(rows).max(axis=1, keepdims=True) / 127
    return found, np.sqrt(np.sum((rows - steps * np.rint(rows / np.where(steps > 0, steps, 1))) ** 2, axis=1))


def test_narrow_distances_lie_within_one_quantum_of_any_copy_in_bytes() -> None:
    found, lost = spread(of("narrow"))
    roots = np.sqrt(found)
    assert np.all(roots[:, -1] - roots[:, 0] < 0.01 * np.median(lost))
    assert np.all(found[:, -1] > found[:, 0])


def test_an_offset_is_larger_than_what_tells_centroids_apart() -> None:
    _, data, query = built(of("offset"))
    assert data["centroids"].mean() > 50 * data["centroids"].std()
    assert query.mean() > 50 * query.std()


def test_near_duplicates_lie_in_groups_and_duplicates_are_equal() -> None:
    for name, near in (("near-duplicates", 1e-2), ("duplicates", 1e-12)):
        case, data, _ = built(of(name))
        rows = data["centroids"].astype(np.float64)
        others = np.sort(np.sum((rows[:50, None] - rows[None]) ** 2, axis=2), axis=1)
        assert np.median(others[:, 4]) < near
        assert np.median(others[:, 64]) > 0.5
    assert len(np.unique(data["centroids"], axis=0)) <= case.shape["C"] / 16


@pytest.mark.parametrize("metric", ["l2", "dot"])
def test_centroids_come_farthest_first(metric: str) -> None:
    case, data, query = built(of("descending", metric))
    for found in distances(case, data, query):
        assert np.corrcoef(np.arange(len(found)), found)[0, 1] < -0.95


def test_spikes_leave_the_other_components_no_bits() -> None:
    _, data, _ = built(of("spikes"))
    largest = np.abs(data["centroids"]).max(axis=1)
    assert np.mean(np.abs(data["centroids"]) < largest[:, None] / 127) > 0.9


def test_some_vectors_are_zero() -> None:
    _, data, query = built(of("zero-vectors"))
    assert np.mean(~data["centroids"].any(axis=1)) >= 0.2
    assert [bool(row.any()) for row in query] == [False, True, False]


# ---- the checks ------------------------------------------------------------------------------------------------------

NAME = "gaussian/257x33/l2/k257/q1"


def put(array: Host, value: float) -> Host:
    out = array.copy()
    out[0, 7] = value
    return out


SPOILT = [
    (lambda x: put(x, np.nan), "[0, 7] is nan, expected a number of at most 1e+15"),
    (lambda x: put(x, np.inf), "[0, 7] is inf, expected a number of at most 1e+15"),
    (lambda x: put(x, -np.inf), "[0, 7] is -inf, expected a number of at most 1e+15"),
    (lambda x: put(x, 1e30), "[0, 7] is 1e+30, expected a number of at most 1e+15"),
]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        *SPOILT,
        (lambda c: c.astype(np.float64), " is float64[257, 33], expected float32[257, 33]"),
        (lambda c: c[:, :32], " is float32[257, 32], expected float32[257, 33]"),
        (lambda c: c[:-1], " is float32[256, 33], expected float32[257, 33]"),
        (lambda c: c.reshape(-1), " is float32[8481], expected float32[257, 33]"),
    ],
)
def test_check_says_in_one_line_what_is_wrong_with_centroids(spoil: Any, message: str) -> None:
    case, data, _ = built(NAME)
    TARGET.check(case, data)
    with pytest.raises(BadInputError) as caught:
        TARGET.check(case, {"centroids": spoil(data["centroids"])})
    assert str(caught.value) == f"{NAME}: centroids{message}"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [*SPOILT, (lambda q: q[:, :-1], " is float32[1, 32], expected float32[1, 33]")],
)
def test_check_query_says_in_one_line_what_is_wrong(spoil: Any, message: str) -> None:
    case, data, query = built(NAME)
    TARGET.check_query(case, data, query)
    with pytest.raises(BadInputError) as caught:
        TARGET.check_query(case, data, spoil(query))
    assert str(caught.value) == f"{NAME}: query{message}"


def test_more_centroids_than_ids_are_refused() -> None:
    case, _, _ = built(NAME)
    case = dataclasses.replace(case, shape={**case.shape, "C": 2**31})
    with pytest.raises(BadInputError, match="2147483648 centroids, expected at most 2147483647: ids are uint32"):
        TARGET.check(case, {"centroids": np.broadcast_to(np.float32(0), (2**31, 33))})


@pytest.mark.parametrize(
    ("k", "metric", "message"),
    [
        (0, "l2", r"nprobe \(k\) is 0, expected 1 to C = 50"),
        (51, "l2", r"nprobe \(k\) is 51, expected 1 to C = 50"),
        (5, "cosine", "metric is 'cosine', expected one of l2, dot"),
    ],
)
def test_a_recorded_workload_with_wrong_settings_is_refused(k: int, metric: str, message: str) -> None:
    rng = np.random.default_rng(0)
    arrays = {"centroids": rng.random((50, 8), np.float32), "query": rng.random((4, 2, 8), np.float32)}
    assert recorded.record(TARGET, "mine", arrays, {"k": 50, "metric": "dot"}).case.shape["dim"] == 8
    with pytest.raises(BadInputError, match=f"recorded/mine: {message}"):
        recorded.record(TARGET, "mine", arrays, {"k": k, "metric": metric})


# ---- the cost, and sizes ---------------------------------------------------------------------------------------------


def test_the_cost_counts_no_more_than_a_bit_of_each_component() -> None:
    for case in TARGET.workloads(0, "standard", (1, 32)):
        s, cost = case.shape, TARGET.cost(case)
        asked = 4 * s["nq"] * s["dim"] + 8 * s["nq"] * s["k"]
        assert asked < cost.bytes <= s["C"] * s["dim"] // 8 + asked
        assert cost.operations["u8"] == s["nq"] * (cost.bytes - asked)


def test_growth_stays_below_the_bytes_it_is_given() -> None:
    assert TARGET.growth is not None
    assert TARGET.data_bytes is not None
    for size, found in TARGET.growth(0, 1 << 24).items():
        assert all(TARGET.data_bytes(case) <= 1 << 24 for case in found.cases)
        assert len(found.cases) >= 4
        assert [case.shape[size] for case in found.cases] == sorted({case.shape[size] for case in found.cases})
    case, data, _ = built(NAME)
    assert TARGET.data_bytes(case) == data["centroids"].nbytes


# ---- the portable kernel ---------------------------------------------------------------------------------------------


def test_the_portable_kernel_takes_equal_centroids_by_number_and_pads() -> None:
    data = {"centroids": np.array([[1, 0], [0, 1], [1, 0]], np.float32)}
    data["centroids"].setflags(write=False)
    query = np.array([[1, 0]], np.float32)
    for metric, expected in (("l2", [0, 0, 2]), ("dot", [0, 0, 1])):
        found, ids = PORTABLE.run(np, PORTABLE.prepare(np, data, k=4, metric=metric), query, k=4, metric=metric)
        assert found.tolist() == [[*expected, np.inf]]
        assert ids.tolist() == [[0, 2, 1, NO_ID]]
        assert found.dtype == np.float32
        assert ids.dtype == np.uint32
