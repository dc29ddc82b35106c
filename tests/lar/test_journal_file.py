"""The journal's file: where it is, whose, which version; one line for everything that keeps it from being used."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lar.errors import BusyError, StoreError
from lar.journal import Journal, connection, default_path
from lar.journal.schema import MIGRATIONS

SLOT = "pq-l2/numpy/cpu"


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAR_STORE", str(tmp_path / "mine.sqlite3"))
    assert default_path() == tmp_path / "mine.sqlite3"
    with Journal.open() as journal:
        assert journal.path == tmp_path / "mine.sqlite3"
    monkeypatch.delenv("LAR_STORE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_path() == tmp_path / "data" / "lar" / "journal.sqlite3"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_path() == tmp_path / ".local" / "share" / "lar" / "journal.sqlite3"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_path() == tmp_path / ".local" / "share" / "lar" / "journal.sqlite3"


def test_a_user_without_a_home_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    for name in ("LAR_STORE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(StoreError, match="--store or LAR_STORE"):
        Journal.open()


def test_it_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Journal.open(tmp_path / "lar" / "journal.sqlite3") as journal:
            journal.note(SLOT, "frozen", {})
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "lar").iterdir()}
    finally:
        os.umask(before)
    assert modes == {"journal.sqlite3": 0o600, "journal.sqlite3-wal": 0o600, "journal.sqlite3-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "lar").stat().st_mode) == 0o700


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal.open(Path("journal.sqlite3")) as journal:
        monkeypatch.chdir("/")
        assert journal.path == tmp_path / "journal.sqlite3"


def test_it_is_marked_and_on_the_disk_when_a_verb_returns(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.sqlite3") as journal:
        ask = journal._connection.execute
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA synchronous").fetchone() == (2,), "FULL"
        assert ask("PRAGMA application_id").fetchone() == (0x6C61724A,)
        assert ask("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert journal.path.read_bytes()[68:72] == b"larJ"


# ---- what cannot be used ---------------------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE bookmark (url)")
    db.close()


def other_application(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 1234")
    db.close()


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda path: path.write_text("# Notes\n" * 200), "not a journal of lar"),
        (lambda path: path.write_bytes(b"\0" * 5000), "not a journal of lar"),
        (foreign, "of another program"),
        (other_application, "of another program"),
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "no regular file"),
        (lambda path: path.symlink_to(path.parent / "nowhere" / "x"), "no regular file"),
    ],
    ids=["text", "zeros", "foreign", "application", "folder", "pipe", "dangling link"],
)
def test_what_is_not_a_journal_is_refused_in_one_line_and_left_alone(tmp_path: Path, make: object, wanted: str) -> None:
    path = tmp_path / "journal.sqlite3"
    make(path)  # type: ignore[operator] # a parametrized function
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError, match=wanted) as caught:
        Journal.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 64
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        Journal.open(tmp_path / "file" / "journal.sqlite3")


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").touch()
    with Journal.open(tmp_path / "journal.sqlite3") as journal:
        assert journal.note(SLOT, "frozen", {}) == 1


def test_a_damaged_journal_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path) as journal:
        for _ in range(20):
            journal.note(SLOT, "frozen", {"text": "x" * 1000})
    raw = path.read_bytes()
    path.write_bytes(raw[:4096] + b"\xa5" * (len(raw) - 4096))
    with pytest.raises(StoreError, match="damaged"), Journal.open(path) as journal:
        journal.note(SLOT, "frozen", {})


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_what_may_not_be_written_to_is_told(folder: Path, locked: str) -> None:
    path = folder / "lar" / "journal.sqlite3"
    with Journal.open(path) as journal:
        head = journal.head()
    root = os.geteuid() == 0  # who may write everywhere, and so becomes nobody for a moment
    if root:
        for one in (path.parent, path):
            os.chown(one, 65534, 65534)
    path.chmod(0o400 if locked == "file" else 0o600)
    path.parent.chmod(0o500 if locked == "folder" else 0o700)
    try:
        if root:
            os.setegid(65534)
            os.seteuid(65534)
        with pytest.raises(StoreError, match="must be writable"):
            Journal.open(path)
        if locked == "folder":
            with pytest.raises(StoreError, match="Permission denied"):
                Journal.open(path.parent / "new" / "journal.sqlite3")
            with pytest.raises(StoreError, match="Permission denied"):
                Journal.open(path.parent / "new.sqlite3")
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)
        path.parent.chmod(0o700)
        path.chmod(0o600)
    with Journal.open(path) as journal:
        assert journal.head() == head


def test_a_full_disk_loses_nothing_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.sqlite3") as journal:
        trial = journal.begin(SLOT, {"target": "pq-l2"})
        pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        head = journal.head()
        for verb in (
            lambda: journal.put(os.urandom(100_000)),
            lambda: journal.begin(SLOT, {"target": "x" * 100_000}),
            lambda: journal.end(trial, {"decision": "keep", "reason": "x" * 100_000}),
            lambda: journal.crown(SLOT, "baseline", {"reason": "x" * 100_000}),
        ):
            with pytest.raises(StoreError, match="no room left on the disk") as caught:
                verb()
            assert "\n" not in str(caught.value)
        assert journal.head() == head
        assert journal.verify() == []
        journal._connection.execute("PRAGMA max_page_count = 1000000")
        journal.end(trial, {"decision": "keep"})
        assert journal.verify(head) == []


def test_a_file_that_may_not_grow_is_told(tmp_path: Path) -> None:
    """The write itself fails, as on a real full disk, not SQLite's own count of pages."""
    code = """
import resource, sys
from pathlib import Path
from lar.errors import StoreError
from lar.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal:
    trial = journal.begin("s", {"target": "pq-l2"})
    head = journal.head()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        journal.begin("s", {"target": "x" * 1_000_000})
    except StoreError as error:
        print(error)
    assert journal.head() == head and journal.verify() == []
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.end(trial, {"decision": "keep"})
"""
    path = tmp_path / "journal.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count("\n") == 1
    assert str(path) in done.stdout
    with Journal.open(path) as journal:
        assert journal.verify() == []
        assert [row.decision for row in journal.trials()] == ["keep"]


def test_a_writer_that_does_not_end_is_told_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.05)
    with Journal.open(tmp_path / "journal.sqlite3") as journal, sqlite3.connect(journal.path) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="others have been writing") as caught:
            journal.note(SLOT, "frozen", {})
        assert caught.value.exit_code == 8
        assert journal.head() == "", "readers do not wait for writers"
        other.execute("ROLLBACK")
        journal.note(SLOT, "frozen", {})


def test_who_opens_it_while_another_process_makes_it_waits(tmp_path: Path) -> None:
    """SQLite's own waiting does not cover the change to a write-ahead log: it fails at once."""
    path = tmp_path / "journal.sqlite3"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    later.start()
    with Journal.open(path) as journal:
        later.join()
        other.close()
        assert journal.note(SLOT, "frozen", {}) == 1
