"""The cache never misleads: whole files only, and no home, no rights or damage are the same as nothing there."""

import threading
from pathlib import Path

import pytest

from lar import cache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_saved_is_loaded(home: Path) -> None:
    assert cache.load("a/b.json") is None
    assert cache.save("a/b.json", {"x": [1, 2.5, None]})
    assert cache.load("a/b.json") == {"x": [1, 2.5, None]}
    assert [path.name for path in (home / "a").iterdir()] == ["b.json"], "no part is left over"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"x": 1', b"\xff\xfe", b"\0" * 100])
def test_a_damaged_file_counts_as_missing(home: Path, damage: bytes) -> None:
    cache.save("b.json", {"x": 1})
    (home / "b.json").write_bytes(damage)
    assert cache.load("b.json") is None


def test_a_folder_that_cannot_be_written_is_no_error(home: Path) -> None:
    home.write_text("a file where the folder should be")
    assert not cache.save("b.json", 1)
    assert cache.load("b.json") is None


def test_a_save_that_fails_leaves_nothing(home: Path) -> None:
    (home / "b.json").mkdir(parents=True)  # cannot be replaced by a file
    assert not cache.save("b.json", 1)
    assert [path.name for path in home.iterdir()] == ["b.json"]


def test_a_reader_never_sees_half_a_file(home: Path) -> None:
    values = [{"n": n, "text": "x" * 100_000} for n in range(2)]
    cache.save("b.json", values[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for value in values:
                cache.save("b.json", value)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        assert all(cache.load("b.json") in values for _ in range(100))
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_where_the_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAR_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "lar"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.folder() == tmp_path / ".cache" / "lar"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == tmp_path / ".cache" / "lar"


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("LAR_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert cache.folder() is None
    assert not cache.save("b.json", 1)
    assert cache.load("b.json") is None
