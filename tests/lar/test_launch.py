"""What a worker is started with: cores that nobody else uses, a bare environment, limits."""

import os
from pathlib import Path

import pytest
from tests.workers import launch

from lar.launch import idle_cores


def test_the_core_that_did_least_is_taken_and_the_last_of_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr("psutil.cpu_percent", lambda **_: [50.0, 3.0, 100.0, 3.0])
    assert idle_cores(1) == {3}
    assert idle_cores(2) == {1, 3}
    assert idle_cores(3) == {0, 1, 3}


def test_as_many_cores_as_asked_for_and_no_more_than_allowed() -> None:
    allowed = os.sched_getaffinity(0)
    assert idle_cores(1) <= allowed
    assert idle_cores(len(allowed)) == allowed


def test_the_environment_holds_nothing_but_what_a_worker_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    found = launch(tmp_path / "kernel.py", tmp_path).environment(tmp_path)
    assert "SECRET" not in found
    assert found["NUMBA_CPU_NAME"] == "generic"
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["HOME"] == str(tmp_path)


def test_limits_cover_memory_files_and_time(tmp_path: Path) -> None:
    limits = launch(tmp_path / "kernel.py", tmp_path, budget=100.0).limits()
    assert limits["data"] == 2 << 30
    assert limits["core"] == 0
    assert 100 < limits["cpu"] < 100 * (os.cpu_count() or 1) + 61
