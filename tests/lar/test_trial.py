"""A trial from its beginning to its row: what is kept, what is not and why, and that the journal has it all."""

import functools
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.contests import SHORT, champion, contest, guest, kernel, outcome_of

import lar.targets
from lar import arms, catalog, gate, isolation, locks, records, trial
from lar.arms import Plan
from lar.contracts import Decision, Exit, Trial
from lar.datasets import Datasets
from lar.errors import BusyError, LarError
from lar.journal import Journal, State
from lar.slots import Slot, device_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    before, loaded = list(lar.targets.__path__), set(sys.modules)
    yield guest(tmp_path)
    lar.targets.__path__[:] = before
    for name in set(sys.modules) - loaded:
        if name.startswith("lar.targets."):
            del sys.modules[name]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite3") as found:
        yield found


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide on the machine as it is: a busy one would make every trial here INCONCLUSIVE, as it should elsewhere."""
    rules = replace(gate.RULES, most_disturbed=1.0, most_discarded=1.0, most_step=100.0, most_drift=100.0)
    names = ("judge", "confirm", "hopeless")
    lenient = SimpleNamespace(
        RULES=gate.RULES, **{name: functools.partial(getattr(gate, name), rules=rules) for name in names}
    )
    for module in (arms, records, trial):
        monkeypatch.setattr(module, "gate", lenient)


@pytest.fixture
def walled(monkeypatch: pytest.MonkeyPatch, patient: None) -> None:
    """Have a record allowed on a machine that has no walls."""
    monkeypatch.setattr(isolation, "record_worthy", lambda _: None)


def test_a_faster_kernel_is_kept_confirmed_and_crowned(home: Path, journal: Journal, walled: None) -> None:
    slot = champion(journal, kernel(times=8))
    found = outcome_of(journal, home, kernel())
    assert found.judgement.decision is Decision.KEEP, found.judgement
    assert found.judgement.ratio is not None
    assert found.judgement.ratio.value < 0.6
    assert found.confirmed
    assert found.pairs == 8
    assert found.outcome.correctness == "pass"
    crowned = slot.champion()
    assert crowned is not None
    assert crowned[0].files == {"numpy.py": kernel().encode()}
    assert crowned[1].trial == found.number
    row = journal.trial(found.number)
    assert (row.state, row.decision, row.entry) == (State.FINISHED, Decision.KEEP, found.entry)
    assert journal.verify() == []


def test_the_journal_gives_back_the_trial_and_its_samples(home: Path, journal: Journal, walled: None) -> None:
    champion(journal, kernel(times=8))
    found = outcome_of(journal, home, kernel())
    row = journal.trial(found.number)
    assert records.trial(row) == found
    stages = records.evidence(journal, row)
    assert set(stages) == {"screening", "confirmation"}
    again = records.decide_again(journal, row)
    assert again == (found.judgement, {})


def test_a_slower_kernel_ends_early(home: Path, journal: Journal, patient: None) -> None:
    slot = champion(journal, kernel())
    found = outcome_of(journal, home, kernel(times=8), Plan(pairs=8, rounds=1, least=4, block_ns=1_000_000))
    assert found.judgement.decision is Decision.REVERT
    assert found.judgement.decision.exit_code is Exit.NOT_KEPT
    assert found.pairs < 8
    now = slot.champion()
    assert now is not None
    assert now[0].files == {"numpy.py": kernel().encode()}


def test_a_wrong_kernel_is_not_timed(home: Path, journal: Journal) -> None:
    champion(journal, kernel(times=8))
    found = outcome_of(journal, home, kernel(factor=3))
    assert found.judgement.decision is Decision.INCORRECT
    assert found.judgement.reason.startswith("value: ")
    assert found.pairs == 0
    assert found.outcome.failure is not None
    assert found.outcome.failure.case == "normal/1"
    assert records.decide_again(journal, journal.trial(found.number)) is None


BROKEN: dict[str, tuple[str | bytes, str, str]] = {
    "a syntax error": ("import numpy\n\ndef run(:\n", "import", "(tuned/numpy.py, line 3)"),
    "a missing function": ("def prepare(xp, data): return {}\n", "signature", "no function 'run'"),
    "an extra argument": (kernel().replace("query, /", "query, /, extra"), "signature", "extra"),
    "an import that fails": ("import numpy\nimport nothing_like_it\n", "import", "line 2"),
    "an error when it is called": (
        kernel().replace("out += ", "1 / 0; out += "),
        "exception",
        "(tuned/numpy.py, line 10)",
    ),
    "text that is not UTF-8": (b"x = '\xff'\n", "import", "numpy.py"),
    "null bytes": (b"x = 1\0\n", "import", "null byte"),
    "an exit": ("import sys\nsys.exit(3)\n", "exit", "3"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_run_is_told_in_one_line_with_the_place(home: Path, journal: Journal, what: str) -> None:
    source, kind, place = BROKEN[what]
    champion(journal, kernel(times=8))
    found = outcome_of(journal, home, source)
    assert found.judgement.decision is Decision.CRASH
    assert found.judgement.decision.exit_code is Exit.INCORRECT
    assert found.judgement.reason.startswith(f"{kind}: ")
    assert place in found.judgement.reason
    assert "\n" not in found.judgement.reason
    assert journal.trial(found.number).state is State.FINISHED


def test_a_function_more_does_no_harm(home: Path, journal: Journal, walled: None) -> None:
    champion(journal, kernel(times=8))
    found = outcome_of(journal, home, kernel() + "\ndef helper():\n    return 1\n")
    assert found.judgement.decision is Decision.KEEP


def test_a_hanging_import_ends_with_the_budget(home: Path, journal: Journal) -> None:
    champion(journal, kernel(times=8))
    found = outcome_of(journal, home, "import time\ntime.sleep(600)\n", time_budget=4.0)
    assert found.judgement.decision in {Decision.TIMEOUT, Decision.CRASH}
    assert found.seconds < 60


def test_the_champion_itself_is_no_candidate(home: Path, journal: Journal) -> None:
    champion(journal, kernel())
    with pytest.raises(LarError, match="the candidate is the champion itself"):
        outcome_of(journal, home, kernel())
    assert journal.trials() == []


def test_the_first_champion_is_the_portable_kernel_where_nothing_is_committed(home: Path, journal: Journal) -> None:
    found = outcome_of(journal, home, kernel(factor=3))
    assert found.champion.name == "portable"
    first = Slot(journal, "axpy", "numpy", "cpu").baseline()
    assert first is not None
    assert first[1].action == "baseline"


def test_a_changed_frozen_file_is_named_and_nothing_runs(home: Path, journal: Journal) -> None:
    slot = champion(journal, kernel(times=8))
    (home / "portable.py").write_text("# changed\n")
    found = outcome_of(journal, home, kernel())
    assert found.judgement.decision is Decision.CHEAT
    assert found.judgement.decision.exit_code is Exit.CHEAT
    assert "portable.py changed" in found.judgement.reason
    assert "lar reset axpy --backend numpy --keep-champion" in found.judgement.reason
    assert found.pairs == 0
    slot.accept_frozen()
    assert slot.changed_frozen() is None


def test_a_champion_that_fails_decides_nothing(home: Path, journal: Journal) -> None:
    champion(journal, kernel(factor=3))
    found = outcome_of(journal, home, kernel())
    assert found.judgement.decision is Decision.INCONCLUSIVE
    assert found.judgement.reason.startswith("the champion itself failed: value: ")


def test_a_backend_that_is_missing_is_an_outcome(home: Path, journal: Journal) -> None:
    (home / "tuned" / "cupy.py").write_text(kernel())
    one = trial.Contest(contest(home, backend="cupy", requested_backend="cupy").request, plan=SHORT)
    if device_of("cupy", None) is not None:
        pytest.skip("this machine has a GPU")
    found = trial.run(one, journal, Datasets(catalog.target("axpy")))
    assert found.judgement.decision is Decision.UNAVAILABLE
    assert journal.trial(found.number).decision is Decision.UNAVAILABLE


def test_without_walls_there_is_no_record(
    home: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    monkeypatch.setattr(isolation, "record_worthy", lambda _: "no wall stands")
    slot = champion(journal, kernel(times=8))
    found = outcome_of(journal, home, kernel())
    assert found.judgement.decision is Decision.INCONCLUSIVE
    assert found.judgement.rule == "walls"
    now = slot.champion()
    assert now is not None
    assert now[1].trial is None


def test_while_the_null_drifts_nothing_is_decided(home: Path, journal: Journal) -> None:
    slot = champion(journal, kernel(times=8))
    body = {"drifts": True, "false_keeps": 0, "bias": {"value": 0.98, "low": 0.97, "high": 0.99}}
    journal.note(slot.name, "null", body)
    found = outcome_of(journal, home, kernel())
    assert found.judgement.decision is Decision.INCONCLUSIVE
    assert "drifts: its mean ratio is 0.9800" in found.judgement.reason
    journal.note(slot.name, "null", {**body, "drifts": False})
    assert outcome_of(journal, home, kernel(factor=3)).judgement.decision is Decision.INCORRECT


def test_a_slot_has_one_trial_at_a_time(home: Path, journal: Journal) -> None:
    slot = champion(journal, kernel(times=8))
    asked: list[BaseException] = []

    def ask() -> None:
        try:
            with Journal.open(journal.path) as other:
                outcome_of(other, home, kernel())
        except BusyError as error:
            asked.append(error)

    import threading

    with locks.slot_lock(journal.path, slot.name):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(asked) == 1
    assert journal.trials() == []


def test_the_candidate_is_what_it_was_when_the_trial_began(home: Path, journal: Journal, walled: None) -> None:
    champion(journal, kernel(times=8))

    def spoil(what: str, done: int, of: int) -> None:
        (home / "tuned" / "numpy.py").write_text("raise ValueError\n")

    found: Trial = trial.run(contest(home, kernel()), journal, Datasets(catalog.target("axpy")), spoil)
    assert found.judgement.decision is Decision.KEEP
