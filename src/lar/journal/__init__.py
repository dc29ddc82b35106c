"""The journal: what was tried, what came of it, and which kernel is the champion of each slot. Nothing is ever updated.

It must hold whatever happens to those who write it: a kill at any moment, a full disk, sixteen processes at once. So it
is one append-only log in SQLite. Each entry names the hash of the one before it, triggers refuse every change, and
what has been reported to a caller is on the disk.
"""

from lar.journal.connection import default_path
from lar.journal.rows import ChampionRow, Entry, State, TrialRow
from lar.journal.store import Journal

__all__ = ["ChampionRow", "Entry", "Journal", "State", "TrialRow", "default_path"]
