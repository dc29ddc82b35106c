"""A journal is brought up to date whole or not at all, and a newer one is left alone."""

import sqlite3
from pathlib import Path

import pytest

from lar.errors import LarError, StoreError
from lar.journal import Journal
from lar.journal.schema import MIGRATIONS

SLOT = "pq-l2/numpy/cpu"
NEXT = (*MIGRATIONS, ("ALTER TABLE entry ADD COLUMN colour TEXT", "CREATE VIEW frozen AS SELECT seq FROM entry"))


def test_an_older_journal_is_brought_up_to_date_and_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path) as journal:
        trial = journal.begin(SLOT, {"target": "pq-l2"})
        head = journal.head()
    with Journal(path, NEXT) as journal:
        assert journal.verify(head) == []
        journal.end(trial, {"decision": "keep"})
        assert [row.decision for row in journal.trials()] == ["keep"]
        assert journal.verify(head) == []
        assert journal._connection.execute("SELECT count(*) FROM frozen").fetchone() == (2,)
    with Journal(path, NEXT) as journal:
        assert journal.verify(head) == []
    with Journal(tmp_path / "new.sqlite3", NEXT) as journal:
        assert journal.verify() == []


def test_a_newer_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal(path, NEXT):
        pass
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"made by a newer lar \(version 2 of the journal, this one knows 1\)"):
        Journal.open(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with Journal.open(path) as journal:
        journal.note(SLOT, "frozen", {})
    broken = (*NEXT, ("CREATE TABLE third (x)", "NOT SQL"))
    with pytest.raises(sqlite3.OperationalError, match="NOT"):
        Journal(path, broken)
    with Journal.open(path) as journal:
        assert journal.verify() == []
    with pytest.raises(sqlite3.OperationalError, match="NOT"):
        Journal(tmp_path / "new.sqlite3", broken)
    with Journal.open(tmp_path / "new.sqlite3") as journal:
        assert journal.verify() == [], "no half schema: the file was still empty"


def test_who_has_a_journal_open_while_it_is_brought_up_to_date_writes_no_more(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.sqlite3") as journal:
        journal.note(SLOT, "frozen", {})
        with Journal(journal.path, NEXT) as newer:
            newer.note(SLOT, "frozen", {})
            with pytest.raises(LarError, match="a newer lar has taken the journal over"):
                journal.note(SLOT, "frozen", {})
            assert newer.verify() == []
