"""What the journal is read as: frozen rows, with their facts as they were written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lar import processes
from lar.contracts import Decision, Interval


class State(StrEnum):
    """How far a trial has come."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes
    ----------
    seq : int
    at : datetime
        UTC.
    kind, slot : str
    trial : int or None
    body : mapping
        Its facts; NaN and infinities were written as None.
    previous, hash : str
        The links of the chain.
    """

    seq: int
    at: datetime
    kind: str
    slot: str
    trial: int | None
    body: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes
    ----------
    id : int
        1, 2, 3, ... over all slots of a journal.
    slot : str
    state : State
        ``interrupted`` as soon as the process that began it is gone, whether or not that stands in the log yet.
    begun : datetime
        UTC.
    ended : datetime or None
        UTC; None while it runs, and of an interrupted one until the log says so.
    facts : mapping
        What was known when it began.
    ending : mapping
        What was found; empty unless it has finished.
    entry : str
        Hash of the entry that ended it; empty while it runs.
    """

    id: int
    slot: str
    state: State
    begun: datetime
    ended: datetime | None
    facts: Mapping[str, Any]
    ending: Mapping[str, Any]
    entry: str = ""

    @property
    def target(self) -> str:
        """The target's name."""
        return str(self.facts["target"])

    @property
    def backend(self) -> str:
        """The backend's name; empty where it was not told."""
        return str(self.facts.get("backend") or "")

    @property
    def device(self) -> str:
        """The device; empty where it was not told."""
        return str(self.facts.get("device") or "")

    @property
    def hypothesis(self) -> str:
        """What was expected of the change; empty where it was not told."""
        return str(self.facts.get("hypothesis") or "")

    @property
    def kernel_hash(self) -> str:
        """The candidate's; empty where it was not told."""
        return str(self.facts.get("kernel_hash") or "")

    @property
    def decision(self) -> Decision | None:
        """What the trial came to; None unless it has finished."""
        return Decision(self.ending["decision"]) if self.ending else None

    @property
    def reason(self) -> str:
        """Why, in one line; empty unless it has finished."""
        return str(self.ending.get("reason") or "")

    @property
    def ratio(self) -> Interval | None:
        """Candidate over champion, where the trial got so far as to time both."""
        found = self.ending.get("ratio")
        return Interval(**found) if isinstance(found, Mapping) else None


@dataclass(frozen=True)
class ChampionRow:
    """One change of a slot's champion.

    Attributes
    ----------
    seq : int
        Its entry in the log: what `Journal.crown` expects of whoever saw it.
    slot : str
    at : datetime
        UTC.
    action : str
        ``baseline keep reset rollback`` or another.
    trial : int or None
        The trial by which it was kept.
    parent : int or None
        The entry of the champion before it; where a rollback goes.
    body : mapping
        All its facts.
    """

    seq: int
    slot: str
    at: datetime
    action: str
    trial: int | None
    parent: int | None
    body: Mapping[str, Any]

    @property
    def kernel_hash(self) -> str:
        """The kernel's; empty where it was not told."""
        return str(self.body.get("kernel_hash") or "")

    @property
    def actor(self) -> str:
        """Who did it."""
        return str(self.body.get("actor") or "")

    @property
    def reason(self) -> str:
        """Why; empty where it was not told."""
        return str(self.body.get("reason") or "")


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return a row of `entry`: its columns in order."""
    seq, at, kind, slot, trial, body, previous, name = row
    return Entry(seq, datetime.fromisoformat(at), kind, slot, trial, json.loads(body), previous, name)


def trial_of(row: tuple[Any, ...]) -> TrialRow:
    """Return a row of the view `trial`: ``id slot state begun ended entry facts ending``."""
    number, slot, state, begun, ended, entry, facts, ending = row
    facts = json.loads(facts)
    if state == State.RUNNING and processes.gone(facts["process"]):
        state = State.INTERRUPTED
    return TrialRow(
        id=number,
        slot=slot,
        state=State(state),
        begun=datetime.fromisoformat(begun),
        ended=datetime.fromisoformat(ended) if ended else None,
        facts=facts,
        ending=json.loads(ending) if ending and state == State.FINISHED else {},
        entry=entry or "",
    )


def champion_of(row: tuple[Any, ...]) -> ChampionRow:
    """Return a row of ``champion_history``: ``seq slot at action trial parent body``."""
    seq, slot, at, action, trial, parent, body = row
    return ChampionRow(seq, slot, datetime.fromisoformat(at), action, trial, parent, json.loads(body))
