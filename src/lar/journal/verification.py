"""Whether a journal is still what was written: its chain, its contents, its rules.

The chain shows what was changed, taken out or put in between by accident or by hand. It cannot show that its last
entries were cut off, nor that somebody wrote all of it anew; for that, keep the hash of the last entry elsewhere (in a
report, in a commit) and hand it over as `known`.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from lar.journal.encoding import link, unpack
from lar.journal.schema import Migration

_COLUMNS = "seq, at, kind, slot, trial, body, previous, hash"


def problems(connection: sqlite3.Connection, migrations: Sequence[Migration], known: str | None) -> Iterator[str]:
    """Yield everything that is wrong, one line each; read as of one moment, whatever others write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield from _pages(connection)
        yield from _rules(connection, migrations)
        yield from _chain(connection, known)
        yield from _blobs(connection)
    except sqlite3.DatabaseError as error:
        yield f"the file is damaged: {error}"
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield f"the file is damaged: {' '.join(line.split())}"


def _rules(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> Iterator[str]:
    """Compare tables, triggers and views with those of a journal made now."""
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for migration in migrations:
            for statement in migration:
                fresh.execute(statement)
        wanted, found = _schema(fresh), _schema(connection)
    finally:
        fresh.close()
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"{name}: is missing from the journal's rules"
        elif name not in wanted:
            yield f"{name}: was added to the journal's rules"
        elif wanted[name] != found[name]:
            yield f"{name}: was changed"


def _schema(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    # sqlite_stat1 and the like are SQLite's own, made by ANALYZE.
    return {f"{kind} {name}": sql for kind, name, sql in rows if not name.startswith("sqlite_")}


def _chain(connection: sqlite3.Connection, known: str | None) -> Iterator[str]:
    expected, before = 1, ""
    present = {row[0] for row in connection.execute("SELECT hash FROM blob")}
    met = not known
    for row in connection.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY seq"):  # noqa: S608 - a constant
        seq, at, kind, slot, trial, body, previous, written = row
        if seq != expected:
            gap = f"entry {expected} is" if seq == expected + 1 else f"entries {expected} to {seq - 1} are"
            yield f"{gap} missing" if seq > expected else f"entry {seq}: stands out of order"
        elif previous != before:
            yield f"entry {seq}: does not follow entry {seq - 1}: one of them was exchanged"
        if link(seq, at, kind, slot, trial, body, previous) != written:
            yield f"entry {seq}: its body or another column was changed after it was written"
        else:
            missing = (name for name, blob in _named(kind, body) if blob not in present)
            yield from (f"entry {seq}: the content of {name} is missing" for name in missing)
        met = met or written == known
        expected, before = seq + 1, written
    if not met:
        yield f"the entry with the hash {known} is not there: the journal was cut off or written anew after it"


def _named(kind: str, body: str) -> list[tuple[str, str]]:
    """Return the contents that an entry names; the trigger ``blob_of_entry_is_there`` has the same rule."""
    facts = json.loads(body) if kind in {"trial", "ending", "champion"} else {}
    return [*(facts.get("files") or {}).items(), *(facts.get("samples") or {}).items()]


def _blobs(connection: sqlite3.Connection) -> Iterator[str]:
    for name, size, packed in connection.execute("SELECT hash, size, bytes FROM blob ORDER BY rowid"):
        try:
            unpack(packed, size, name)
        except ValueError:
            yield f"blob {name}: its content was changed"
