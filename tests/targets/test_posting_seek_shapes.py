"""`posting-seek` of a user's own list, along its sizes, and in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog
from lar.contracts import Case

TARGET = catalog.target("posting-seek")
LIST = TARGET.data(Case("gaps", "anywhere", {"B": 3, "S": 1}, 0, {"n": 300}, 1, "gaps/b3/n300/s0"))
MINE: dict[str, Host] = {**LIST, "query": np.random.default_rng(1).integers(0, 4_000, (4, 10), np.uint32)}


def test_a_list_is_recorded_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shapes.captured(TARGET, MINE, {"n": 300}, tmp_path)
    assert dict(one.case.shape) == {"B": 3, "S": 10}
    assert (one.calls, one.case.operations) == (4, 10)
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


def test_of_recorded_seeks_no_answer_is_counted_since_all_may_be_the_same(tmp_path: Path) -> None:
    one = shapes.captured(TARGET, MINE, {"n": 300}, tmp_path)
    assert TARGET.cost(one.case).bytes == 9 * 10


def spoilt(name: str, place: int, value: int) -> dict[str, Host]:
    array = MINE[name].copy()
    array[place] = value
    return {name: array}


def without_bits() -> dict[str, Host]:
    """Return the list with a width of 0 in its second block, all else in keeping with it."""
    width, words = MINE["width"].copy(), MINE["words"]
    width[1] = 0
    start = np.cumsum(4 * width) - 4 * width
    begin, end = MINE["start"][1:3]
    return {"width": width, "start": start.astype(np.int32), "words": np.concatenate([words[:begin], words[end:]])}


AFTER = int(MINE["first"][1])
BEFORE = int(MINE["first"][0])


@pytest.mark.parametrize(
    ("changed", "n", "message"),
    [
        (spoilt("width", 1, 33), 300, "width[1] is 33, expected 0 to 32 bits"),
        (spoilt("width", 0, -1), 300, "width[0] is -1, expected 0 to 32 bits"),
        (without_bits(), 300, f"ids[129] is {AFTER} after {AFTER}, expected more, and below 2**32"),
        (spoilt("start", 2, 8), 300, "start[2] is 8, expected 32: behind the block before it"),
        (spoilt("first", 1, BEFORE), 300, f"ids[128] is {BEFORE} after "),
        ({"words": MINE["words"][:-1]}, 300, "words is uint32[49], expected uint32[50]"),
        ({"first": MINE["first"].astype(np.int64)}, 300, "first is int64[3], expected uint32[3]"),
        ({"start": MINE["start"][:2]}, 300, "start is int32[2], expected int32[3]"),
        ({"query": MINE["query"].astype(np.int32)}, 300, "the query is int32[10], expected uint32[10]"),
        ({"query": MINE["query"][:, :0]}, 300, "S is 0, expected 1 to 2147483647"),
        ({}, 400, "B is 3, expected 4 blocks of 400 ids"),
        ({}, -5, "n is -5, expected 0 to 2147483520"),
        ({}, "all", "n is 'all', expected a whole number"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], n: Any, message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, {"n": n}).startswith(message)


def test_cases_grow_in_one_size() -> None:
    along = shapes.hold_growth(TARGET, {"B": 0.5, "S": 1.0})
    assert all(case.statics["n"] == 128 * case.shape["B"] for cases in along.values() for case in cases)


def test_bytes_are_those_of_timed_lists_and_at_most_those_said_of_others() -> None:
    assert TARGET.data_bytes is not None
    for case in shapes.each_data_set(TARGET.workloads(0, "small", (1,))):
        assert TARGET.data_bytes(case) == shapes.built_bytes(TARGET, case)
    for case in shapes.each_data_set(TARGET.battery(0)):
        assert shapes.built_bytes(TARGET, case) <= TARGET.data_bytes(case)
