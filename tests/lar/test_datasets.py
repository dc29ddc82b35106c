"""Data sets are built once, kept by the content of what makes them, and a damaged copy is only built again."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.workers import small_case

from lar import catalog, datasets
from lar.contracts import Case, Data, Target
from lar.datasets import Datasets
from lar.errors import BadInputError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path))
    return tmp_path


def counting(target: Target) -> tuple[Target, list[str]]:
    built: list[str] = []

    def data(case: Case) -> Data:
        built.append(case.data_key)
        return target.data(case)

    return dataclasses.replace(target, data=data), built


def test_a_data_set_is_built_once_and_read_the_next_time(home: Path) -> None:
    target, built = counting(catalog.target("pq-l2"))
    case = small_case()
    first = Datasets(target)
    assert first.data(case) is first.data(case)
    again = Datasets(target).data(case)
    assert built == [case.data_key]
    assert list(again) == ["codebook", "codes"]
    np.testing.assert_array_equal(again["codes"], first.data(case)["codes"])
    assert len(list((home / "inputs").glob("*.npz"))) == 1


def test_another_seed_is_another_data_set(home: Path) -> None:
    target, built = counting(catalog.target("pq-l2"))
    case = small_case()
    other = next(c for c in target.battery(1) if c.name == case.name)
    sets = Datasets(target)
    assert not np.array_equal(sets.data(case)["codes"], sets.data(other)["codes"])
    assert len(built) == 2


def test_another_generator_makes_its_own_copy(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert {"sampling.py", "inputs.py", "training.py"} <= {path.name for path in datasets._GENERATORS}
    target, built = counting(catalog.target("pq-l2"))
    Datasets(target).data(small_case())
    edited = tmp_path / "training.py"
    edited.write_text("# another one\n")
    monkeypatch.setattr(datasets, "_GENERATORS", (*datasets._GENERATORS[:-1], edited))
    Datasets(target).data(small_case())
    assert len(built) == 2


def test_a_damaged_copy_is_built_again(home: Path) -> None:
    target, built = counting(catalog.target("pq-l2"))
    Datasets(target).data(small_case())
    (path,) = (home / "inputs").glob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    Datasets(target).data(small_case())
    assert len(built) == 2


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "file"))
    assert Datasets(catalog.target("pq-l2")).data(small_case())["codes"].shape == (257, 3)


def test_what_was_not_used_for_longest_is_dropped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = Datasets(catalog.target("pq-l2"))
    sets.data(small_case())
    (first,) = (home / "inputs").glob("*.npz")
    monkeypatch.setattr(datasets, "_KEPT_BYTES", 8 * 40_000)
    sets.data(next(c for c in sets.target.battery(0) if c.shape["N"] == 1_000 and c.shape["dim"] == 20))
    assert sum(p.stat().st_size for p in (home / "inputs").glob("*.npz")) <= 8 * 40_000
    assert first.exists()


def test_data_off_its_contract_is_told_in_one_line(home: Path) -> None:
    target = catalog.target("pq-l2")
    case = small_case()

    def spoiled(case: Case) -> Data:
        data = dict(target.data(case))
        data["codes"] = np.where(np.arange(257)[:, None] == 5, np.uint8(77), data["codes"])
        return data

    with pytest.raises(BadInputError, match=r"codes\[5, 0\] is 77, expected a code below K = 16"):
        Datasets(dataclasses.replace(target, data=spoiled)).data(case)


def test_pinned_queries_are_the_same_in_every_run(home: Path) -> None:
    target = catalog.target("pq-l2")
    one, other = (Datasets(target).pinned(small_case(), 2) for _ in range(2))
    np.testing.assert_array_equal(one[1][0], other[1][0])
    assert not np.array_equal(one[0][0], one[1][0])


def test_secret_seeds_differ() -> None:
    assert len({datasets.secret_seed() for _ in range(100)}) == 100
