"""`topk-merge` of a user's own runs, along its sizes, and in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog

TARGET = catalog.target("topk-merge")


def runs(*shape: int) -> dict[str, Host]:
    """Return sorted runs with ids of their own, the last axis the items of one."""
    rng = np.random.default_rng(shape)
    scores = -np.sort(-rng.standard_normal(shape).astype(np.float32), axis=-1)
    return {"scores": scores, "ids": rng.permutation(scores.size).astype(np.uint32).reshape(shape)}


MINE: dict[str, Host] = {**runs(6, 12), **{f"query/{name}": array for name, array in runs(3, 2, 4, 5).items()}}


def test_runs_are_recorded_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool may have runs of other lengths than the merges have."""
    one = shapes.captured(TARGET, MINE, {"k": 7}, tmp_path)
    assert dict(one.case.shape) == {"R": 4, "L": 5, "k": 7, "nq": 2, "runs": 6, "length": 12}
    assert (one.calls, one.case.operations) == (3, 2)
    np.testing.assert_array_equal(one.queries["ids"], MINE["query/ids"])
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


def spoilt(name: str, place: Any, value: Any) -> dict[str, Host]:
    array = MINE[name].copy()
    array[place] = value
    return {name: array}


def tied() -> dict[str, Host]:
    """Return merges in which two items of equal scores come in descending order of id."""
    scores, ids = MINE["query/scores"].copy(), MINE["query/ids"].copy()
    scores[2, 0, 3, 1] = scores[2, 0, 3, 0]
    ids[2, 0, 3, :2] = [1_001, 1_000]
    return {"query/scores": scores, "query/ids": ids}


NAN = spoilt("query/scores", (1, 1, 2, 3), np.nan)
RISING = spoilt("query/scores", (0, 1, 2, 3), 9.0)
TWICE = spoilt("query/ids", (2, 0, [1, 3], [4, 0]), 777)


@pytest.mark.parametrize(
    ("changed", "k", "message"),
    [
        (NAN, 7, "merge 1: scores[2, 3] is nan, expected a number"),
        (RISING, 7, "merge 1: scores[2, 3] is 9.0 after "),
        (TWICE, 7, "merge 0: ids[3, 0] is 777, which is also ids[1, 4], expected distinct ids"),
        (tied(), 7, "merge 0: ids[3, 1] is 1000 after 1001 at equal scores, expected ascending ids"),
        (spoilt("scores", (5, 11), np.nan), 7, "scores[5, 11] is nan, expected a number"),
        (spoilt("scores", (2, 1), 9.0), 7, "scores[2, 1] is 9.0 after "),
        ({"ids": MINE["ids"].astype(np.int32)}, 7, "ids is int32[6, 12], expected uint32[6, 12]"),
        ({"scores": MINE["scores"][:, :5]}, 7, "ids is uint32[6, 12], expected uint32[6, 5]"),
        (
            {"query/scores": MINE["query/scores"].astype(np.float64)},
            7,
            "query/scores is float64[2, 4, 5], expected float32[2, 4, 5]",
        ),
        (
            {"query/ids": MINE["query/ids"][..., :4]},
            7,
            "query/ids is uint32[2, 4, 4], expected uint32[2, 4, 5]",
        ),
        ({"query/ids": MINE["query/ids"][:2]}, 7, "queries of [2, 3] calls: expect as many, and at least one"),
        ({}, 0, "k is 0, expected 1 to 2147483647"),
        ({}, "all", "k is 'all', expected a whole number"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], k: Any, message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, {"k": k}).startswith(message)


def test_an_id_may_be_in_two_merges_of_a_call() -> None:
    ids = MINE["query/ids"].copy()
    ids[:, 1] = ids[:, 0]
    from lar import recorded

    recorded.record(TARGET, "mine", MINE | {"query/ids": ids}, {"k": 3})


def test_cases_grow_in_one_size() -> None:
    shapes.hold_growth(TARGET, {"R": 1.0, "L": 0.5, "k": 1.0, "nq": 1.0}, most=8 << 20)


def test_bytes_are_those_of_the_data() -> None:
    for case in shapes.each_data_set([*TARGET.battery(0), *TARGET.workloads(0, "small", (1,))]):
        assert TARGET.data_bytes is not None
        assert TARGET.data_bytes(case) == shapes.built_bytes(TARGET, case)
