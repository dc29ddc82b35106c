"""An identity outlives its process: nothing else is ever taken for it, and what is out of sight is not called gone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lar import processes


def test_this_process_is_there() -> None:
    who = processes.identity()
    assert who["pid"] == os.getpid()
    assert not processes.gone(who)
    assert not processes.gone(json.loads(json.dumps(who))), "also after it was written down"


def test_a_process_is_gone_as_soon_as_it_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = processes.identity(child.pid)
    assert not processes.gone(who)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.gone(who), "while it is a zombie"
    child.communicate()
    assert processes.gone(who)
    assert processes.identity(child.pid)["started"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("name", ["python", "a b", ") R 1 (", "x) Z 1"])
def test_a_programs_name_does_not_confuse(name: str, tmp_path: Path) -> None:
    link = tmp_path / name
    link.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(link), "60"])
    try:
        assert not processes.gone(processes.identity(child.pid))
    finally:
        child.kill()
        child.wait()


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda who: {**who, "started": who["started"] + 1},  # its id belongs to another by now
    lambda who: {**who, "boot": "another"},
    lambda who: {**who, "started": None},
    lambda who: {**who, "pid": 0},
    lambda who: {**who, "pid": -1},
    lambda who: {**who, "pid": "1"},
    lambda _: {},
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_be_that_process_is_gone(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    assert processes.gone(change(processes.identity()))


def test_a_process_in_another_container_may_be_there() -> None:
    assert not processes.gone({**processes.identity(), "pid": 2**22 + 1, "namespace": "pid:[1]"})


def test_a_process_that_is_hidden_is_not_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    who = processes.identity()

    def refuse(pid: int, signal: int) -> None:
        assert (pid, signal) == (who["pid"], 0)
        raise PermissionError

    monkeypatch.setattr(processes, "_started", lambda pid: None)
    assert processes.gone(who)
    monkeypatch.setattr(os, "kill", refuse)
    assert not processes.gone(who)
