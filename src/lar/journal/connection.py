"""Opening the journal's file: made for its owner alone, brought up to date, never mistaken for another program's.

Whoever may be killed at any moment must not leave half a journal: the file is empty, or its schema is whole, because
schema, version and mark are written in one transaction. SQLite's locks live in its file descriptors, and closing any
other descriptor of the same file within the process would drop them; so nothing here opens the file but SQLite, save
for the moment in which it is made.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lar.errors import BusyError, StoreError
from lar.journal.schema import APPLICATION_ID, Migration

PATIENCE_S = 30.0
"""How long a writer waits for the others, in seconds; each of them takes milliseconds."""

_OLDEST_SQLITE = (3, 38, 0)  # STRICT tables, and JSON functions in every build
_OPENING = threading.Lock()
_STORIES = {
    sqlite3.SQLITE_FULL: "there is no room left on the disk",
    sqlite3.SQLITE_READONLY: "it may not be written to",
    sqlite3.SQLITE_PERM: "it may not be written to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened, or its folder not written to",
    sqlite3.SQLITE_NOTADB: "the file is not a journal of lar",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy, or save what is left with `sqlite3 FILE .recover`",
    sqlite3.SQLITE_IOERR: "reading or writing failed",
    sqlite3.SQLITE_NOLFS: "the file system cannot hold a file so large",
    sqlite3.SQLITE_TOOBIG: "more than the 1 GB that one content may have",
    sqlite3.SQLITE_PROTOCOL: "the file system does not lock files as SQLite needs it; a network folder?",
}


def default_path() -> Path:
    """Return where the journal is: ``$LAR_STORE``, else ``lar/journal.sqlite3`` in the user's data folder.

    That folder is ``$XDG_DATA_HOME``, else ``~/.local/share``.

    Raises
    ------
    StoreError
        For a user without a home.
    """
    if own := os.environ.get("LAR_STORE"):
        return Path(own)
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not shared.is_absolute():  # the XDG specification: a relative path is to be ignored
        try:
            shared = Path.home() / ".local" / "share"
        except RuntimeError:
            raise StoreError("no home folder to keep the journal in: name a file with --store or LAR_STORE") from None
    return shared / "lar" / "journal.sqlite3"


def connect(path: Path, migrations: Sequence[Migration]) -> sqlite3.Connection:
    """Open a journal, make it where there is none, and bring it to the version of the last migration.

    Raises
    ------
    BusyError
        If others keep writing for longer than `PATIENCE_S`.
    StoreError
        If the file is another program's, damaged, made by a newer lar, or cannot be used.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        wanted = ".".join(map(str, _OLDEST_SQLITE))
        raise StoreError(f"the journal needs SQLite {wanted}; this Python has {sqlite3.sqlite_version}")
    with _OPENING, told(path):
        _make(path)
        connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, cached_statements=64)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # damage is read, and told
            version = _version_now(connection, path, len(migrations))
            _write_ahead(connection, path)
            if version < len(migrations):
                _migrate(connection, path, migrations)
            # FULL: what has been reported stays, also when the power fails; with a write-ahead log, one sync an entry.
            for pragma in ("synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do everything within, or nothing; the only writer from the first statement on."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say of a journal into one line for a person."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise  # a misuse of the module: a defect
        if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise BusyError(f"{path}: others have been writing to the journal for {PATIENCE_S:.0f} s") from error
        if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
            raise StoreError(f"{path}: {error}") from error
        if (story := _STORIES.get(code & 0xFF)) is None:
            raise
        raise StoreError(f"{path}: {story} ({error.sqlite_errorname})") from error
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite's would be 0644
    if path.is_dir():
        raise StoreError(f"{path}: is a folder; the journal is a file")
    if not path.is_file():
        raise StoreError(f"{path}: is no regular file")
    asked = {"effective_ids": os.access in os.supports_effective_ids}
    if not os.access(path, os.R_OK | os.W_OK, **asked) or not os.access(path.parent, os.W_OK, **asked):
        raise StoreError(f"{path}: the journal and its folder must be writable for this user")


def _version_now(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Return the version as of one moment: another process may be making the journal between two questions."""
    connection.execute("BEGIN")
    try:
        return _version(connection, path, known)
    finally:
        connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Return the version of a journal, 0 of an empty file; raise for any other file before touching it."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID:
        if application or version or connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            raise StoreError(f"{path}: a SQLite file of another program, not a journal of lar")
        return 0
    if version > known:
        raise StoreError(
            f"{path}: made by a newer lar (version {version} of the journal, this one knows {known}): update lar"
        )
    return version


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """Have readers and the writer not wait for each other; written into the file, once."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:  # changing the mode does not wait for others by itself
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise StoreError(f"{path}: this file system cannot hold a write-ahead log; name another with --store")


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    with transaction(connection):
        version = _version(connection, path, len(migrations))  # another process may have been quicker
        for migration in migrations[version:]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
