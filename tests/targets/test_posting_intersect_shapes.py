"""`posting-intersect` of a user's own lists, along its sizes, and in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog

TARGET = catalog.target("posting-intersect")
IDS = [1, 3, 5, 7, 2**32 - 1, 3, 4, 5, 6, 7, 8, 2**32 - 1, 0, 5, 3, 5, 7]
MINE: dict[str, Host] = {
    "ids": np.array(IDS, np.uint32),
    "offsets": np.array([0, 5, 12, 14, 14, 17], np.int32),
    "query": np.array([[[0, 2], [1, 2]], [[2, 2], [4, 1]], [[3, 1], [0, 4]]], np.int32),
}
BOUNDS: dict[str, Any] = {"capacity": 4, "shortest": 3, "longest": 7}


def test_lists_are_recorded_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shapes.captured(TARGET, MINE, BOUNDS, tmp_path)
    assert dict(one.case.shape) == {"K": 2, "lists": 5, "universe": 2**32, "nq": 2} | BOUNDS
    assert (one.calls, one.case.operations) == (3, 2)
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


def spoilt(name: str, place: Any, value: int) -> dict[str, Host]:
    array = MINE[name].copy()
    array[place] = value
    return {name: array}


@pytest.mark.parametrize(
    ("changed", "bounds", "message"),
    [
        (spoilt("query", (2, 1, 0), 5), {}, "query[1, 0] is 5, expected a list below 5"),
        (spoilt("query", (1, 0, 1), -1), {}, "query[0, 1] is -1, expected a list below 5"),
        (
            spoilt("query", (0, 0, 1), 1),
            {},
            "the shortest list of query[0] has 5 ids, expected one of at most shortest = 3",
        ),
        ({"query": MINE["query"].astype(np.int64)}, {}, "the query is int64[2, 2], expected int32[2, 2]"),
        (spoilt("ids", 3, 5), {}, "in list 0, ids[3] is 5 after 5, expected ascending ids without repeats"),
        (spoilt("ids", 16, 4), {}, "in list 4, ids[16] is 4 after 5, expected ascending ids without repeats"),
        ({"ids": MINE["ids"].astype(np.int64)}, {}, "ids is int64[17], expected uint32[ids]"),
        (
            spoilt("offsets", 3, 11),
            {},
            "offsets[3] is 11 after 12, expected offsets that do not run backwards",
        ),
        (spoilt("offsets", 5, 18), {}, "offsets go from 0 to 18, expected from 0 to 17, the number of ids"),
        ({"offsets": MINE["offsets"].astype(np.int64)}, {}, "offsets is int64[6], expected int32[6]"),
        ({"offsets": MINE["offsets"][:1]}, {}, "lists is 0, expected 1 to 2147483647"),
        ({}, {"longest": 6}, "list 1 has 7 ids, expected at most longest = 6"),
        ({}, {"capacity": 0}, "capacity is 0, expected 1 to 2147483647"),
        ({}, {"shortest": "few"}, "shortest is 'few', expected a whole number"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], bounds: dict[str, Any], message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, BOUNDS | bounds) == message


def test_cases_grow_in_one_size() -> None:
    derived = ("universe", "shortest", "capacity")
    along = shapes.hold_growth(TARGET, {"longest": 1.0, "K": 1.0, "nq": 1.0}, derived)
    assert {case.shape["universe"] // case.shape["longest"] for case in along["longest"]} == {100}
    assert all(case.shape["capacity"] == along["K"][0].shape["capacity"] for case in along["K"])


def test_bytes_are_at_most_those_said_and_nearly_so_many_in_timed_stores() -> None:
    assert TARGET.data_bytes is not None
    for case in shapes.each_data_set(TARGET.battery(0)):
        assert shapes.built_bytes(TARGET, case) <= TARGET.data_bytes(case)
    for case in shapes.each_data_set(TARGET.workloads(0, "small", (1,))):
        share = shapes.built_bytes(TARGET, case) / TARGET.data_bytes(case)
        assert share == 1 if case.distribution == "dense" else 0.97 < share < 1
