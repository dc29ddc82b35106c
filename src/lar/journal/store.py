"""What the log is about: trials that begin and end, and the champion of each slot."""

import getpass
import json
import os
from pathlib import Path

from lar import processes
from lar.contracts import Decision
from lar.errors import BusyError, LarError
from lar.journal.connection import default_path
from lar.journal.log import Facts, Log
from lar.journal.rows import ChampionRow, TrialRow, champion_of, trial_of

_TRIAL = "id, slot, state, begun, ended, entry, facts, ending"
_CHAMPION = "seq, slot, at, action, trial, parent, body"


class Journal(Log):
    """An open journal; a context manager. One for each thread and process, as many at once as one likes.

    Attributes
    ----------
    path : Path
    """

    @staticmethod
    def open(path: Path | None = None) -> "Journal":
        """Open the journal at a path, or at `default_path`; make it where there is none.

        Raises
        ------
        BusyError
            If others keep writing to it.
        StoreError
            If it cannot be used; the message says why.
        """
        return Journal(default_path() if path is None else path)

    # ---- trials ----------------------------------------------------------------------------------------------------

    def begin(self, slot: str, facts: Facts) -> int:
        """Write that a trial is running, before any of its work is done.

        Parameters
        ----------
        slot : str
        facts : mapping
            ``target``; where known ``backend device hypothesis kernel_hash actor files`` and whatever else there is.
            This process is added as ``process``.

        Returns
        -------
        int
            The trial's number.
        """
        if not isinstance(facts.get("target"), str):
            raise TypeError("a trial is of a target")
        body = {**facts, "process": processes.identity()}
        with self._writing():
            self._bury()
            trial = 1 + int(self._value("SELECT coalesce(max(trial), 0) FROM entry WHERE kind = 'trial'"))
            self._append("trial", slot, body, trial)
        return trial

    def end(self, trial: int, facts: Facts) -> str:
        """Write what a trial came to.

        Parameters
        ----------
        trial : int
        facts : mapping
            ``decision`` (a `Decision`) and, where there are any, ``reason``, ``ratio`` (an `Interval`), ``files`` and
            ``samples`` (contents by name) and everything else that was found.

        Returns
        -------
        str
            The hash of the entry.

        Raises
        ------
        LarError
            If there is no such trial, or it has ended already.
        """
        Decision(facts["decision"])
        with self._writing():
            row = self.trial(trial)
            if row.ended is not None:
                raise LarError(f"trial {trial} has ended already: {row.state} at {row.ended:%Y-%m-%d %H:%M:%S} UTC")
            return self._append("ending", row.slot, facts, trial)[1]

    def trial(self, id: int) -> TrialRow:  # noqa: A002 - the column's name
        """Return one trial.

        Raises
        ------
        LarError
            If there is none of that number; the message says which there are.
        """
        with self._reading() as db:
            rows = db.execute(f"SELECT {_TRIAL} FROM trial WHERE id = ?", (id,)).fetchall()  # noqa: S608 - a constant
            if not rows:
                last = self._value("SELECT max(id) FROM trial")
                there = f"it has 1 to {last}" if last else "it has none yet"
                raise LarError(f"there is no trial {id} in {self.path}: {there}")
        return trial_of(rows[0])

    def trials(self, slot: str | None = None, target: str | None = None, last: int | None = None) -> list[TrialRow]:
        """Return the trials of a slot, of a target, or all; the newest `last` of them, oldest first."""
        query = f"""
            SELECT {_TRIAL} FROM trial
            WHERE (:slot IS NULL OR slot = :slot) AND (:target IS NULL OR target = :target)
            ORDER BY id DESC LIMIT coalesce(:last, -1)"""  # noqa: S608 - a constant
        with self._reading() as db:
            rows = db.execute(query, {"slot": slot, "target": target, "last": last}).fetchall()
        return [trial_of(row) for row in reversed(rows)]

    # ---- champions -------------------------------------------------------------------------------------------------

    def crown(self, slot: str, action: str, facts: Facts, expect: int | None = None) -> int:
        """Change the champion of a slot.

        Parameters
        ----------
        slot : str
        action : str
            ``baseline`` (the one to begin with), ``keep`` (by ``facts["trial"]``, which must have ended with keep in
            this slot), ``reset`` (there is none any more), ``rollback`` or another.
        facts : mapping
            ``kernel_hash``; ``trial`` if it came by one; ``reason``; ``actor`` (else the user's name); ``parent``,
            the entry of the champion that a rollback would go to (else the present one): a rollback copies trial and
            hash of the champion it goes to and passes that one's own parent, so that two go two steps back.
        expect : int or None
            The entry of the champion that the caller saw, 0 if there was none; None if that does not matter.

        Returns
        -------
        int
            The new entry.

        Raises
        ------
        BusyError
            If the champion is another one by now; the message says whose.
        StoreError
            If the trial was not kept, or is of another slot.
        """
        with self._writing():
            current = self.champion(slot)
            seen = current.seq if current else 0
            if expect is not None and expect != seen:
                raise BusyError(f"the champion of {slot} has changed meanwhile: {self._who(slot, current)}")
            body = {"parent": seen or None, "actor": _user(), **facts, "action": action}
            trial = body.pop("trial", None)
            return self._append("champion", slot, body, trial)[0]

    def champion(self, slot: str) -> ChampionRow | None:
        """Return the champion of a slot; None if there is none, or none any more."""
        with self._reading() as db:
            query = f"SELECT {_CHAMPION} FROM champion WHERE slot = ?"  # noqa: S608 - a constant
            row = db.execute(query, (slot,)).fetchone()
        return champion_of(row) if row else None

    def champions(self, target: str) -> list[ChampionRow]:
        """Return the champions of all slots of a target, by slot."""
        query = f"""
            SELECT {_CHAMPION} FROM champion
            WHERE substr(slot, 1, length(:target) + 1) = :target || '/' ORDER BY slot"""  # noqa: S608 - a constant
        with self._reading() as db:
            return [champion_of(row) for row in db.execute(query, {"target": target})]

    def baseline(self, slot: str) -> ChampionRow | None:
        """Return the first champion of a slot since it was last reset."""
        query = f"""
            SELECT {_CHAMPION} FROM champion_history
            WHERE slot = :slot AND seq > (
              SELECT coalesce(max(seq), 0) FROM champion_history WHERE slot = :slot AND action = 'reset')
            ORDER BY seq LIMIT 1"""  # noqa: S608 - a constant
        with self._reading() as db:
            row = db.execute(query, {"slot": slot}).fetchone()
        return champion_of(row) if row else None

    def _bury(self) -> None:
        """Write of every running trial whose process is gone that it was interrupted."""
        query = """
            SELECT trial, slot, body FROM entry AS this
            WHERE kind = 'trial' AND NOT EXISTS (
              SELECT 1 FROM entry WHERE kind IN ('ending', 'interrupted') AND trial = this.trial)"""
        for trial, slot, facts in self._connection.execute(query).fetchall():
            if processes.gone(json.loads(facts)["process"]):
                self._append("interrupted", slot, {"reason": "its process ended without a word"}, trial)

    def _who(self, slot: str, current: ChampionRow | None) -> str:
        last = self.latest(slot, "champion")
        if last is None:
            return "it has none"
        by_trial = f", trial {last.trial}" if last.trial else ""
        done = f"{last.body['action']}{by_trial} by {last.body['actor']} at {last.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"entry {last.seq}, {done}" if current else f"there is none any more since entry {last.seq}, {done}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return f"user {os.getuid()}"
