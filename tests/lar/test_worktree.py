"""What is asked of git: the committed kernel, a clean tree, one commit a trial, the file put back."""

import subprocess
from pathlib import Path

import pytest

from lar import worktree
from lar.errors import LarError
from lar.worktree import WorkTree


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A target's folder in a work tree with one commit."""
    home = tmp_path / "targets" / "axpy"
    (home / "tuned").mkdir(parents=True)
    (home / "tuned" / "numpy.py").write_text("x = 1\n")
    (home / "tuned" / "jax.py").write_text("x = 1\n")
    (home / "portable.py").write_text("x = 0\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.email", "a@b.c")
    git(tmp_path, "config", "user.name", "A")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return home


def test_the_committed_kernel_is_that_of_the_last_commit(home: Path) -> None:
    (home / "tuned" / "numpy.py").write_text("x = 2\n")
    assert worktree.committed(home / "tuned", "numpy") == {"numpy.py": b"x = 1\n"}
    assert worktree.committed(home / "tuned", "cupy") is None


def test_where_there_is_no_git_there_is_no_committed_kernel(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("x = 1\n")
    assert worktree.committed(tmp_path, "numpy") is None
    with pytest.raises(LarError, match="need git"):
        WorkTree(tmp_path, "numpy")


def test_the_mutable_files_and_the_results_may_be_dirty(home: Path) -> None:
    (home / "tuned" / "numpy.py").write_text("x = 2\n")
    (home / "tuned" / "numpy.cu").write_text("new\n")
    (home / "results.tsv").write_text("row\n")
    WorkTree(home, "numpy").refuse_if_dirty()


@pytest.mark.parametrize("other", ["portable.py", "tuned/jax.py", "tuned/new.py", "../../a name with blanks"])
def test_any_other_change_is_refused_by_name(home: Path, other: str) -> None:
    (home / other).write_text("x = 3\n")
    with pytest.raises(LarError, match=Path(other).name):
        WorkTree(home, "numpy").refuse_if_dirty()


def test_a_renamed_file_is_a_change_too(home: Path) -> None:
    git(home, "mv", "portable.py", "moved.py")
    with pytest.raises(LarError, match=r"moved\.py"):
        WorkTree(home, "numpy").refuse_if_dirty()


def test_a_kept_trial_is_one_commit_with_kernel_and_row(home: Path) -> None:
    (home / "tuned" / "numpy.py").write_text("x = 2\n")
    (home / "tuned" / "numpy.cu").write_text("new\n")
    (home / "results.tsv").write_text("row\n")
    commit = WorkTree(home, "numpy").commit("one line", kernel=True)
    assert git(home, "log", "--format=%h %s", "-1").strip() == f"{commit} one line"
    assert sorted(git(home, "show", "--name-only", "--format=", "HEAD").split()) == [
        "targets/axpy/results.tsv",
        "targets/axpy/tuned/numpy.cu",
        "targets/axpy/tuned/numpy.py",
    ]
    assert git(home, "status", "--porcelain") == ""


def test_a_trial_not_kept_commits_its_row_alone_and_the_kernel_is_put_back(home: Path) -> None:
    tree = WorkTree(home, "numpy")
    (home / "tuned" / "numpy.py").write_text("x = 2\n")
    (home / "tuned" / "numpy.cu").write_text("new\n")
    git(home, "add", "-A")
    (home / "results.tsv").write_text("row\n")
    tree.revert()
    tree.commit("not kept", kernel=False)
    assert git(home, "show", "--name-only", "--format=", "HEAD").split() == ["targets/axpy/results.tsv"]
    assert (home / "tuned" / "numpy.py").read_text() == "x = 1\n"
    assert not (home / "tuned" / "numpy.cu").exists()
    assert git(home, "status", "--porcelain") == ""


def test_a_removed_companion_comes_back_and_leaves_with_a_commit(home: Path) -> None:
    tree = WorkTree(home, "numpy")
    (home / "tuned" / "numpy.cu").write_text("old\n")
    (home / "results.tsv").write_text("row\n")
    tree.commit("with companion", kernel=True)
    (home / "tuned" / "numpy.cu").unlink()
    tree.revert()
    assert (home / "tuned" / "numpy.cu").read_text() == "old\n"
    (home / "tuned" / "numpy.cu").unlink()
    (home / "results.tsv").write_text("row\nrow\n")
    tree.commit("without companion", kernel=True)
    assert git(home, "ls-files", "tuned").split() == ["tuned/jax.py", "tuned/numpy.py"]


def test_what_git_complains_of_is_told_in_one_line(home: Path) -> None:
    (home / "results.tsv").write_text("row\n")
    (home.parents[1] / ".git" / "index.lock").write_text("")
    with pytest.raises(LarError, match=r"git add: .*index\.lock"):
        WorkTree(home, "numpy").commit("one line", kernel=False)
