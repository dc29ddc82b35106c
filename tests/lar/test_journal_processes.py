"""Many processes at once lose nothing, and neither does one that is killed at any moment."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lar.contracts import Decision
from lar.journal import Journal, State

# Processes are forked from one that has imported everything, and open the journal themselves.
MANY = """
import os, sys
from pathlib import Path
from lar.journal import Journal

def work(path, name):
    with Journal.open(path) as journal:
        for number in range(25):
            files = {"kernel": journal.put(f"{name} {number // 2}".encode() * 20), "shared": journal.put(b"of all")}
            trial = journal.begin(name, {"target": "pq-l2", "files": files})
            entry = journal.end(trial, {"decision": "keep", "reason": str(number)})
            os.write(1, f"{trial} {entry}\\n".encode())
            journal.crown(name, "keep", {"trial": trial})

start, go = os.pipe()
for number in range(16):
    if os.fork() == 0:
        os.close(go)
        os.read(start, 1)  # until the last of the sixteen is there
        try:
            work(Path(sys.argv[1]), f"slot {number}")
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
os.close(go)
sys.exit(sum(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(16)))
"""

KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from lar.journal import Journal

def work(path, report):
    with Journal.open(path) as journal:
        while True:
            files = {"kernel": journal.put(journal.head().encode() * 100)}
            trial = journal.begin("s", {"target": "pq-l2", "files": files})
            os.write(report, f"begun {trial}\\n".encode())
            entry = journal.end(trial, {"decision": "revert", "files": files})
            os.write(report, f"ended {trial} {entry}\\n".encode())
            crowned = journal.crown("s", "baseline", {"files": files})
            os.write(report, f"crowned {crowned}\\n".encode())

moments = random.Random(7)
for number in range(20):
    told, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        work(Path(sys.argv[1]), report)
    os.close(report)
    with open(told) as lines:
        if number % 2:  # every other one while it opens or makes the journal, or begins
            sys.stdout.write(lines.readline())
        time.sleep(moments.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        sys.stdout.write(lines.read())
    assert os.waitstatus_to_exitcode(os.wait()[1]) == -signal.SIGKILL
"""

BETWEEN = """
import sys, time
from pathlib import Path
from lar.journal import Journal
with Journal.open(Path(sys.argv[1])) as journal:
    print(journal.begin("s", {"target": "pq-l2"}), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder whose file system syncs at once, where there is one: 1400 transactions are 1400 syncs."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


def test_sixteen_processes_times_twenty_five_trials_lose_nothing(in_memory: Path) -> None:
    path = in_memory / "new" / "journal.sqlite3"  # sixteen make it, one does
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    reported = [line.split() for line in done.stdout.splitlines()]
    assert sorted(int(trial) for trial, _ in reported) == list(range(1, 401))
    with Journal.open(path) as journal:
        assert journal.verify() == []
        rows = {str(row.id): row for row in journal.trials()}
        assert len(rows) == 400
        assert {trial: row.entry for trial, row in rows.items()} == dict(reported)
        for row in rows.values():
            assert (row.state, row.decision) == (State.FINISHED, Decision.KEEP)
            assert journal.get(row.facts["files"]["kernel"]) == f"{row.slot} {int(row.reason) // 2}".encode() * 20
        for n in range(16):
            champion = journal.champion(f"slot {n}")
            assert champion is not None
            assert champion.trial == max(row.id for row in rows.values() if row.slot == f"slot {n}")


def test_a_trial_whose_process_was_killed_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    worker = subprocess.Popen([sys.executable, "-c", BETWEEN, str(path)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    trial = int(worker.stdout.readline())
    with Journal.open(path) as journal:
        assert journal.trial(trial).state is State.RUNNING
        worker.kill()
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        assert journal.trial(trial).state is State.INTERRUPTED, "a zombie runs no more"
        worker.communicate()
        assert journal.trial(trial).state is State.INTERRUPTED
        assert journal.verify() == []


def test_killed_at_random_moments_everything_that_was_reported_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    reports = [line.split() for line in done.stdout.splitlines()]
    begun = {int(number) for what, number, *_ in reports if what == "begun"}
    ended = {int(number): rest[0] for what, number, *rest in reports if what == "ended"}
    crowned = {int(number) for what, number, *_ in reports if what == "crowned"}
    assert len(begun) >= 10
    with Journal.open(path) as journal:
        assert journal.verify() == []
        rows = {row.id: row for row in journal.trials()}
        assert sorted(rows) == list(range(1, len(rows) + 1))
        assert begun <= rows.keys()
        assert all(rows[trial].entry == entry for trial, entry in ended.items())
        assert {row.state for row in rows.values()} <= {State.FINISHED, State.INTERRUPTED}
        found = journal._connection.execute("SELECT seq FROM champion_history").fetchall()
        assert crowned <= {seq for (seq,) in found}
        assert len(found) >= len(crowned)
        journal.begin("s", {"target": "pq-l2"})
        assert journal.verify() == []
