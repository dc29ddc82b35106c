"""`take` of a user's own rows, along its sizes, and in bytes."""

from pathlib import Path

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog

TARGET = catalog.target("take")
RNG = np.random.default_rng(1)
MINE: dict[str, Host] = {
    "values": RNG.integers(-(2**31), 2**31, (50, 3), np.int32),
    "query": RNG.integers(0, 50, (5, 20), np.uint32),
}


def test_rows_are_recorded_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shapes.captured(TARGET, MINE, {}, tmp_path)
    assert dict(one.case.shape) == {"N": 50, "W": 3, "n": 20}
    assert (one.calls, one.case.operations) == (5, 20)
    np.testing.assert_array_equal(one.data["values"], MINE["values"])
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


def past_the_end() -> Host:
    ids = MINE["query"].copy()
    ids[3, 7] = 50
    return ids


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"query": past_the_end()}, "ids[7] is 50, expected a row below N = 50"),
        ({"query": MINE["query"].astype(np.int64)}, "ids is int64[20], expected uint32[20]"),
        ({"query": MINE["query"][:, :0]}, "n is 0, expected 1 to 2147483647"),
        ({"values": MINE["values"].astype(np.float32)}, "values is float32[50, 3], expected int32[50, 3]"),
        ({"values": MINE["values"][:0]}, "N is 0, expected 1 to 2147483647"),
        ({"values": MINE["values"][:, :0]}, "W is 0, expected 1 to 2147483647"),
        ({"values": MINE["values"][0]}, "values has 1 dimensions, expected 2"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, {}) == message


def test_there_is_no_keyword() -> None:
    assert shapes.refused(TARGET, MINE, {"k": 3}) == "unknown keyword 'k'. Expect none"


def test_cases_grow_in_one_size() -> None:
    along = shapes.hold_growth(TARGET, {"n": 1.0, "W": 1.0, "N": 0.5})
    assert all(case.operations == case.shape["n"] for case in along["n"])


def test_bytes_are_those_of_the_data() -> None:
    for case in shapes.each_data_set([*TARGET.battery(0), *TARGET.workloads(0, "small", (1,))]):
        assert TARGET.data_bytes is not None
        assert TARGET.data_bytes(case) == shapes.built_bytes(TARGET, case)
