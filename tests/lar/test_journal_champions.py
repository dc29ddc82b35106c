"""One champion a slot: crowned by a kept trial, against what the caller saw; a rollback or a reset loses nothing."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lar.contracts import Decision
from lar.errors import BusyError, StoreError
from lar.journal import Journal

SLOT = "pq-l2/numpy/cpu"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite3") as opened:
        yield opened


def keep(journal: Journal, slot: str = SLOT) -> int:
    trial = journal.begin(slot, {"target": "pq-l2"})
    journal.end(trial, {"decision": Decision.KEEP})
    return trial


def entries(journal: Journal) -> int:
    with sqlite3.connect(journal.path) as db:
        return int(db.execute("SELECT count(*) FROM entry").fetchone()[0])


def test_a_slot_has_one_champion_and_remembers_its_first(journal: Journal) -> None:
    assert journal.champion(SLOT) is None
    assert journal.baseline(SLOT) is None
    first = journal.crown(SLOT, "baseline", {"kernel_hash": "a", "actor": "ada", "reason": "portable"}, expect=0)
    trial = keep(journal)
    second = journal.crown(SLOT, "keep", {"trial": trial, "kernel_hash": "b"}, expect=first)

    champion = journal.champion(SLOT)
    assert champion is not None
    assert (champion.seq, champion.action, champion.trial, champion.parent) == (second, "keep", trial, first)
    assert champion.kernel_hash == "b"
    assert champion.actor
    baseline = journal.baseline(SLOT)
    assert baseline is not None
    assert (baseline.seq, baseline.actor, baseline.reason, baseline.parent) == (first, "ada", "portable", None)
    assert journal.champion("another") is None

    reset = journal.crown(SLOT, "reset", {}, expect=second)
    assert journal.champion(SLOT) is None
    assert journal.baseline(SLOT) is None
    third = journal.crown(SLOT, "baseline", {"kernel_hash": "c"}, expect=0)
    baseline = journal.baseline(SLOT)
    assert baseline is not None
    assert (baseline.seq, baseline.parent) == (third, None), f"nothing before the reset {reset} counts"


def test_the_champions_of_a_target(journal: Journal) -> None:
    for slot in ("pq/numpy/b", "pq/numpy/a", "pq-l2/numpy/a", "pq", "PQ/numpy/a"):
        journal.crown(slot, "baseline", {})
    journal.crown("pq/jax/a", "baseline", {})
    journal.crown("pq/jax/a", "reset", {})
    assert [row.slot for row in journal.champions("pq")] == ["pq/numpy/a", "pq/numpy/b"]


def test_a_rollback_goes_back_step_by_step(journal: Journal) -> None:
    rows = []
    for name in "abc":
        journal.crown(SLOT, "baseline", {"kernel_hash": name})
        champion = journal.champion(SLOT)
        assert champion is not None
        rows.append(champion)
    by_seq = {row.seq: row for row in rows}
    for expected in "ba":
        current = journal.champion(SLOT)
        assert current is not None
        assert current.parent is not None
        to = by_seq[current.parent]
        facts = {"kernel_hash": to.kernel_hash, "parent": to.parent, "undoes": current.seq}
        journal.crown(SLOT, "rollback", facts, expect=current.seq)
        champion = journal.champion(SLOT)
        assert champion is not None
        assert champion.kernel_hash == expected
        assert champion.parent == to.parent
    assert to.parent is None, "there is nothing before the first"
    assert len(journal.trials()) == 0
    assert entries(journal) == 5, "and nothing was lost"


def test_a_champion_that_has_changed_meanwhile_is_told_with_whom(journal: Journal) -> None:
    first = journal.crown(SLOT, "baseline", {"actor": "ada"})
    with pytest.raises(BusyError, match=f"has changed meanwhile: entry {first}, baseline by ada at 20") as caught:
        journal.crown(SLOT, "baseline", {}, expect=0)
    assert caught.value.exit_code == 8
    journal.crown(SLOT, "reset", {"actor": "bob"})
    with pytest.raises(BusyError, match=r"there is none any more since entry 2, reset by bob"):
        journal.crown(SLOT, "baseline", {}, expect=first)
    with pytest.raises(BusyError, match="it has none"):
        journal.crown("another", "baseline", {}, expect=first)
    assert entries(journal) == 2


@pytest.mark.parametrize("decision", sorted(set(Decision) - {Decision.KEEP}))
def test_only_a_kept_trial_makes_a_champion(journal: Journal, decision: Decision) -> None:
    trial = journal.begin(SLOT, {"target": "pq-l2"})
    with pytest.raises(StoreError, match="ended with keep"):
        journal.crown(SLOT, "keep", {"trial": trial})
    journal.end(trial, {"decision": decision})
    for action in ("keep", "rollback"):
        with pytest.raises(StoreError, match="ended with keep"):
            journal.crown(SLOT, action, {"trial": trial})
    assert journal.champion(SLOT) is None


def test_a_champion_is_kept_in_its_own_slot_and_by_a_trial(journal: Journal) -> None:
    other = keep(journal, "another")
    for facts in ({"trial": other}, {"trial": 99}, {}):
        with pytest.raises(StoreError, match="only a trial of this slot"):
            journal.crown(SLOT, "keep", facts)
    seq = journal.crown("another", "keep", {"trial": other})
    for name in ("parent", "undoes"):
        with pytest.raises(StoreError, match="earlier champions of this slot"):
            journal.crown(SLOT, "rollback", {name: seq})
    assert journal.champion(SLOT) is None
