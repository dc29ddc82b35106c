"""The locks' files: usable by every user, whatever the umask, and whatever another has put in a shared folder."""

import fcntl
import json
import os
import re
import stat
from pathlib import Path

import pytest

from lar import locks
from lar.errors import StoreError
from lar.locks import files, holding


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests' devices apart from the machine's own."""
    monkeypatch.setenv("LAR_LOCKS", str(tmp_path / "machine"))
    return tmp_path / "machine"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def test_a_file_that_was_cleared_away_is_no_lock_any_more(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, somebody removes the file: whoever comes next locks another one."""
    path = store.with_name("journal.sqlite3.locks") / files.file_name("a slot")
    real = files.open_file
    opened = []

    def open_and_lose(*arguments: object, **keywords: bool) -> int:
        descriptor = real(path, everybody=keywords["everybody"])
        opened.append(descriptor)
        if len(opened) == 1:
            path.unlink()
        return descriptor

    monkeypatch.setattr(holding, "open_file", open_and_lose)
    with locks.slot_lock(store, "a slot"):
        assert len(opened) == 2
        with path.open() as found, pytest.raises(BlockingIOError):
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_every_user_can_use_the_machines_locks_whatever_the_umask(machine: Path) -> None:
    before = os.umask(0o077)
    try:
        with locks.device_lock("cpu", 0):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(machine.stat().st_mode) == 0o1777
    assert [stat.S_IMODE(path.stat().st_mode) for path in machine.iterdir()] == [0o666]


def test_a_journals_locks_are_its_owners_alone(store: Path) -> None:
    with locks.slot_lock(store, "a slot"):
        folder = store.with_name("journal.sqlite3.locks")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two users")
def test_another_users_file_can_be_locked(machine: Path, tmp_path: Path) -> None:
    with locks.device_lock("cpu", 0):
        pass
    (path,) = machine.iterdir()
    os.chown(path, 65534, 65534)
    with locks.device_lock("cpu", 0):
        assert json.loads(path.read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("trap", ["symlink", "dangling", "hardlink", "pipe", "folder"])
def test_what_another_user_has_put_in_the_way_is_refused_and_not_written_to(
    machine: Path, tmp_path: Path, trap: str
) -> None:
    machine.mkdir()
    path = machine / files.file_name("cpu")
    precious = tmp_path / "precious"
    precious.write_text("mine")
    match trap:
        case "symlink":
            path.symlink_to(precious)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "hardlink":
            path.hardlink_to(precious)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
    with pytest.raises(StoreError, match=re.escape(str(path))) as caught, locks.device_lock("cpu", 0):
        pytest.fail("locked")
    assert "\n" not in str(caught.value)
    assert precious.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("trap", ["symlink", "file"])
def test_the_folder_itself_is_a_folder(machine: Path, tmp_path: Path, trap: str) -> None:
    if trap == "file":
        machine.touch()
    else:
        machine.symlink_to(tmp_path)
    with pytest.raises(StoreError, match="is not a folder"), locks.device_lock("cpu", 0):
        pytest.fail("locked")


def test_without_a_setting_the_whole_machine_meets_in_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAR_LOCKS")
    monkeypatch.setenv("TMPDIR", "/somewhere/of/my/own")
    assert files.machine_folder() == Path("/tmp/lar-locks")
    assert stat.S_IMODE(Path("/tmp/lar-locks").stat().st_mode) == 0o1777


def test_names_that_no_file_could_have(store: Path) -> None:
    for slot in ("a/b", "..", "x" * 500, "\udcff", "ü", "nul\x00"):
        with locks.slot_lock(store, slot):
            pass
    assert len(list(store.with_name("journal.sqlite3.locks").iterdir())) == 6
