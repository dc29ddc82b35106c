"""A worker is given what it needs, and what is private is left out."""

import sys
from pathlib import Path

import pytest

from lar.walls import paths

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


def test_what_is_private_is_left_out_of_a_folder_that_is_given(tmp_path: Path) -> None:
    for name in ("a/b/private", "a/b/public", "a/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    private = tmp_path / "a" / "b" / "private"
    read, look = paths.without([str(tmp_path), "/usr"], [private])
    assert set(read) == {str(tmp_path / name) for name in ("a/b/public", "a/c", "d")} | {"/usr"}
    assert set(look) == {str(tmp_path / name) for name in (".", "a", "a/b")}
    (tmp_path / "link").symlink_to(tmp_path / "a")
    read, _ = paths.without([str(tmp_path)], [tmp_path / "link" / "b" / "private"])
    assert not [one for one in read if private.is_relative_to(Path(one).resolve())]
    assert paths.without([str(private)], [private]) == ([str(private)], [])  # what is asked for by name is given


def test_what_others_cannot_reach_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    module, note = folder / "module.py", folder / "note.txt"
    for path in (module, note):
        path.write_text("")
    note.chmod(0o600)  # their own business
    assert paths.closed_to_others([str(folder), str(tmp_path / "missing")]) is None
    module.chmod(0o600)
    assert paths.closed_to_others([str(folder)]) == str(module)
    folder.chmod(0o750)
    assert paths.closed_to_others([str(folder)]) == str(folder)
    tmp_path.chmod(0o711)
    above = paths.closed_above([str(tmp_path / "missing")])
    assert above is None or tmp_path.is_relative_to(above)
    tmp_path.chmod(0o700)
    assert paths.closed_above([str(folder)]) in {above, str(tmp_path)} - {None}


def test_a_kernels_files_are_those_of_its_stem(tmp_path: Path) -> None:
    for name in ("cupy.py", "cupy.cu", "numpy.py", "secret.txt"):
        (tmp_path / name).write_text("")
    assert [Path(one).name for one in paths.kernel_files(tmp_path / "cupy.py")] == ["cupy.cu", "cupy.py"]
