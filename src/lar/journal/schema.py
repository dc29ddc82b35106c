"""The journal's tables, and the rules that SQLite itself holds whoever writes: nothing is ever changed or taken out.

One log (`entry`), in which every fact is a line that names the hash of the line before it, and one heap of contents
(`blob`), named by their own hash. What is current (a trial's state, a slot's champion) is a view, never a column.

`MIGRATIONS` is numbered by position: migration i brings a journal from version i to i + 1, and a new journal is one
that has been through all of them. A migration adds; it never rewrites entries, whose hashes cover all their columns.
"""

from collections.abc import Sequence

APPLICATION_ID = 0x6C61724A
"""``larJ``: marks the file as a journal of lar, for `file` and for ourselves."""

Migration = Sequence[str]
"""Statements, one string each."""

_TABLES = (
    """
CREATE TABLE blob (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),  -- SHA-256 of the content, hexadecimal
  size INTEGER NOT NULL CHECK (size >= 0),                   -- bytes of the content
  bytes BLOB NOT NULL CHECK (length(bytes) <= size)          -- zlib if shorter; sqlar_uncompress(bytes, size)
) STRICT""",
    """
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,                                   -- 1, 2, 3, ... without gaps
  at TEXT NOT NULL,                                          -- UTC, ISO 8601 with microseconds
  kind TEXT NOT NULL CHECK (kind <> ''),                     -- trial, ending, interrupted, champion, or a note's
  slot TEXT NOT NULL CHECK (slot <> ''),                     -- target, backend and model of device
  trial INTEGER,                                             -- the trial it is about, if any
  body TEXT NOT NULL CHECK (json_type(body) = 'object'),     -- every other fact, as JSON
  previous TEXT NOT NULL,                                    -- hash of entry seq - 1; empty for the first
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)        -- SHA-256 of the other columns as canonical JSON
) STRICT""",
    "CREATE INDEX entry_of_slot ON entry (slot, kind, seq)",
    "CREATE UNIQUE INDEX one_beginning ON entry (trial) WHERE kind = 'trial'",
    "CREATE UNIQUE INDEX one_ending ON entry (trial) WHERE kind IN ('ending', 'interrupted')",
)

_APPEND_ONLY = (
    *(
        f"""
CREATE TRIGGER {table}_is_never_{done} BEFORE {verb} ON {table}
BEGIN SELECT raise(ABORT, 'what stands in the journal is never {done}'); END"""
        for table in ("entry", "blob")
        for verb, done in (("UPDATE", "changed"), ("DELETE", "deleted"))
    ),
    # INSERT OR REPLACE deletes without asking the triggers above; these two see it first.
    """
CREATE TRIGGER blob_is_there_already BEFORE INSERT ON blob
WHEN EXISTS (SELECT 1 FROM blob WHERE hash = NEW.hash)
BEGIN SELECT raise(IGNORE); END""",
    """
CREATE TRIGGER entry_follows_the_last BEFORE INSERT ON entry
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entry)
  OR NEW.previous IS NOT coalesce((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), '')
  OR EXISTS (SELECT 1 FROM entry WHERE hash = NEW.hash)
BEGIN SELECT raise(ABORT, 'an entry is appended after the last one and names its hash'); END""",
)

_MEANING = (
    """
CREATE TRIGGER blob_of_entry_is_there BEFORE INSERT ON entry
WHEN NEW.kind IN ('trial', 'ending', 'champion') AND EXISTS (
  SELECT 1 FROM (
    SELECT value FROM json_each(NEW.body, '$.files') UNION ALL SELECT value FROM json_each(NEW.body, '$.samples')
  ) WHERE coalesce(value, '') NOT IN (SELECT hash FROM blob)
)
BEGIN SELECT raise(ABORT, 'an entry names a blob that is not there'); END""",
    """
CREATE TRIGGER trial_has_the_next_number BEFORE INSERT ON entry
WHEN NEW.kind = 'trial'
  AND NEW.trial IS NOT (SELECT coalesce(max(trial), 0) + 1 FROM entry WHERE kind = 'trial')
BEGIN SELECT raise(ABORT, 'trials are numbered one after the other'); END""",
    """
CREATE TRIGGER ending_has_a_trial BEFORE INSERT ON entry
WHEN NEW.kind IN ('ending', 'interrupted')
  AND NOT EXISTS (SELECT 1 FROM entry WHERE kind = 'trial' AND trial = NEW.trial AND slot = NEW.slot)
BEGIN SELECT raise(ABORT, 'there is no such trial in this slot'); END""",
    """
CREATE TRIGGER trial_ends_once BEFORE INSERT ON entry
WHEN NEW.kind IN ('ending', 'interrupted')
  AND EXISTS (SELECT 1 FROM entry WHERE kind IN ('ending', 'interrupted') AND trial = NEW.trial)
BEGIN SELECT raise(ABORT, 'the trial has ended already'); END""",
    """
CREATE TRIGGER ending_has_a_decision BEFORE INSERT ON entry
WHEN NEW.kind = 'ending' AND json_type(NEW.body, '$.decision') IS NOT 'text'
BEGIN SELECT raise(ABORT, 'an ending says what was decided'); END""",
    """
CREATE TRIGGER champion_has_an_action BEFORE INSERT ON entry
WHEN NEW.kind = 'champion' AND json_type(NEW.body, '$.action') IS NOT 'text'
BEGIN SELECT raise(ABORT, 'a change of champion says what was done'); END""",
    # Whoever takes a slot by a trial has been kept in it. The baseline was there before any trial.
    """
CREATE TRIGGER champion_was_kept BEFORE INSERT ON entry
WHEN NEW.kind = 'champion' AND (
    json_extract(NEW.body, '$.action') = 'keep'
    OR (NEW.trial IS NOT NULL AND json_extract(NEW.body, '$.action') <> 'baseline')
  ) AND NOT EXISTS (
    SELECT 1 FROM entry
    WHERE kind = 'ending' AND trial = NEW.trial AND slot = NEW.slot AND json_extract(body, '$.decision') = 'keep'
  )
BEGIN SELECT raise(ABORT, 'only a trial of this slot that ended with keep makes a champion'); END""",
    """
CREATE TRIGGER champion_has_forebears BEFORE INSERT ON entry
WHEN NEW.kind = 'champion' AND EXISTS (
  SELECT 1 FROM json_each(NEW.body) AS named
  WHERE named.key IN ('parent', 'undoes') AND named.value IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM entry WHERE seq = named.value AND kind = 'champion' AND slot = NEW.slot)
)
BEGIN SELECT raise(ABORT, 'parent and undoes are earlier champions of this slot'); END""",
)

_VIEWS = (
    """
CREATE VIEW trial AS
SELECT
  b.trial AS id,                                                  -- INTEGER
  b.slot,                                                         -- TEXT
  json_extract(b.body, '$.target') AS target,                     -- TEXT
  json_extract(b.body, '$.backend') AS backend,                   -- TEXT
  json_extract(b.body, '$.device') AS device,                     -- TEXT
  json_extract(b.body, '$.hypothesis') AS hypothesis,             -- TEXT
  json_extract(b.body, '$.kernel_hash') AS kernel_hash,           -- TEXT
  b.at AS begun,                                                  -- TEXT, UTC
  e.at AS ended,                                                  -- TEXT, UTC; if interrupted: when that was seen
  CASE e.kind WHEN 'ending' THEN 'finished' WHEN 'interrupted' THEN 'interrupted' ELSE 'running' END AS state,
  json_extract(e.body, '$.decision') AS decision,                 -- TEXT, a member of lar.contracts.Decision
  json_extract(e.body, '$.reason') AS reason,                     -- TEXT, one line
  json_extract(e.body, '$.ratio.value') AS ratio,                 -- REAL, candidate over champion; below 1 is faster
  json_extract(e.body, '$.ratio.low') AS ratio_low,               -- REAL, its 90 % interval
  json_extract(e.body, '$.ratio.high') AS ratio_high,             -- REAL
  e.hash AS entry,                                                -- TEXT, the ending's own link of the chain
  b.body AS facts,                                                -- TEXT, JSON: all that was known when it began
  e.body AS ending                                                -- TEXT, JSON: all that was found
FROM entry AS b
LEFT JOIN entry AS e ON e.kind IN ('ending', 'interrupted') AND e.trial = b.trial
WHERE b.kind = 'trial'""",
    """
CREATE VIEW champion_history AS
SELECT
  seq,                                                            -- INTEGER
  slot,                                                           -- TEXT
  at,                                                             -- TEXT, UTC
  json_extract(body, '$.action') AS action,                       -- TEXT: keep, baseline, reset, rollback, ...
  trial,                                                          -- INTEGER: the trial that was kept, if any
  json_extract(body, '$.kernel_hash') AS kernel_hash,             -- TEXT
  json_extract(body, '$.parent') AS parent,                       -- INTEGER: seq of the champion before this one
  json_extract(body, '$.undoes') AS undoes,                       -- INTEGER: seq of the entry that is taken back
  json_extract(body, '$.actor') AS actor,                         -- TEXT
  json_extract(body, '$.reason') AS reason,                       -- TEXT
  body                                                            -- TEXT, JSON
FROM entry
WHERE kind = 'champion'""",
    """
CREATE VIEW champion AS
SELECT * FROM champion_history AS this
WHERE action <> 'reset'
  AND seq = (SELECT max(seq) FROM entry WHERE kind = 'champion' AND slot = this.slot)""",
)

MIGRATIONS: tuple[Migration, ...] = ((*_TABLES, *_APPEND_ONLY, *_MEANING, *_VIEWS),)
"""Every version's statements, from the first version on."""
