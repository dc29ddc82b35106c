"""`hamming` of a user's own codes, along its sizes, and in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog

TARGET = catalog.target("hamming")
RNG = np.random.default_rng(1)
MINE: dict[str, Host] = {
    "codes": RNG.integers(0, 256, (300, 5), np.uint8),
    "query": RNG.integers(0, 256, (4, 2, 5), np.uint8),
}


def test_codes_are_recorded_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shapes.captured(TARGET, MINE, {"k": 7}, tmp_path)
    assert dict(one.case.shape) == {"B": 5, "N": 300, "nq": 2, "k": 7}
    assert (one.calls, one.case.operations) == (4, 2)
    np.testing.assert_array_equal(one.queries, MINE["query"])
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("changed", "k", "message"),
    [
        ({"codes": MINE["codes"].astype(np.int64)}, 7, "codes is int64[300, 5], expected uint8[300, 5]"),
        ({"codes": MINE["codes"][:0]}, 7, "N is 0, expected 1 to 2147483647"),
        ({"codes": MINE["codes"][:, :4]}, 7, "the query is uint8[2, 5], expected uint8[2, 4]"),
        ({"query": MINE["query"].astype(np.float32)}, 7, "the query is float32[2, 5], expected uint8[2, 5]"),
        ({"query": MINE["query"][:, :0]}, 7, "nq is 0, expected 1 to 2147483647"),
        ({"query": MINE["query"][0]}, 7, "query has 2 dimensions, expected 3 (one query a call along the first axis)"),
        ({}, 0, "k is 0, expected 1 to 2147483647"),
        ({}, "ten", "k is 'ten', expected a whole number"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], k: Any, message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, {"k": k}) == message


def test_cases_grow_in_one_size() -> None:
    along = shapes.hold_growth(TARGET, {"N": 1.0, "B": 1.0, "nq": 1.0})
    assert all(case.operations == case.shape["nq"] for case in along["nq"])


def test_bytes_are_those_of_the_data() -> None:
    for case in shapes.each_data_set([*TARGET.battery(0), *TARGET.workloads(0, "small", (1,))]):
        assert TARGET.data_bytes is not None
        assert TARGET.data_bytes(case) == shapes.built_bytes(TARGET, case)
