"""`bitpack` of a user's own pages, along its sizes, and in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.targets import shapes
from tests.targets.shapes import Host

from lar import catalog

TARGET = catalog.target("bitpack")
RNG = np.random.default_rng(1)
PLAIN: dict[str, Any] = {"width": 11, "n": 100, "layout": "plain"}
MINE: dict[str, Host] = {
    "packed": RNG.integers(0, 2**32, 35, np.uint32),
    "query": RNG.integers(0, 2**32, (5, 35), np.uint32),
}


@pytest.mark.parametrize("statics", [PLAIN, {"width": 1, "n": 900, "layout": "fastlanes"}])
def test_pages_are_recorded_and_timed(statics: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shapes.captured(TARGET, MINE, statics, tmp_path)
    assert dict(one.case.shape) == {"n": statics["n"], "width": statics["width"], "words": 35}
    assert (one.calls, one.case.operations) == (5, 1)
    shapes.measured(TARGET, one, "portable", tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("changed", "statics", "message"),
    [
        ({}, {"width": 0}, "width is 0, expected 1 to 32"),
        ({}, {"width": 33}, "width is 33, expected 1 to 32"),
        ({}, {"width": "wide"}, "width is 'wide', expected a whole number"),
        ({}, {"n": 0}, "n is 0, expected 1 to 536870911"),
        ({}, {"n": -1}, "n is -1, expected 1 to 536870911"),
        ({}, {"layout": "delta"}, "the layout is 'delta', expected one of plain, fastlanes"),
        (
            {},
            {"n": 102},
            "packed ends after word 34, expected at least 36 words for 102 values of 11 bits (plain)",
        ),
        (
            {},
            {"layout": "fastlanes"},
            "packed ends after word 34, expected at least 352 words for 100 values of 11 bits (fastlanes)",
        ),
        ({"packed": MINE["packed"].astype(np.int64)}, {}, "packed is int64[35], expected uint32[words]"),
        ({"query": MINE["query"].astype(np.uint64)}, {}, "the query is uint64[35], expected uint32[words]"),
        (
            {"query": MINE["query"][:, :20]},
            {},
            "the query ends after word 19, expected at least 35 words for 100 values of 11 bits (plain)",
        ),
        ({"packed": np.zeros(36, np.uint32)}, {}, "the query has 35 words, expected 36"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Host], statics: dict[str, Any], message: str) -> None:
    assert shapes.refused(TARGET, MINE | changed, PLAIN | statics) == message


def test_cases_grow_in_one_size() -> None:
    shapes.hold_growth(TARGET, {"n": 1.0, "width": 1.0}, derived=("words",))


def test_bytes_are_those_of_the_data() -> None:
    for case in shapes.each_data_set([*TARGET.battery(0), *TARGET.workloads(0, "small", (1,))]):
        assert TARGET.data_bytes is not None
        assert TARGET.data_bytes(case) == shapes.built_bytes(TARGET, case)
