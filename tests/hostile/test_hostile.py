"""Every hostile kernel is refused for its own reason or has no effect; every honest one passes.

In CI the whole collection is examined on NumPy, and on JAX what JAX alone makes possible, with a few honest kernels;
the rest of the matrix, and what waits for a time limit, is left to the sweep.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.conftest import NEEDS_GPU
from tests.hostile import court, matrix
from tests.hostile.collection import CLASSES, NO_EFFECT, PASSES, Exhibit, cells, exhibits
from tests.hostile.court import BACKENDS, STATUS_OF, Finding

ALSO_ON_JAX = {"oracle/nan", "oracle/shape_detection", "honest/einsum", "honest/pallas", "honest/host_callback"}
GROUPS = {group: [exhibit for exhibit in exhibits() if exhibit.group == group] for group in CLASSES}


@pytest.fixture(autouse=True, scope="module")
def _set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, court.guests():
        patch.setenv("LAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _in_ci(exhibit: Exhibit, backend: str) -> bool:
    if exhibit.slow:
        return False
    if backend == "jax":
        hostile_to_jax = "numpy" not in exhibit.expect and exhibit.group != "honest"
        return hostile_to_jax or exhibit.name in ALSO_ON_JAX
    return backend in {"numpy", "cupy"}


def _parameters() -> Iterator[object]:
    for exhibit, backend in cells():
        marks = [] if _in_ci(exhibit, backend) else [pytest.mark.slow]
        marks += [pytest.mark.gpu] if backend in NEEDS_GPU else []
        yield pytest.param(exhibit, backend, id=f"{backend}-{exhibit.name}", marks=marks)


@pytest.mark.parametrize(("exhibit", "backend"), list(_parameters()))
def test_an_exhibit_ends_as_it_must(exhibit: Exhibit, backend: str) -> None:
    reason = court.cannot_run(backend)
    if reason:
        pytest.skip(reason)
    complaint = court.examine(exhibit, backend).complaint(exhibit, backend)
    if complaint and exhibit.beyond:
        pytest.xfail(exhibit.beyond)
    assert complaint is None


# ---- the collection itself -----------------------------------------------------------------------------------------


def test_every_exhibit_says_what_it_is_and_how_it_must_end() -> None:
    assert sum(len(GROUPS[group]) for group in CLASSES[:-1]) >= 50
    assert len(GROUPS["honest"]) >= 15
    for exhibit in exhibits():
        assert exhibit.trick.endswith((".", "?")), exhibit.name
        assert exhibit.expect, exhibit.name
        assert set(exhibit.expect) <= set(BACKENDS), exhibit.name
        for backend, expected in exhibit.expect.items():
            assert (expected == PASSES) == (exhibit.group == "honest"), exhibit.name
            assert exhibit.kinds(backend) <= set(STATUS_OF), exhibit.name
            assert exhibit.kinds(backend) or expected in {NO_EFFECT, PASSES}, exhibit.name


def _finding(name: str, backend: str = "numpy") -> tuple[Exhibit, Finding]:
    exhibit = next(e for e in exhibits() if e.name == name)
    return exhibit, court.examine(exhibit, backend)


def test_what_ends_otherwise_than_it_must_is_a_complaint() -> None:
    exhibit, finding = _finding("oracle/zeros")
    passing = Exhibit(exhibit.path, exhibit.trick, exhibit.target, {"numpy": PASSES})
    otherwise = Exhibit(exhibit.path, exhibit.trick, exhibit.target, {"numpy": "alias"})
    assert finding.complaint(exhibit, "numpy") is None
    assert "must pass" in (finding.complaint(passing, "numpy") or "")
    assert "must be refused as alias" in (finding.complaint(otherwise, "numpy") or "")


def test_a_canary_that_was_touched_is_a_complaint(tmp_path: Path) -> None:
    path = tmp_path / "honest" / "kernel.py"
    path.parent.mkdir()
    path.write_text((court.GUESTS / "shift" / "portable.py").read_text(encoding="utf-8"), encoding="utf-8")
    exhibit = Exhibit(path, "", "shift", {"numpy": PASSES})
    assert court.examine(exhibit, "numpy").complaint(exhibit, "numpy") is None
    finding = court.examine(exhibit, "numpy")
    touched = Finding(finding.outcome, finding.phase, ("folder: it has a file more",), None)
    assert touched.complaint(exhibit, "numpy") == "folder: it has a file more"
    quick = Finding(finding.outcome, finding.phase, (), 0.1)
    swallowed = Exhibit(path, "", "shift", {"numpy": NO_EFFECT})
    assert "0.10 of the honest time" in (quick.complaint(swallowed, "numpy") or "")


def test_the_command_prints_a_row_and_ends_with_the_number_of_holes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert matrix.main(["--backend", "numpy", "--only", "oracle/nan_in_one_place", "honest/list"]) == 0
    shown = capsys.readouterr().out
    assert "| nan in checking |" in shown
    assert "| passed |" in shown
    assert "2 examinations, 0 not as they must be" in shown
    exhibit = next(e for e in exhibits() if e.name == "oracle/zeros")
    wrong = Exhibit(exhibit.path, exhibit.trick, exhibit.target, {"numpy": "alias"})
    monkeypatch.setattr(matrix, "exhibits", lambda: (wrong,))
    assert matrix.main(["--backend", "numpy"]) == 1
    assert "**HOLE**" in capsys.readouterr().out
