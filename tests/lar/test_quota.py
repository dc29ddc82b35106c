"""A folder is counted and removed whatever was made of it."""

import os
import sys
from pathlib import Path

import pytest

from lar import quota

LIMIT = 64 << 20


def test_files_and_folders_count_by_what_they_take_up(tmp_path: Path) -> None:
    assert quota.used(tmp_path, LIMIT) == 0
    assert quota.used(tmp_path / "missing", LIMIT) == 0
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(bytes(1 << 20))
    (tmp_path / "empty").touch()
    found = quota.used(tmp_path, LIMIT)
    assert 1 << 20 <= found <= (1 << 20) + 5 * 4096
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert quota.used(tmp_path, LIMIT) <= found + 2 * 4096


def test_a_link_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr")
    assert quota.used(tmp_path, LIMIT) <= 2 * 4096


def test_counting_ends_above_the_limit(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert 10 * 4096 < quota.used(tmp_path, 10 * 4096) <= 12 * 4096


@pytest.mark.skipif(sys.platform == "win32", reason="paths there are too short for it")
def test_a_tree_too_deep_for_recursion_is_too_large_and_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(3_000):  # deeper than Python's stack, longer than a path may be
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert quota.used(root, LIMIT) > LIMIT
    quota.remove(root)
    assert not root.exists()


def test_a_folder_is_emptied_only_above_the_limit(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(bytes(1 << 20))
    quota.empty_if_over(folder, 2 << 20)
    assert (folder / "file").exists()
    quota.empty_if_over(folder, 1 << 19)
    assert folder.is_dir()
    assert not list(folder.iterdir())
