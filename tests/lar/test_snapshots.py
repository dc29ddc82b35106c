"""What a kernel's snapshot holds, how long it is, and the folder it runs from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import lar.targets
from lar import catalog, snapshots
from lar.errors import LarError
from lar.snapshots import Snapshot

GUESTS = Path(__file__).parents[1] / "guests"


@pytest.fixture(autouse=True)
def _mounted() -> Iterator[None]:
    before = list(lar.targets.__path__)
    catalog.mount([GUESTS])
    yield
    lar.targets.__path__[:] = before


def test_the_working_trees_kernel_is_the_candidate_by_default() -> None:
    found = snapshots.take("pq-l2", "numpy")
    path = catalog.folder("pq-l2") / "tuned" / "numpy.py"
    assert found.files == {"numpy.py": path.read_bytes()}
    assert found.hash == catalog.kernel_hash(path)
    assert found.name == "tuned/numpy"


def test_files_of_the_same_stem_belong_to_it() -> None:
    assert {"cupy.py", "cupy.cu"} <= set(snapshots.take("pq-l2", "cupy").files)


def test_a_candidate_of_another_name_is_taken_as_the_slots_file(tmp_path: Path) -> None:
    (tmp_path / "fast.py").write_text("x = 1\n")
    (tmp_path / "fast.cu").write_text("// nothing\n")
    (tmp_path / "other.py").write_text("y = 1\n")
    assert set(snapshots.take("axpy", "numpy", tmp_path / "fast.py").files) == {"numpy.py", "numpy.cu"}


def test_a_folder_is_looked_into_for_the_backends_file(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("x = 1\n")
    assert snapshots.take("axpy", "numpy", tmp_path).files == {"numpy.py": b"x = 1\n"}


@pytest.mark.parametrize("missing", ["nothing.py", "."])
def test_a_candidate_that_is_not_there_is_told(tmp_path: Path, missing: str) -> None:
    with pytest.raises(LarError, match=r"no such file. Expect a kernel file, or a folder with numpy\.py"):
        snapshots.take("axpy", "numpy", tmp_path / missing)


def test_a_target_without_a_tuned_kernel_says_where_to_write_one() -> None:
    with pytest.raises(LarError, match=r"axpy has no tuned/numpy\.py: write one"):
        snapshots.take("axpy", "numpy")


def test_a_kernel_larger_than_any_kernel_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "numpy.py").open("wb") as file:
        file.truncate(9 << 20)
    with pytest.raises(LarError, match="9 MiB, expected a kernel of at most 8 MiB"):
        snapshots.take("axpy", "numpy", tmp_path)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (b"", 0),
        (b'"""Docstring\nof two lines."""\n\n# a comment\nx = 1  # why\n', 1),
        (b"def f():\n    '''Say.'''\n    return (1,\n        2)\n", 3),
        (b'x = """a\nb"""\n', 2),
        (b"x = 1; y = 2\n", 1),
        (b"def broken(:\n\n    x\n", 2),
        (b"\xff\xfe\n\nx\n", 2),
    ],
)
def test_code_lines_are_those_with_code(source: bytes, lines: int) -> None:
    assert snapshots.code_lines("numpy.py", source) == lines


def test_lines_of_another_language_are_those_that_are_not_blank() -> None:
    assert snapshots.code_lines("cupy.cu", b"a\n\n  \nb\n") == 2


def test_a_kernel_runs_from_a_folder_named_by_content(tmp_path: Path) -> None:
    one, two = (Snapshot("tuned/numpy", {"numpy.py": text}) for text in (b"x = 1\n", b"x = 2\n"))
    first, second = (snapshots.lay_out(kernel, "axpy", tmp_path) for kernel in (one, two))
    assert first != second
    assert snapshots.lay_out(one, "axpy", tmp_path) == first
    path = snapshots.kernel_in(first, one, "axpy")
    assert path.read_bytes() == b"x = 1\n"
    assert os.stat(path).st_mtime == 0  # noqa: PTH116 - the same whenever it is written
    assert {part.name for part in (first / "axpy").iterdir()} == {"__init__.py", "portable.py", "tuned"}


def test_a_portable_kernel_stands_where_the_targets_does(tmp_path: Path) -> None:
    kernel = Snapshot("portable", {"portable.py": b"x = 3\n"})
    mounted = snapshots.lay_out(kernel, "axpy", tmp_path)
    assert snapshots.kernel_in(mounted, kernel, "axpy").read_bytes() == b"x = 3\n"


def test_frozen_is_all_but_tuned_kernels_and_what_is_written_by_the_way() -> None:
    found = snapshots.frozen("pq-l2")
    assert {"__init__.py", "inputs.py", "reference.py", "portable.py", "program.md"} <= set(found)
    assert {"lar/gate.py", "lar/oracle.py", "lar/ops/bits.py", "lar/backends/numpy.py"} <= set(found)
    assert not [name for name in found if name.startswith("tuned") or name.endswith((".tsv", "lessons.md", ".pyc"))]
