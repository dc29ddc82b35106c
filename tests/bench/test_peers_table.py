"""All comparisons in one table: what fails, and what is not installed, is said and hides nothing of the others."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from bench.peers import __main__ as program
from bench.peers import _rows, _table
from bench.peers._rows import Row
from bench.peers._table import Result

ROOT = Path(__file__).parents[2]
FAST = Row("alpha", "random/n9", "numpy", 1500.0, 1600.0, "library", 4500.0, 4600.0, 3.0, 2.9, 3.1, 2.5, 41.26, 5.5)
SLOW = Row("beta", "sorted/n9", "numpy", 9.0, 9.0, "other", 3.0, 3.0, 0.33, 0.3, 0.4, 1.0, None, None)
COMPARED = """
from bench.peers._contest import Comparison
from bench.peers._interleaved import Figure
from bench.peers._rows import Row

class Told(Comparison):
    def run(self, scale, backends, only=(), rounds=None):
        print("a library that prints")
        name = f"{scale} {backends[0].name} {rounds} {' '.join(only)}"
        yield (
            [Figure(name, "numpy tuned", 1.0, 2.0, 3.0, 2.0, 4.0, 5)],
            [Row("NAME", name, "numpy", 1.0, 2.0, "library", 3.0, 4.0, 3.0, 2.0, 4.0, None, 50.0, 0.5)],
        )
        THEN

COMPARISON = Told("NAME", ("numpy",), None, None)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package that this process and its children can import."""
    folder = tmp_path / f"compared_{os.getpid()}_{tmp_path.name}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    paths = [str(tmp_path), str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return folder


def module(package: Path, name: str, then: str = "") -> None:
    (package / f"{name}.py").write_text(COMPARED.replace("NAME", name).replace("THEN", then))


def test_the_table_has_all_that_is_asked_of_a_row() -> None:
    shown = _table.show([Result("alpha", [FAST]), Result("beta", [SLOW])], "standard")
    head, fast, slow = shown.splitlines()[:3]
    assert re.split(r" {2,}", head) == list(_table.HEAD)
    cells = ["alpha", "random/n9", "numpy tuned", "1.5 us", "library", "4.5 us", "3.00", "2.90 .. 3.10", "2.5 met"]
    assert re.split(r" {2,}", fast) == [*cells, "41.3 %", "550 %"]
    cells = ["beta", "sorted/n9", "numpy tuned", "9 ns", "other", "3 ns", "0.33", "0.30 .. 0.40", "1 MISSED"]
    assert re.split(r" {2,}", slow) == [*cells, "-", "-"]
    assert "goals: 1 of 2 met" in shown
    assert _table.NO_GOALS not in shown


def test_small_scale_has_no_goals_and_says_so() -> None:
    shown = _table.show([Result("alpha", [Row(**{**vars(FAST), "goal": None})])], "small")
    assert _table.NO_GOALS in shown
    assert "goals:" not in shown


def test_what_is_not_in_the_table_is_said_below_it() -> None:
    lines = _table.remarks([Result("alpha", missing="faiss"), Result("beta", [SLOW], failed="ended with 1")])
    assert lines == [
        "goals: 0 of 1 met",
        "MISSED: beta sorted/n9: 0.33x, goal 1x",
        "not compared: alpha (faiss is not installed here)",
        "the libraries of all peers: pip install 'lar[peers]'",
        "FAILED: beta (ended with 1)",
    ]


def test_the_documents_say_what_the_figures_hold_for_and_nothing_private(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    results = [Result("alpha", [FAST], [{"name": "beside"}], {"numpy": "2.4"}), Result("beta", missing="faiss")]
    _table.write(results, "standard", folder)
    document: dict[str, Any] = json.loads((folder / "peers.json").read_text())
    assert set(document["about"]) == {"date", "scale", "processor", "python", "libraries", "git"}
    assert document["about"]["libraries"] == {"numpy": "2.4"}
    assert [Row(**row) for row in document["rows"]] == [FAST]
    assert _rows.load(folder / "peers.json")["rows"] == [FAST]
    assert (document["missing"], document["failed"]) == ({"beta": "faiss"}, {})
    assert document["figures"] == {"alpha": [{"name": "beside"}]}
    text = (folder / "peers.md").read_text()
    assert "| alpha | random/n9 | numpy tuned | 1.5 us | library | 4.5 us | 3.00 |" in text
    for part in (document["about"]["date"], "Scale: standard", "numpy 2.4", "pip install 'lar[peers]'"):
        assert part in text
    for private in (str(Path.home()), str(tmp_path), str(ROOT), os.uname().nodename):
        assert private not in text + json.dumps(document)


def test_a_module_that_fails_or_lacks_its_library_leaves_the_others_their_rows(
    package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module(package, "whole_one")
    module(package, "halfway", "raise ValueError('the peer disagrees')")
    module(package, "without", "import no_such_library.at_all")
    module(package, "_hidden", "raise SystemExit(9)")
    out = package.parent / "out"
    words = ["--scale", "small", "--rounds", "3", "--only", "n9", "--only=--x", "--out", str(out)]
    assert program.main(words, package.name) == 1
    told = capfd.readouterr()
    rows = [re.split(r" {2,}", line) for line in told.out.splitlines() if line.startswith(("whole", "half", "without"))]
    assert [row[:2] for row in rows] == [[n, "small numpy 3 n9 --x"] for n in ("halfway", "whole_one", "without")]
    assert "not compared: without (no_such_library is not installed here)" in told.out
    assert "FAILED: halfway (ended with 1)" in told.out
    assert "ValueError: the peer disagrees" in told.err
    assert "[1/3] halfway" in told.err
    assert "a library that prints" in told.err
    assert "a library that prints" not in told.out
    document = json.loads((out / "peers.json").read_text())
    assert len(document["rows"]) == 3
    assert document["missing"] == {"without": "no_such_library"}
    assert document["failed"] == {"halfway": "ended with 1"}
    assert str(package.parent) not in json.dumps(document)


def test_one_that_is_named_is_run_alone_and_a_missing_library_is_no_failure(
    package: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module(package, "whole_one")
    (package / "without.py").write_text("import no_such_library\n")
    assert program.main(["whole-one"], package.name) == 0
    assert "[1/1] whole-one" in capfd.readouterr().err
    assert program.main(["without"], package.name) == 1  # there is nothing to show
    assert "not compared: without" in capfd.readouterr().out


def test_a_name_of_ours_that_cannot_be_imported_is_a_failure(package: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (package / "broken.py").write_text("import lar.no_such_module\n")
    assert program.main([], package.name) == 1
    assert "FAILED: broken (ended with 1)" in capfd.readouterr().out


def test_a_module_that_is_killed_is_told_by_its_signal(package: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (package / "broken.py").write_text("import os\nos.abort()\n")
    assert program.main([], package.name) == 1
    assert "FAILED: broken (killed by SIGABRT)" in capfd.readouterr().out


def test_an_unknown_name_is_refused_with_those_there_are(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module(package, "whole_one")
    with pytest.raises(SystemExit):
        program.main(["hole-one"], package.name)
    assert "no comparison of hole-one. Expect some of whole-one." in capsys.readouterr().err
