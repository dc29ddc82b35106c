"""What was changed by hand is found, and the shell of SQLite itself cannot change anything by oversight."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lar.errors import StoreError
from lar.journal import Journal
from lar.journal.encoding import link

SLOT = "pq-l2/numpy/cpu"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite3") as opened:
        for number in range(3):
            files = {"numpy.py": opened.put(b"kernel %d " % number * 50)}
            trial = opened.begin(SLOT, {"target": "pq-l2", "files": files})
            opened.end(trial, {"decision": "keep", "reason": "faster"})
        opened.crown(SLOT, "keep", {"trial": trial})
        yield opened


def tamper(journal: Journal, *statements: str) -> None:
    """Change the file past its triggers, and put them back, as somebody who knows the file would."""
    with sqlite3.connect(journal.path, isolation_level=None) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)


def test_a_journal_as_it_was_written_is_whole(journal: Journal) -> None:
    assert journal.verify() == []
    assert journal.verify(known=journal.head()) == []


@pytest.mark.parametrize("table", ["entry", "blob"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET hash = 'x'", "DELETE FROM {}", "UPDATE {} SET rowid = rowid + 9"])
def test_nothing_is_changed_or_deleted(journal: Journal, table: str, statement: str) -> None:
    with sqlite3.connect(journal.path) as db, pytest.raises(sqlite3.IntegrityError, match="is never"):
        db.execute(statement.format(table))


ENTRY = "(seq, at, kind, slot, trial, body, previous, hash)"


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
@pytest.mark.parametrize("seq", ["7", "3", "9", "NULL"])
def test_no_entry_is_replaced_or_put_out_of_order(journal: Journal, verb: str, seq: str) -> None:
    head = journal.head()
    row = f"({seq}, 'now', 'frozen', 's', NULL, '{{}}', '{head[::-1]}', '{'0' * 64}')"
    with sqlite3.connect(journal.path) as db, pytest.raises(sqlite3.IntegrityError, match="appended after the last"):
        db.execute(f"{verb} INTO entry {ENTRY} VALUES {row}")
    assert journal.verify(head) == []


def test_no_content_is_replaced(journal: Journal) -> None:
    with sqlite3.connect(journal.path) as db:
        (name,) = db.execute("SELECT hash FROM blob WHERE rowid = 1").fetchone()
        db.execute("INSERT OR REPLACE INTO blob VALUES (?, 1, x'00')", (name,))
    assert journal.get(name) == b"kernel 0 " * 50
    assert journal.verify() == []


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE entry SET body = json_set(body, '$.reason', 'cheaper') WHERE seq = 4", "entry 4: its body"),
        ("UPDATE entry SET trial = 1 WHERE seq = 7", "entry 7: its body or another column"),
        ("UPDATE entry SET at = '2020-01-01' WHERE seq = 2", "entry 2: its body or another column"),
        ("UPDATE entry SET slot = 'mine' WHERE seq = 7", "entry 7: its body or another column"),
        ("UPDATE entry SET body = CAST(x'7b2261223a22ff227d' AS TEXT) WHERE seq = 5", "entry 5: its body"),
        ("DELETE FROM entry WHERE seq = 5", "entry 5 is missing"),
        ("DELETE FROM entry WHERE seq IN (2, 3)", "entries 2 to 3 are missing"),
        ("DELETE FROM entry WHERE seq = 1", "entry 1 is missing"),
        ("DELETE FROM blob WHERE rowid = 2", "entry 3: the content of numpy.py is missing"),
        ("UPDATE blob SET bytes = x'00' WHERE rowid = 1", "its content was changed"),
        ("UPDATE blob SET bytes = zeroblob(450) WHERE rowid = 1", "its content was changed"),
        ("DROP TRIGGER entry_is_never_changed", "trigger entry_is_never_changed: is missing"),
        ("CREATE TABLE mine (x)", "table mine: was added"),
    ],
)
def test_what_was_tampered_with_is_named(journal: Journal, statement: str, wanted: str) -> None:
    if statement.startswith("DROP"):
        with sqlite3.connect(journal.path) as db:
            db.execute(statement)
    else:
        tamper(journal, statement)
    found = journal.verify()
    assert any(wanted in line for line in found), found


def test_an_entry_with_a_right_hash_in_the_wrong_place_is_found(journal: Journal) -> None:
    with sqlite3.connect(journal.path) as db:
        seq, at, kind, slot, trial, body, previous = db.execute(
            "SELECT seq, at, kind, slot, trial, body, previous FROM entry WHERE seq = 4"
        ).fetchone()
    forged = body.replace("faster", "cheaper")
    name = link(seq, at, kind, slot, trial, forged, previous)
    tamper(journal, f"UPDATE entry SET body = '{forged}', hash = '{name}' WHERE seq = 4")
    assert journal.verify() == ["entry 5: does not follow entry 4: one of them was exchanged"]


def test_a_journal_that_was_cut_off_is_found_by_a_hash_noted_elsewhere(journal: Journal) -> None:
    known = journal.head()
    journal.note(SLOT, "frozen", {})
    tamper(journal, "DELETE FROM entry WHERE seq = 8")
    assert journal.verify(known) == []
    tamper(journal, "DELETE FROM entry WHERE seq = 7")
    assert journal.verify() == []
    assert journal.verify(known) == [
        f"the entry with the hash {known} is not there: the journal was cut off or written anew after it"
    ]


def test_a_damaged_content_is_never_handed_out(journal: Journal) -> None:
    with sqlite3.connect(journal.path) as db:
        (name,) = db.execute("SELECT hash FROM blob LIMIT 1").fetchone()
    tamper(journal, f"UPDATE blob SET bytes = zeroblob(450) WHERE hash = '{name}'")
    with pytest.raises(StoreError, match="is damaged"):
        journal.get(name)


def test_damage_to_the_pages_is_found(journal: Journal) -> None:
    for _ in range(200):
        journal.note(SLOT, "frozen", {"text": "x" * 500})
    journal.close()
    raw = bytearray(journal.path.read_bytes())
    for page in range(len(raw) // 4096 // 2, len(raw) // 4096):
        raw[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    journal.path.write_bytes(raw)
    with Journal.open(journal.path) as opened:
        assert any("the file is damaged" in line for line in opened.verify())
