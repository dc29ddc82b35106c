"""The loop as an agent runs it: brief, trial, log, show, replay, champion, reset, lesson; in a work tree of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contests import guest, kernel

import lar.targets
from lar import isolation

ROOT = Path(__file__).parents[2]
Lar = Callable[..., "subprocess.CompletedProcess[str]"]


class Desk:
    """A work tree with axpy and one committed kernel, and the command line in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        before = list(lar.targets.__path__)
        self.home = guest(folder)
        lar.targets.__path__[:] = before
        self.kernel = self.home / "tuned" / "numpy.py"
        self.kernel.write_text(kernel(times=8))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.email", "a@b.c")
        self.git("config", "user.name", "A")
        (folder / ".gitignore").write_text("data/\n__pycache__/\n*/*/lessons.md\n")
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "first")

    @property
    def environment(self) -> dict[str, str]:
        data = self.folder / "data"
        places = {"LAR_STORE": str(data / "journal.sqlite3"), "LAR_CACHE": str(data / "cache")}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LAR_")}
        return {**clean, **places, "PYTHONPATH": str(ROOT / "src")}

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.folder), *words], capture_output=True, text=True, check=True
        ).stdout

    def command(self, *words: str) -> list[str]:
        targets = ["--targets", str(self.home.parent)] if words[0] not in {"log", "show", "replay"} else []
        return [sys.executable, "-m", "lar", *words, *targets]

    def lar(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=250,
            check=False,
        )

    def trial(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.lar("trial", "axpy", "--scale", "small", "--nq", "1", *words)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def kept(desk: Desk) -> dict[str, object]:
    """A faster kernel, tried with --commit --revert; tried again where the machine is too busy to tell."""
    brief = desk.lar("brief", "axpy").stdout
    assert "none yet" in brief
    assert "none is crowned yet: the first trial is held against this one" in brief
    for _ in range(3):
        desk.kernel.write_text(kernel())
        done = desk.trial("-m", "once\tinstead of\neight times", "--commit", "--revert", "--json")
        assert all(line.startswith("lar: trial of axpy") for line in done.stderr.splitlines())
        found: dict[str, object] = json.loads(done.stdout)
        found["exit_code"] = done.returncode
        judgement: dict[str, str] = found["judgement"]  # type: ignore[assignment]
        if judgement["decision"] != "inconclusive" or judgement["rule"] == "walls":
            return found
    pytest.skip(f"three trials in a row told nothing: {judgement['reason']}")


def test_a_faster_kernel_is_kept_and_committed(desk: Desk, kept: dict[str, object]) -> None:
    walls = isolation.record_worthy(kept["outcome"]["isolation"])  # type: ignore[index]
    if walls is not None:
        assert (kept["exit_code"], kept["judgement"]["rule"]) == (6, "walls")  # type: ignore[index]
        pytest.skip(f"no record without walls: {walls}")
    assert (kept["exit_code"], kept["judgement"]["decision"]) == (0, "keep"), kept["judgement"]  # type: ignore[index]
    message = desk.git("log", "-1", "--format=%s")
    assert message.startswith("axpy on numpy: keep: once instead of eight times (")
    assert desk.git("show", "--name-only", "--format=", "HEAD").split() == [
        "targets/axpy/results.tsv",
        "targets/axpy/tuned/numpy.py",
    ]
    assert desk.git("status", "--porcelain") == ""


def test_a_wrong_kernel_is_put_back_and_its_row_committed(desk: Desk, kept: dict[str, object]) -> None:
    before = desk.kernel.read_text()
    desk.kernel.write_text(kernel(factor=3))
    done = desk.trial("-m", "wrong", "--commit", "--revert")
    assert done.returncode == 2
    assert done.stdout.startswith("decision: INCORRECT\nreason: value: ")
    assert desk.kernel.read_text() == before
    assert desk.git("status", "--porcelain") == ""
    rows = (desk.home / "results.tsv").read_text().splitlines()
    assert len({line.count("\t") for line in rows}) == 1
    assert rows[0].startswith("trial\tbegun\tbackend")
    assert rows[-1].split("\t")[5] == "incorrect"


def test_a_kernel_that_was_put_back_can_be_tried_again(desk: Desk, kept: dict[str, object]) -> None:
    before = desk.kernel.read_text()
    number = json.loads(desk.lar("log", "axpy", "--json", "--last", "1").stdout)[0]["trial"]
    done = desk.trial("--again", str(number), "--revert")
    assert done.returncode == 2, done.stderr
    assert "hypothesis: wrong\n" in done.stdout
    assert "git: tuned/numpy.* put back to the last commit's" in done.stdout
    assert desk.kernel.read_text() == before
    desk.kernel.write_text(kernel(times=3))
    refused = desk.trial("--again", str(number))
    assert refused.returncode == 64
    assert "tuned/numpy.* has changes that no commit has" in refused.stderr
    assert desk.kernel.read_text() == kernel(times=3)
    desk.kernel.write_text(before)
    assert "expect one of them" in desk.trial("--again", str(number), "--candidate", str(desk.kernel)).stderr
    assert desk.trial("--again", "9999").returncode == 64


def test_a_dirty_tree_is_refused_before_anything_runs(desk: Desk, kept: dict[str, object]) -> None:
    other = desk.home / "portable.py"
    text = other.read_text()
    other.write_text(text + "# more\n")
    done = desk.trial("--commit")
    other.write_text(text)
    assert done.returncode == 64
    assert "targets/axpy/portable.py" in done.stderr
    assert done.stdout == ""


def test_the_log_lists_shows_and_verifies(desk: Desk, kept: dict[str, object]) -> None:
    listed = desk.lar("log", "axpy").stdout.splitlines()
    assert listed[0].split()[:2] == ["trial", "begun"]
    assert "once instead of eight times" in listed[1]
    number = str(kept["number"])
    assert len(json.loads(desk.lar("log", "--json", "--last", "1").stdout)) == 1
    assert desk.lar("log", "--tsv").stdout.splitlines()[0] == (desk.home / "results.tsv").read_text().splitlines()[0]
    assert desk.lar("log", "--verify").stdout.startswith("whole: ")
    shown = desk.lar("show", number).stdout
    assert shown.startswith("decision: ")
    assert "x champion's time" in shown
    assert json.loads(desk.lar("show", number, "--json").stdout)["id"] == kept["number"]
    missing = desk.lar("show", "99")
    assert missing.returncode == 64
    assert "there is no trial 99" in missing.stderr


def test_a_trial_is_decided_again_from_its_samples(desk: Desk, kept: dict[str, object]) -> None:
    done = desk.lar("replay", str(kept["number"]))
    if kept["judgement"]["rule"] == "walls":  # type: ignore[index]
        pytest.skip("no record without walls")
    assert done.returncode == 0
    assert done.stdout.endswith("the same decision from the stored samples\n")


def test_the_champion_and_a_candidate_give_their_files_back(
    desk: Desk, kept: dict[str, object], tmp_path: Path
) -> None:
    assert desk.lar("champion", "axpy", "--out", str(tmp_path / "champion")).returncode == 0
    assert "tuned/numpy" in desk.lar("champion", "axpy", "--backend", "numpy").stdout
    assert "axpy on jax has no champion yet" in desk.lar("champion", "axpy", "--backend", "jax").stdout
    assert (tmp_path / "champion" / "numpy" / "numpy.py").read_text().startswith("\nimport numpy")
    assert desk.lar("show", str(kept["number"]), "--out", str(tmp_path / "one")).returncode == 0
    assert (tmp_path / "one" / "numpy.py").read_text() == kernel()


def test_a_brief_has_all_that_an_agent_needs(desk: Desk, kept: dict[str, object]) -> None:
    assert desk.lar("lesson", "axpy", "in place is   faster").returncode == 0
    text = desk.lar("brief", "axpy").stdout
    for part in (
        "once instead of eight times",
        "in place is faster",
        "% of limit",
        "# The contract with an agent",
        str(desk.kernel),
        str(desk.kernel.parents[1] / "portable.py"),
    ):
        assert part in text
    facts = json.loads(desk.lar("brief", "axpy", "--json").stdout)
    assert facts["trials"][0]["hypothesis"] == "once instead of eight times"
    assert desk.lar("lesson", "axpy", "  ").returncode == 64


def test_a_reset_asks_and_begins_anew(desk: Desk, kept: dict[str, object]) -> None:
    asked = subprocess.run(
        desk.command("reset", "axpy", "--to", "portable"),
        capture_output=True,
        text=True,
        env=desk.environment,
        input="n\n",
        check=False,
    )
    assert asked.stdout.endswith("nothing was changed\n")
    assert "tuned/numpy" in desk.lar("champion", "axpy").stdout
    assert desk.lar("reset", "axpy", "--to", "portable", "--yes").returncode == 0
    assert " portable " in desk.lar("champion", "axpy").stdout
    assert desk.lar("reset", "axpy", "--to", str(kept["number"]), "--yes").returncode == 0
    assert "tuned/numpy" in desk.lar("champion", "axpy").stdout
    assert desk.lar("reset", "axpy", "--to", "nothing", "--yes").returncode == 64


def test_a_killed_trial_says_interrupted_and_holds_nothing(desk: Desk, kept: dict[str, object]) -> None:
    before = desk.kernel.read_text()
    desk.kernel.write_text(kernel(times=2))
    words = desk.command("trial", "axpy", "--scale", "small", "--nq", "1", "-m", "to be killed")
    with subprocess.Popen(words, env=desk.environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while "running" not in desk.lar("log", "axpy", "--last", "1").stdout:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        busy = desk.trial()
        process.send_signal(signal.SIGKILL)
    assert busy.returncode == 8
    assert str(process.pid) in busy.stderr
    assert "interrupted" in desk.lar("log", "axpy", "--last", "1").stdout
    assert desk.lar("log", "--verify").returncode == 0
    desk.kernel.write_text(kernel(factor=3))
    assert desk.trial().returncode == 2
    desk.kernel.write_text(before)


def test_a_null_says_what_the_machine_can_see(desk: Desk, kept: dict[str, object]) -> None:
    done = desk.lar("null", "axpy", "--scale", "small", "--nq", "1", "--rounds", "1")
    assert done.returncode in {0, 6}, done.stderr
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert found["rounds"] == "1"
    assert found["false_keeps"].startswith("0 of 1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--mode", "quick"), "--mode quick: expect one of trial, baseline"),
        (("--candidate", "nowhere.py"), "--candidate nowhere.py: no such file"),
        (("--backend", "strict"), "it exists to be unkind"),
        (("--backend", "nupmy"), "Did you mean numpy"),
        (("--nq", "x"), "--nq x: expect whole numbers"),
    ],
)
def test_wrong_words_are_told_in_one_line(desk: Desk, words: tuple[str, ...], told: str) -> None:
    done = desk.trial(*words)
    assert done.returncode == 64
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_costs_the_row_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.sqlite3"
    foreign.write_text("this is no journal")
    done = desk.trial("--store", str(foreign))
    assert done.returncode == 64
    assert done.stderr.count("\n") == 1
    assert foreign.read_text() == "this is no journal"
