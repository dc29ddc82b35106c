"""Workloads of a user's own: held against the target, kept in a file, drawn from, timed and reported apart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lar import catalog, recorded
from lar.contracts import HostArray, Target
from lar.errors import BadInputError, LarError
from lar.recorded import WithRecordings


@pytest.fixture(scope="module")
def target() -> Target:
    return catalog.target("pq-l2")


@pytest.fixture(scope="module")
def mine(target: Target) -> dict[str, HostArray]:
    """Arrays as a user has them: 300 rows of 12 components, five single queries."""
    case = next(one for one in target.battery(3) if one.shape["dim"] == 12)
    data = target.data(case)
    return {**data, "query": np.stack(target.queries(case, data, 1, 5))}


def refused(target: Target, arrays: Mapping[str, HostArray], statics: Mapping[str, Any]) -> str:
    with pytest.raises(BadInputError) as caught:
        recorded.record(target, "mine", arrays, statics)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sizes_come_from_the_arrays(target: Target, mine: dict[str, HostArray]) -> None:
    one = recorded.record(target, "mine", mine, {"k": 3})
    assert (one.case.name, one.case.recorded, one.calls) == ("recorded/mine", True, 5)
    assert dict(one.case.shape) == {"dim": 12, "m": 3, "K": 16, "N": 257, "nq": 1, "k": 3}
    assert dict(one.case.statics) == {"k": 3}


def test_what_is_wrong_is_named(target: Target, mine: dict[str, HostArray]) -> None:
    without = {name: array for name, array in mine.items() if name != "codes"}
    assert "array 'codes' is missing" in refused(target, without, {"k": 3})
    assert "unknown array 'code'" in refused(target, {**mine, "code": mine["codes"]}, {"k": 3})
    assert "keyword 'k' is missing" in refused(target, mine, {})
    assert "unknown keyword 'nprobe'" in refused(target, mine, {"k": 3, "nprobe": 1})
    assert "k is 'ten', expected a whole number" in refused(target, mine, {"k": "ten"})
    assert "k is 0, expected 1 to" in refused(target, mine, {"k": 0})
    assert "query has 2 dimensions, expected 3" in refused(target, {**mine, "query": mine["query"][0]}, {"k": 3})
    assert "codes is int64" in refused(target, {**mine, "codes": mine["codes"].astype(np.int64)}, {"k": 3})
    assert "codes[256, 2] is 200" in refused(target, {**mine, "codes": _with(mine["codes"], (256, 2), 200)}, {"k": 3})
    assert "query[0, 7] is nan" in refused(target, {**mine, "query": _with(mine["query"], (4, 0, 7), np.nan)}, {"k": 3})
    assert "at least one" in refused(target, {**mine, "query": mine["query"][:0]}, {"k": 3})


def _with(array: HostArray, place: tuple[int, ...], value: float) -> HostArray:
    changed = array.copy()
    changed[place] = value
    return changed


def test_a_file_gives_back_what_was_written(target: Target, mine: dict[str, HostArray], tmp_path: Path) -> None:
    one = recorded.record(target, "mine", mine, {"k": 3})
    recorded.write(tmp_path / "w.npz", target, one)
    again = recorded.read(tmp_path / "w.npz", target)
    assert again.case == one.case
    np.testing.assert_array_equal(again.queries, one.queries)
    for name in one.data:
        np.testing.assert_array_equal(again.data[name], one.data[name])


def test_a_file_of_another_kind_is_refused(target: Target, mine: dict[str, HostArray], tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", codes=mine["codes"])
    (tmp_path / "text.npz").write_text("x")
    for name in ("plain.npz", "text.npz", "missing.npz"):
        with pytest.raises(LarError, match=name):
            recorded.read(tmp_path / name, target)
    recorded.write(tmp_path / "w.npz", target, recorded.record(target, "mine", mine, {"k": 3}))
    catalog.mount([Path(__file__).parents[1] / "guests"])
    with pytest.raises(LarError, match=r"of pq-l2, expected lar\.workload/1 of nearest"):
        recorded.read(tmp_path / "w.npz", catalog.target("nearest"))
    with pytest.raises(LarError, match="cannot be written"):
        recorded.write(tmp_path / "no" / "w.npz", target, recorded.record(target, "mine", mine, {"k": 3}))


def test_recorded_queries_come_in_random_order_each_once_a_round(target: Target, mine: dict[str, HostArray]) -> None:
    one = recorded.record(target, "mine", mine, {"k": 3})
    datasets = WithRecordings(target, [one])
    drawn = datasets.target.queries(one.case, one.data, 5, 12)
    numbers = [next(i for i in range(5) if np.array_equal(one.query(i), query)) for query in drawn]
    assert sorted(numbers[:5]) == sorted(numbers[5:10]) == [0, 1, 2, 3, 4]
    assert datasets.data(one.case) is one.data
    generated = target.battery(0)[0]
    np.testing.assert_array_equal(
        datasets.target.queries(generated, {}, 5, 2)[0], target.queries(generated, {}, 5, 2)[0]
    )
