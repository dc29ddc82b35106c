"""What `lar new` makes: files under the new name alone, right at once, in a checkout, in a folder, from a wheel."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lar.targets
from lar import catalog, scaffold
from lar.errors import LarError, UnknownNameError
from lar.scaffold import naming
from lar.scaffold.naming import Name

ROOT = Path(__file__).parents[2]
GUESTS = ROOT / "tests" / "guests"


@pytest.fixture(autouse=True)
def _mounts() -> Iterator[None]:
    before = list(lar.targets.__path__)
    yield
    lar.targets.__path__[:] = before


def run(code: str, *words: str, cwd: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": path or f"{ROOT / 'src'}:{ROOT}", "LAR_CACHE": str(cwd / "cache")}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=200, check=False)


def passed(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many tests passed, where none failed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1])


PYTEST = """
import sys
import pytest
from lar import catalog
catalog.mount([sys.argv[1]])
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--import-mode=importlib", *sys.argv[2:]]))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty checkout that the scaffold takes for its own."""
    (tmp_path / "targets").mkdir()
    monkeypatch.setattr(scaffold, "portion", lambda folder: [str(tmp_path / folder)])
    catalog.mount([tmp_path / "targets"])
    return tmp_path


def test_a_new_target_passes_the_conformance_suite_and_its_own_tests_at_once(checkout: Path) -> None:
    made = scaffold.create("new-one")
    assert [str(path.relative_to(checkout)) for path in made] == [
        "targets/new_one/__init__.py",
        "targets/new_one/inputs.py",
        "targets/new_one/portable.py",
        "targets/new_one/reference.py",
        "targets/new_one/program.md",
        "targets/new_one/tuned/numpy.py",
        "docs/targets/new-one.md",
        "tests/targets/test_new_one.py",
    ]
    suite = str(ROOT / "tests" / "conformance" / "test_targets.py")
    own = str(checkout / "tests" / "targets" / "test_new_one.py")
    words = "new_one or (new-one and not compiling and not fallbacks)"  # those are the slow ones, below
    assert passed(run(PYTEST, str(checkout / "targets"), suite, own, "-k", words, cwd=ROOT)) >= 14


@pytest.mark.slow
def test_a_new_target_passes_uncompiled_on_jax_and_on_the_helpers_fallbacks(checkout: Path) -> None:
    scaffold.create("newer-one")
    suite = str(ROOT / "tests" / "conformance" / "test_targets.py")
    words = "newer-one and (compiling or fallbacks)"
    assert passed(run(PYTEST, str(checkout / "targets"), suite, "-k", words, cwd=ROOT)) >= 2


@pytest.mark.slow
def test_a_new_target_is_timed_at_once(tmp_path: Path) -> None:
    scaffold.create("timed-one", folder=tmp_path / "mine")
    code = "import sys; from lar.cli import main; sys.argv[0] = 'lar'; main()"
    words = ("--targets", "mine", "--backend", "numpy", "--scale", "small", "--nq", "1", "--quick")
    done = run(code, "bench", "timed-one", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "correctness: pass" in done.stdout
    assert "kernel: tuned/numpy" in done.stdout


def test_a_copy_of_a_copy_brings_its_page_and_tests_and_says_the_first_name_nowhere(checkout: Path) -> None:
    first = scaffold.create("first-one")
    second = scaffold.create("second", like="first-one")
    assert [path.name.replace("first", "X") for path in first][:6] == [path.name for path in second][:6]
    assert {"second.md", "test_second.py"} <= {path.name for path in second}
    for path in second:
        text = path.read_text(encoding="utf-8")
        assert "first-one" not in text
        assert "first_one" not in text
    assert catalog.target("second").name == "second"


def test_a_house_target_is_copied_whole_without_what_was_compiled_or_learnt(tmp_path: Path) -> None:
    made = scaffold.create("pq-two", like="pq-l2", folder=tmp_path / "mine")
    home = catalog.folder("pq-l2")
    names = {path.relative_to(tmp_path / "mine" / "pq_two") for path in made}
    expected = {path.relative_to(home) for path in home.rglob("*") if path.is_file() and "__pycache__" not in str(path)}
    assert names == {path for path in expected if path.name not in {"results.tsv", "lessons.md"}}
    catalog.mount([tmp_path / "mine"])
    target = catalog.target("pq-two")
    assert (target.name, target.source) == ("pq-two", catalog.target("pq-l2").source)
    for path in made:
        assert "pq-l2" not in path.read_text(encoding="utf-8"), path
    case = target.battery(0)[0]
    assert case.data_key == catalog.target("pq-l2").battery(0)[0].data_key


def test_a_guest_is_copied_as_it_is(tmp_path: Path) -> None:
    catalog.mount([GUESTS])
    made = scaffold.create("axpy-two", like="axpy", folder=tmp_path)
    assert [path.name for path in made] == ["__init__.py", "portable.py"]
    assert made[0].read_text(encoding="utf-8").startswith('"""`axpy-two`: ')
    assert catalog.target("axpy-two").name == "axpy-two"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_kernel", "for example my-kernel"),
        ("My Kernel", "for example my-kernel"),
        ("-a", "is no name"),
        ("a--b", "is no name"),
        ("2d", "is no name"),
        ("..", "for example my-target"),
        ("a/b", "is no name"),
        ("", "is no name"),
        ("x" * 41, "at most 40"),
        ("lambda", "keyword of Python"),
        ("match", "keyword of Python"),
        ("json", "Python's own library"),
        ("all", "word of the command line"),
        ("numpy", "already"),
        ("pq-l2", "already"),
    ],
)
def test_unfit_names_are_refused_with_what_would_do(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(LarError, match=said):
        scaffold.create(name, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_keeps_every_line_within_its_limit(checkout: Path) -> None:
    name = "-".join(["longest"] * 5)
    assert len(name) == 39
    for path in scaffold.create(name):
        if path.suffix == ".py":
            assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 120, path


def test_nothing_is_overwritten(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "mine" / "taken").mkdir(parents=True)
    with pytest.raises(LarError, match="exists already"):
        scaffold.create("taken", folder=tmp_path / "mine")
    page = checkout / "docs" / "targets" / "fresh.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    with pytest.raises(LarError, match=r"fresh\.md exists already"):
        scaffold.create("fresh")
    assert page.read_text() == "mine"
    assert not (checkout / "targets" / "fresh").exists()


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, old: Name, new: Name) -> bytes:
        if path.name == "reference.py":
            raise OSError("No space left on device")
        return b""

    monkeypatch.setattr(naming, "renamed", full)
    with pytest.raises(LarError, match="No space left"):
        scaffold.create("half", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean pq-l2"):
        scaffold.create("mine", like="pql2", folder=tmp_path)


def test_without_a_checkout_a_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "portion", lambda folder: [])
    with pytest.raises(LarError, match="--targets DIR"):
        scaffold.create("homeless")


@pytest.mark.parametrize(
    ("old", "source", "expected"),
    [
        ("pq-l2", '"""`pq-l2` and pq-l2-u8."""', '"""`a-b` and pq-l2-u8."""'),
        ("pq-l2", "from lar.targets.pq_l2 import inputs", "from lar.targets.a_b import inputs"),
        ("pq-l2", "# python -m bench.peers.pq_l2, pq_l2_on_cpu", "# python -m bench.peers.pq_l2, pq_l2_on_cpu"),
        ("axpy", 'NAME = "axpy"', 'NAME = "a-b"'),
        ("axpy", "def axpy(x):\n    return axpy", "def a_b(x):\n    return a_b"),
        ("axpy", '"targets/axpy/x.py", "axpying"', '"targets/a_b/x.py", "axpying"'),
    ],
)
def test_a_name_is_replaced_where_it_stands_for_the_target(
    old: str, source: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert naming.renamed(path, Name(old), Name("a-b")).decode() == expected


def test_what_is_no_text_is_copied_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "table.bin"
    path.write_bytes(b"\xff\xfepq-l2\x00")
    assert naming.renamed(path, Name("pq-l2"), Name("other")) == b"\xff\xfepq-l2\x00"


def test_a_wheel_holds_the_template_and_makes_targets_of_it(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    code = "import pathlib, sys; from lar import scaffold; print(*scaffold.create('mine', folder=pathlib.Path('own')))"
    done = run(code, cwd=tmp_path, path=str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    assert {Path(word).name for word in done.stdout.split()} >= {"__init__.py", "program.md", "numpy.py"}
    done = run("from lar import scaffold; scaffold.create('mine')", cwd=tmp_path, path=str(tmp_path / "site"))
    assert "name a folder for targets of your own with --targets DIR" in done.stderr
