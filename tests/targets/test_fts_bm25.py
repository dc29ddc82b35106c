"""What `fts-bm25` promises beyond what every target is held to: its formula, its inputs, its checks, its padding."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lar import catalog, oracle
from lar.contracts import NO_ID, Case, Data, Ranked
from lar.errors import BadInputError

Host = npt.NDArray[Any]
TARGET = catalog.target("fts-bm25")
PORTABLE: Any = catalog.load_kernel("fts-bm25", catalog.kernel_path("fts-bm25", "portable", "numpy"))
BATTERY = {case.name: case for case in TARGET.battery(0)}
STATICS = {"k": 3, "k1": 1.2, "b": 0.75, "capacity": 8}


@functools.cache
def built(name: str) -> tuple[Case, Data, Host]:
    case = BATTERY[name]
    data = TARGET.data(case)
    (query,) = TARGET.queries(case, data, 5, 1)
    return case, data, query


def tiny() -> tuple[Case, dict[str, Host], Host]:
    """Return three terms over four documents, the second term in none of them."""
    data = {
        "offsets": np.array([0, 3, 3, 5], np.int32),
        "documents": np.array([0, 1, 3, 1, 2], np.uint32),
        "frequencies": np.array([1, 2, 7, 1, 3], np.int32),
        "lengths": np.array([10, 20, 0, 40], np.int32),
        "average": np.array([20], np.float32),
        "idf": np.array([0.5, 2.0, 1.5], np.float32),
    }
    shape = {"N": 4, "V": 3, "T": 2, "nq": 2, "k": 3, "capacity": 8}
    return Case("tiny", "tiny", shape, 0, STATICS, 2, "tiny/t2"), data, np.array([[0, 2], [1, 1]], np.uint32)


def formula(frequency: int, length: int, idf: float) -> float:
    return idf * frequency / (1.2 * (0.25 + 0.75 * length / 20) + frequency)


# ---- the reference ---------------------------------------------------------------------------------------------------


def test_the_reference_is_the_formula() -> None:
    case, data, query = tiny()
    truth = TARGET.reference(case, data, query)
    assert isinstance(truth, Ranked)
    assert truth.largest
    expected = [formula(1, 10, 0.5), formula(2, 20, 0.5) + formula(1, 20, 1.5), formula(3, 0, 1.5), formula(7, 40, 0.5)]
    assert truth.best is not None
    scores, _ = truth.score_of(np.array([[0, 1, 2, 3], [0, 1, 2, 3]]))
    np.testing.assert_allclose(scores, np.array([expected, [0.0] * 4]))
    np.testing.assert_allclose(truth.best, np.array([sorted(expected)[:0:-1], [0.0] * 3]))


@pytest.mark.parametrize("name", BATTERY)
def test_the_reference_has_the_largest_sums(name: str) -> None:
    case, data, query = built(name)
    truth = TARGET.reference(case, data, query)
    assert isinstance(truth, Ranked)
    offsets, kept = data["offsets"], min(case.shape["k"], case.shape["N"])
    norm = 1.2 * (0.25 + 0.75 * data["lengths"].astype(np.float64) / float(data["average"][0]))
    for r, terms in enumerate(query):
        scores = np.zeros(case.shape["N"])
        for term in terms:
            places = slice(offsets[term], offsets[term + 1])
            documents, frequency = data["documents"][places], data["frequencies"][places].astype(np.float64)
            scores[documents] += float(data["idf"][term]) * frequency / (norm[documents] + frequency)
        assert truth.best is not None
        np.testing.assert_allclose(truth.best[r], np.sort(scores)[::-1][:kept], rtol=1e-13)
        every = np.tile(np.arange(case.shape["N"]), (len(query), 1))
        np.testing.assert_allclose(truth.score_of(every)[0][r], scores, rtol=1e-13)


def test_a_term_that_is_asked_twice_counts_twice() -> None:
    case, data, _ = tiny()
    once, twice = (TARGET.reference(case, data, np.array([[0, t]] * 2, np.uint32)) for t in (1, 0))
    assert isinstance(once, Ranked)
    assert isinstance(twice, Ranked)
    assert once.best is not None
    assert twice.best is not None
    np.testing.assert_allclose(twice.best, 2 * once.best)


# ---- the inputs ------------------------------------------------------------------------------------------------------


def lists(data: Data) -> Host:
    return np.diff(data["offsets"])


def test_timed_terms_follow_the_law_of_zipf() -> None:
    case = next(c for c in TARGET.workloads(0, "standard", (1,)) if c.shape["T"] == 5)
    size = lists(TARGET.data(case))
    assert size[9] == 3_000
    np.testing.assert_allclose(size[:500] * np.arange(1, 501), 30_000, rtol=0.02)


def test_bands_are_rare_mixed_and_common() -> None:
    for case in TARGET.workloads(0, "standard", (32,)):
        data = TARGET.data(case)
        (query,) = TARGET.queries(case, data, 1, 1)
        asked = lists(data)[query]
        if case.distribution == "rare":
            assert asked.max() <= 150
        elif case.distribution == "common":
            assert asked.min() >= 400
        else:
            assert asked.min() < 500
            assert asked.max() > 700
        assert asked.sum(axis=1).max() <= case.shape["capacity"] <= 2.5 * asked.sum(axis=1).max()


def test_lengths_of_timed_documents_are_possible_ones() -> None:
    _, data, _ = built("mixed/n4096/t5/k10/q3")
    held = np.bincount(data["documents"], weights=data["frequencies"], minlength=len(data["lengths"]))
    assert np.all(data["lengths"] >= held)
    assert abs(data["lengths"].mean() - data["average"][0]) < 1e-4


def test_the_weights_are_those_of_lucene() -> None:
    _, data, _ = built("mixed/n4096/t5/k10/q3")
    expected = [math.log(1 + (4_096 - n + 0.5) / (n + 0.5)) for n in lists(data)]
    np.testing.assert_array_equal(data["idf"], np.array(expected, np.float32))


def test_the_hostile_indexes_are_hostile() -> None:
    giant = built("giant/n1000/t5/k10/q3")
    assert lists(giant[1])[0] == 1_000
    assert np.all(np.any(giant[2] == 0, axis=1))
    tied = built("tied/n1000/t5/k10/q3")
    truth = TARGET.reference(*tied)
    assert isinstance(truth, Ranked)
    scores = truth.score_of(np.tile(np.arange(1_000), (3, 1)))[0]
    assert len(np.unique(np.round(scores, 9))) <= 6
    assert built("nothing/n1000/t5/k10/q3")[1]["documents"].size == 0
    assert np.any(lists(built("gaps/n1000/t5/k10/q3")[1])[built("gaps/n1000/t5/k10/q3")[2]] == 0)
    ends = built("ends/n1000/t5/k10/q3")[1]
    assert ends["documents"].max() == 999
    assert ends["documents"][0] == 0
    lengths = built("lengths/n1000/t5/k10/q3")[1]["lengths"]
    assert (lengths.min(), lengths.max()) == (0, 2**31 - 1)
    frequencies = built("frequent/n1000/t5/k10/q3")[1]["frequencies"]
    assert (frequencies.min(), frequencies.max()) == (1, 2**31 - 1)
    few = built("few-and-many/n1000/t5/k10/q3")
    asked = lists(few[1])[few[2]]
    assert np.all(asked.min(axis=1) == 12)
    assert np.all(asked.max(axis=1) == 875)
    repeated = built("repeated/n1000/t5/k10/q3")[2]
    assert all(len(np.unique(row)) <= 2 for row in repeated)
    scarce = built("scarce/n1000/t2/k100/q3")
    assert lists(scarce[1])[scarce[2]].sum(axis=1).max() < 100


def test_every_document_is_better_than_all_before_it_where_that_is_meant() -> None:
    case, data, _ = built("ascending/n1000/t2/k100/q3")
    truth = TARGET.reference(case, data, np.zeros((3, 2), np.uint32))
    assert isinstance(truth, Ranked)
    assert np.all(np.diff(truth.score_of(np.tile(np.arange(1_000), (3, 1)))[0]) > 0)


def test_a_disguise_renumbers_documents_with_all_that_is_theirs() -> None:
    case, data, query = built("mixed/n4096/t5/k10/q3")
    hidden = TARGET.disguise(case, data, 3)
    TARGET.check(case, hidden)
    assert not np.array_equal(hidden["documents"], data["documents"])
    one, other = TARGET.reference(case, data, query), TARGET.reference(case, hidden, query)
    assert isinstance(one, Ranked)
    assert isinstance(other, Ranked)
    np.testing.assert_array_equal(one.best, other.best)


# ---- the checks ------------------------------------------------------------------------------------------------------


def put(name: str, place: int, value: Any) -> Any:
    def spoil(data: dict[str, Host]) -> None:
        data[name][place] = value

    return spoil


def replace(name: str, array: Host) -> Any:
    return lambda data: data.update({name: array})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (put("offsets", 1, 4), "offsets[2] is 3, expected at least the 4 before it"),
        (put("offsets", 0, 1), "offsets[0] is 1, expected 0"),
        (put("offsets", 3, 4), "offsets[3] is 4, expected 5"),
        (put("documents", 2, 4), "documents[2] is 4, expected a document below N = 4"),
        (
            put("documents", 1, 0),
            "documents[1] is 0, after 0 in the list of term 0: expected ascending documents, each once",
        ),
        (
            put("documents", 4, 0),
            "documents[4] is 0, after 1 in the list of term 2: expected ascending documents, each once",
        ),
        (put("frequencies", 3, 0), "frequencies[3] is 0, expected at least 1"),
        (put("frequencies", 0, -1), "frequencies[0] is -1, expected at least 1"),
        (put("lengths", 2, -1), "lengths[2] is -1, expected at least 0"),
        (put("idf", 1, np.nan), "idf[1] is nan, expected a finite number of at least 0"),
        (put("idf", 2, -0.5), "idf[2] is -0.5, expected a finite number of at least 0"),
        (put("idf", 0, np.inf), "idf[0] is inf, expected a finite number of at least 0"),
        (put("average", 0, 0.0), "average[0] is 0.0, expected a finite number above 0"),
        (put("average", 0, np.nan), "average[0] is nan, expected a finite number above 0"),
        (replace("documents", np.zeros(5, np.int32)), "documents is int32[5], expected uint32[5]"),
        (replace("frequencies", np.ones(4, np.int32)), "frequencies is int32[4], expected int32[5]"),
        (replace("lengths", np.ones(3, np.int32)), "lengths is int32[3], expected int32[4]"),
        (replace("idf", np.ones(3)), "idf is float64[3], expected float32[3]"),
        (replace("offsets", np.zeros(3, np.int32)), "offsets is int32[3], expected int32[4]"),
        (replace("average", np.array(1, np.float32)), "average is float32[], expected float32[1]"),
    ],
)
def test_check_says_in_one_line_what_is_wrong_and_where(spoil: Any, message: str) -> None:
    case, data, _ = tiny()
    TARGET.check(case, data)
    spoil(data)
    with pytest.raises(BadInputError) as caught:
        TARGET.check(case, data)
    assert str(caught.value) == f"tiny: {message}"


@pytest.mark.parametrize(
    ("statics", "message"),
    [
        ({"k": 0}, "k is 0, expected 1 to 2**31 - 1"),
        ({"k": -1}, "k is -1, expected 1 to 2**31 - 1"),
        ({"capacity": 0}, "capacity is 0, expected 1 to 2**31 - 1"),
        ({"k1": -0.1}, "k1 is -0.1, expected a finite number of at least 0"),
        ({"k1": math.nan}, "k1 is nan, expected a finite number of at least 0"),
        ({"b": 1.5}, "b is 1.5, expected 0 to 1"),
        ({"b": math.nan}, "b is nan, expected 0 to 1"),
    ],
)
def test_check_looks_at_the_statics(statics: dict[str, float], message: str) -> None:
    case, data, _ = tiny()
    with pytest.raises(BadInputError) as caught:
        TARGET.check(dataclasses.replace(case, statics={**STATICS, **statics}), data)
    assert str(caught.value) == f"tiny: {message}"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (np.zeros((2, 2), np.int32), "the query is int32[2, 2], expected uint32[2, 2]"),
        (np.zeros((2, 3), np.uint32), "the query is uint32[2, 3], expected uint32[2, 2]"),
        (np.array([[0, 1], [0, 3]], np.uint32), "query[1, 1] is 3, expected a term below V = 3"),
        (
            np.array([[0, 1], [0, 0]], np.uint32),
            "the lists of query[1] have 6 postings, expected at most capacity = 5",
        ),
    ],
)
def test_check_query_says_in_one_line_what_is_wrong_and_where(query: Host, message: str) -> None:
    case, data, right = tiny()
    case = dataclasses.replace(case, shape={**case.shape, "capacity": 5})
    TARGET.check_query(case, data, right)
    with pytest.raises(BadInputError) as caught:
        TARGET.check_query(case, data, query)
    assert str(caught.value) == f"tiny: {message}"


# ---- sizes -----------------------------------------------------------------------------------------------------------


def test_bytes_are_those_of_the_data() -> None:
    for case in TARGET.battery(0):
        assert TARGET.data_bytes is not None
        assert TARGET.data_bytes(case) == sum(array.nbytes for array in TARGET.data(case).values())


def test_a_recorded_case_is_described_by_its_arrays() -> None:
    case, data, query = tiny()
    assert TARGET.recorded is not None
    own = TARGET.recorded("recorded/mine", data, query, STATICS)
    assert own.shape == case.shape
    assert own.statics == STATICS
    TARGET.check(own, data)
    TARGET.check_query(own, data, query)


def test_cases_along_a_size_differ_in_nothing_else() -> None:
    assert TARGET.growth is not None
    for size, growth in TARGET.growth(0, 1 << 30).items():
        assert len(growth.cases) > 4
        assert len({case.distribution for case in growth.cases}) == 1
        assert sorted({case.shape[size] for case in growth.cases}) == [case.shape[size] for case in growth.cases]


def test_the_cost_is_far_below_what_is_read() -> None:
    for case in TARGET.workloads(0, "standard", (1, 32)):
        s, cost = case.shape, TARGET.cost(case)
        asked = s["nq"] * (4 * s["T"] + 8 * s["k"])
        assert asked < cost.bytes < asked + s["nq"] * s["capacity"] / 8


# ---- the portable kernel ---------------------------------------------------------------------------------------------


def test_the_portable_kernel_by_hand() -> None:
    case, data, query = tiny()
    for array in (*data.values(), query):
        array.setflags(write=False)
    scores, found = PORTABLE.run(np, PORTABLE.prepare(np, data, **STATICS), query, **STATICS)
    assert found.tolist() == [[2, 1, 3], [0, 1, 2]]
    assert (scores.dtype, found.dtype) == (np.float32, np.uint32)
    truth = TARGET.reference(case, data, query)
    assert oracle.judge(truth, TARGET.outputs(case), (scores, found)).passed


def test_what_exceeds_the_documents_is_padded() -> None:
    _, data, query = tiny()
    statics = {**STATICS, "k": 6}
    scores, found = PORTABLE.run(np, PORTABLE.prepare(np, data, **statics), query, **statics)
    assert found[:, 4:].tolist() == [[NO_ID, NO_ID]] * 2
    assert scores[:, 4:].tolist() == [[-np.inf, -np.inf]] * 2
    assert scores[1, :4].tolist() == [0.0] * 4
