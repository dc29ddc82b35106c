"""A target made from the template, whole or with a fault planted in it, and its battery, built."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import lar.targets
from lar import catalog, scaffold
from lar.contracts import Target
from lar.datasets import Datasets
from lar.examination import Grade, Section, contract
from lar.examination.exhibits import Exhibit
from lar.examination.report import Notes

_NAMES = (f"planted-{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    before = list(lar.targets.__path__)
    yield
    lar.targets.__path__[:] = before


def made(folder: Path, **changes: tuple[str, str]) -> str:
    """Make a target from the template, with one text in the place of another in its files; return its name."""
    name = next(_NAMES)
    home = scaffold.create(name, folder=folder)[0].parent
    for file, (old, new) in changes.items():
        path = home / ("__init__.py" if file == "init" else f"{file.replace('__', '/')}.py")
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new), encoding="utf-8")
    catalog.mount([folder])
    return name


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("template")
    return catalog.target(made(folder))


def failures(notes: Notes | Section) -> dict[str, str]:
    """Return what failed, with the reasons, one a line."""
    found: dict[str, str] = {}
    for one in notes.findings:
        if one.grade is Grade.FAIL:
            found[one.what] = f"{found[one.what]}\n{one.reason}" if one.what in found else one.reason
    return found


def of_contract(target: Target) -> tuple[Notes, list[Exhibit]]:
    notes = Notes()
    return notes, contract.examine(target, Datasets(target), notes)


@pytest.fixture(scope="module")
def exhibits(template: Target) -> Sequence[Exhibit]:
    notes, found = of_contract(template)
    assert not notes.failed, failures(notes)
    return found
