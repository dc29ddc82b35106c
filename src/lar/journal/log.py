"""The append-only log under the journal: entries in a chain, contents by their hash, and what holds for every write.

Every verb that writes is one transaction, and returns once it is on the disk.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lar.errors import StoreError
from lar.journal.connection import connect, told, transaction
from lar.journal.encoding import canonical, digest, link, pack, unpack
from lar.journal.rows import Entry, entry_of
from lar.journal.schema import MIGRATIONS, Migration
from lar.journal.verification import problems

Facts = Mapping[str, Any]
"""What an entry says; see `lar.journal.encoding.canonical` for what can be written. In entries about trials and
champions, ``files`` and ``samples`` map names to what `Log.put` returned, which must be there."""

_OWN_KINDS = frozenset({"trial", "ending", "interrupted", "champion"})
_ENTRY = "seq, at, kind, slot, trial, body, previous, hash"


class Log:
    """An open log of entries and contents; a context manager.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self.path = path.absolute()
        self._migrations = migrations
        self._pid = os.getpid()
        self._connection = connect(self.path, migrations)

    def close(self) -> None:
        """Close it; twice is no error."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ---- contents --------------------------------------------------------------------------------------------------

    def put(self, content: bytes) -> str:
        """Keep a content (a kernel's source, raw samples) and return its name: its SHA-256. Twice is once."""
        name = digest(content)
        with self._reading() as db:
            if db.execute("SELECT 1 FROM blob WHERE hash = ?", (name,)).fetchone():
                return name
        packed = pack(content)
        with self._writing():
            row = (name, len(content), packed)
            self._connection.execute("INSERT INTO blob (hash, size, bytes) VALUES (?, ?, ?)", row)
        return name

    def get(self, digest: str) -> bytes:
        """Return a content by its name.

        Raises
        ------
        StoreError
            If it is not there, or damaged.
        """
        with self._reading() as db:
            row = db.execute("SELECT size, bytes FROM blob WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path}: has no content {digest}")
        try:
            return unpack(row[1], row[0], digest)
        except ValueError:
            raise StoreError(f"{self.path}: the content {digest} is damaged") from None

    # ---- entries ---------------------------------------------------------------------------------------------------

    def note(self, slot: str, kind: str, facts: Facts) -> int:
        """Write an entry of another kind, such as ``frozen``, and return its number."""
        if kind in _OWN_KINDS:
            raise ValueError(f"entries of the kind {kind} have a verb of their own")
        with self._writing():
            return self._append(kind, slot, facts, None)[0]

    def latest(self, slot: str, kind: str) -> Entry | None:
        """Return the last entry of a kind in a slot; None if there is none."""
        query = f"SELECT {_ENTRY} FROM entry WHERE slot = ? AND kind = ? ORDER BY seq DESC LIMIT 1"  # noqa: S608 - constant
        with self._reading() as db:
            row = db.execute(query, (slot, kind)).fetchone()
        return entry_of(row) if row else None

    def verify(self, known: str | None = None) -> list[str]:
        """Return what is wrong with the journal, one line each; nothing if it is whole.

        Parameters
        ----------
        known : str or None
            The hash of an entry as it was noted elsewhere; that entry must still be there.
        """
        with self._reading() as db:
            return list(problems(db, self._migrations, known))

    def head(self) -> str:
        """Return the hash of the last entry; empty if there is none."""
        with self._reading():
            return str(self._value("SELECT coalesce((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), '')"))

    # ---- how -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if os.getpid() != self._pid:  # SQLite: a connection must not be carried across a fork
            raise RuntimeError("this journal was opened by the parent process: open another one")
        with told(self.path):
            yield self._connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading() as db, transaction(db):
            if self._value("PRAGMA user_version") != len(self._migrations):
                raise StoreError(f"{self.path}: a newer lar has taken the journal over meanwhile: start again with it")
            yield

    def _append(self, kind: str, slot: str, facts: Facts, trial: int | None) -> tuple[int, str]:
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        body = canonical(facts)
        last = self._connection.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (last[0] + 1, last[1]) if last else (1, "")
        name = link(seq, at, kind, slot, trial, body, previous)
        row = (seq, at, kind, slot, trial, body, previous, name)
        self._connection.execute(f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - constant
        return seq, name

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]
