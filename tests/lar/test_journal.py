"""What is written is what is read: trials, contents, champions; what breaks a rule is refused and leaves nothing."""

import dataclasses
import json
import math
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lar import processes
from lar.contracts import Arm, Decision, Interval
from lar.errors import LarError, StoreError
from lar.journal import Journal, State
from lar.journal.encoding import canonical

SLOT = "pq-l2/numpy/cpu"
GONE = {"pid": 1, "started": 0, "boot": "before the last one", "namespace": ""}


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


# ---- trials ----------------------------------------------------------------------------------------------------------


def test_a_trial_is_told_as_it_was_written(journal: Journal) -> None:
    files = {"numpy.py": journal.put(b"def run(): ...")}
    facts = {"target": "pq-l2", "backend": "numpy", "device": "cpu", "hypothesis": "faster", "kernel_hash": "ab"}
    trial = journal.begin(SLOT, {**facts, "files": files})
    begun = journal.trial(trial)
    assert (begun.state, begun.ending, begun.decision, begun.ratio, begun.ended) == (
        State.RUNNING,
        {},
        None,
        None,
        None,
    )
    assert (begun.target, begun.backend, begun.device, begun.hypothesis, begun.kernel_hash) == tuple(facts.values())
    assert begun.facts["process"] == processes.identity()

    head = journal.end(trial, {"decision": Decision.REVERT, "reason": "slower", "ratio": Interval(1.1, 1.0, 1.2)})
    assert head == journal.head()
    row = journal.trial(trial)
    assert (row.id, row.slot, row.state, row.facts) == (trial, SLOT, State.FINISHED, begun.facts)
    assert (row.decision, row.reason, row.ratio) == (Decision.REVERT, "slower", Interval(1.1, 1.0, 1.2))
    assert row.ended is not None
    assert timedelta(0) <= row.ended - row.begun < timedelta(hours=1)
    assert abs(datetime.now(UTC) - row.begun) < timedelta(hours=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.slot = "another"  # type: ignore[misc] # what is being tested


def test_trials_are_numbered_from_one_over_all_slots_and_listed_oldest_first(journal: Journal) -> None:
    for slot, target in (("a/x", "a"), ("b/x", "b"), ("a/y", "a"), ("a/x", "a")):
        journal.begin(slot, {"target": target})
    assert [row.id for row in journal.trials()] == [1, 2, 3, 4]
    assert [row.id for row in journal.trials(last=2)] == [3, 4]
    assert [row.id for row in journal.trials(slot="a/x")] == [1, 4]
    assert [row.id for row in journal.trials(target="a")] == [1, 3, 4]
    assert [row.id for row in journal.trials(target="a", last=1)] == [4]
    assert journal.trials(slot="c") == []


def test_a_trial_that_is_not_there_is_told_with_those_that_are(journal: Journal) -> None:
    with pytest.raises(LarError, match=r"no trial 1 in .*: it has none yet"):
        journal.trial(1)
    keep(journal)
    keep(journal)
    with pytest.raises(LarError, match=r"no trial 3 in .*: it has 1 to 2"):
        journal.trial(3)
    with pytest.raises(LarError, match="no trial 3"):
        journal.end(3, {"decision": "keep"})


def test_a_trial_ends_once_and_with_a_decision(journal: Journal) -> None:
    trial = journal.begin(SLOT, {"target": "pq-l2"})
    with pytest.raises(ValueError, match="maybe"):
        journal.end(trial, {"decision": "maybe"})
    journal.end(trial, {"decision": "keep"})
    with pytest.raises(LarError, match="trial 1 has ended already: finished at"):
        journal.end(trial, {"decision": "revert"})
    assert journal.trial(trial).decision is Decision.KEEP
    assert entries(journal) == 2


def test_a_trial_needs_a_target(journal: Journal) -> None:
    with pytest.raises(TypeError, match="target"):
        journal.begin(SLOT, {})
    assert journal.head() == ""


def test_a_trial_whose_process_is_gone_is_interrupted_at_once_and_in_the_log_from_the_next_one_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(processes, "identity", lambda: GONE)
        lost = journal.begin(SLOT, {"target": "pq-l2"})
    row = journal.trial(lost)
    assert (row.state, row.ended, row.decision) == (State.INTERRUPTED, None, None)
    assert [row.state for row in journal.trials()] == [State.INTERRUPTED]

    running = journal.begin("another", {"target": "pq-l2"})
    assert [row.state for row in journal.trials()] == [State.INTERRUPTED, State.RUNNING]
    with sqlite3.connect(journal.path) as db:
        assert db.execute("SELECT id, state FROM trial").fetchall() == [(lost, "interrupted"), (running, "running")]
    row = journal.trial(lost)
    assert row.ended is not None
    assert row.ending == {}, "it has come to nothing"
    with pytest.raises(LarError, match="has ended already: interrupted at"):
        journal.end(lost, {"decision": "keep"})
    journal.begin("another", {"target": "pq-l2"})
    assert entries(journal) == 4, "and is told once"


# ---- contents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 40, os.urandom(5000)], ids=len)
def test_a_content_comes_back(journal: Journal, content: bytes) -> None:
    name = journal.put(content)
    assert journal.put(content) == name
    assert journal.get(name) == content
    with sqlite3.connect(journal.path) as db:
        assert [size for (size,) in db.execute("SELECT size FROM blob")] == [len(content)]


def test_a_content_that_is_not_there_is_told(journal: Journal) -> None:
    with pytest.raises(StoreError, match="has no content 0000"):
        journal.get("0" * 64)


@pytest.mark.parametrize("key", ["files", "samples"])
def test_no_entry_names_a_content_that_is_not_there(journal: Journal, key: str) -> None:
    with pytest.raises(StoreError, match="names a blob that is not there"):
        journal.begin(SLOT, {"target": "pq-l2", key: {"kernel": "0" * 64}})
    with pytest.raises(StoreError, match="names a blob that is not there"):
        journal.crown(SLOT, "baseline", {key: {"kernel": None}})
    assert journal.head() == ""
    journal.begin(SLOT, {"target": "pq-l2", key: {"kernel": journal.put(b"here")}})


# ---- entries ---------------------------------------------------------------------------------------------------------


def test_notes_of_any_kind(journal: Journal) -> None:
    assert journal.latest(SLOT, "frozen") is None
    first = journal.note(SLOT, "frozen", {"files": {"inputs.py": "not a content, only its hash"}})
    journal.note("another", "frozen", {"x": 1})
    second = journal.note(SLOT, "frozen", {"x": 2})
    found = journal.latest(SLOT, "frozen")
    assert found is not None
    assert (found.seq, found.kind, found.slot, found.trial, found.body) == (second, "frozen", SLOT, None, {"x": 2})
    assert found.hash == journal.head()
    assert first < second
    for kind in ("trial", "ending", "interrupted", "champion"):
        with pytest.raises(ValueError, match="verb of their own"):
            journal.note(SLOT, kind, {})


def test_what_facts_may_hold(journal: Journal) -> None:
    facts: dict[str, Any] = {
        "nan": math.nan,
        "bounds": [math.inf, -math.inf, -0.0, 1e-300, 0.1 + 0.2],
        "large": 2**100,
        "text": 'ünïcode \N{SNOWMAN} \U0001f980 "quoted" \\ \x00 \n \u2028',
        "file": os.fsdecode(b"not utf-8: \xff"),
        "interval": Interval(1.0, 0.5, 2.0),
        Arm.CHAMPION: Decision.KEEP,
        "array": np.array([[1.5, math.nan]]),
        "scalar": np.float32(0.5),
        "path": Path("a/b"),
        "set": {3, 1, 2},
        "tuple": (True, None),
    }
    journal.note(SLOT, "frozen", facts)
    found = journal.latest(SLOT, "frozen")
    assert found is not None
    assert found.body == {
        **{name: facts[name] for name in ("large", "text", "file")},
        "nan": None,
        "bounds": [None, None, 0.0, 1e-300, 0.1 + 0.2],
        "interval": {"value": 1.0, "low": 0.5, "high": 2.0},
        "champion": "keep",
        "array": [[1.5, None]],
        "scalar": 0.5,
        "path": "a/b",
        "set": [1, 2, 3],
        "tuple": [True, None],
    }
    assert journal.verify() == []


@pytest.mark.parametrize("value", [b"bytes", object(), {1: 2}, Interval, 1j], ids=lambda v: type(v).__name__)
def test_what_cannot_be_written_is_refused_whole(journal: Journal, value: object) -> None:
    with pytest.raises(TypeError):
        journal.note(SLOT, "frozen", {"x": value})
    assert journal.head() == ""
    journal.note(SLOT, "frozen", {"x": 1})


def test_one_value_has_one_text() -> None:
    assert canonical({"b": 1, "a": [1.0, "ü"]}) == '{"a":[1.0,"ü"],"b":1}'
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert json.loads(canonical("\udcff")) == "\udcff"
    canonical("\udcff").encode()


def test_each_thread_has_its_own(journal: Journal) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            with Journal.open(journal.path) as mine:
                for _ in range(10):
                    keep(mine)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [row.id for row in journal.trials()] == list(range(1, 41))
    assert journal.verify() == []


def test_a_fork_does_not_carry_a_journal_across(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from lar.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal:
    if os.fork() == 0:
        try:
            journal.head()
        except RuntimeError as error:
            os._exit(0 if "open another" in str(error) else 1)
        os._exit(2)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "journal.sqlite3")], check=True, timeout=60)
