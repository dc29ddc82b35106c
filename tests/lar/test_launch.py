"""What a worker is started with: cores that nobody else uses, a bare environment, limits."""

import dataclasses
import os
from pathlib import Path

import pytest
from tests.workers import HONEST, launch, write_kernel

from lar.launch import enclosure, idle_cores
from lar.walls import basics, bubblewrap


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
    assert limits["nproc"] > basics.loadavg_tasks()
    assert 100 < limits["cpu"] < 100 * (os.cpu_count() or 1) + 61


def without_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "choose_once", lambda: (True, "it is not installed"))


def test_a_wall_that_cannot_be_raised_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_bubblewrap(monkeypatch)
    monkeypatch.setattr(basics, "user_refusal", lambda _: "somebody has it")
    found = enclosure(launch(write_kernel(tmp_path, HONEST), tmp_path), tmp_path / "home", 9)
    assert found.absent == {"user": "absent: somebody has it", "bubblewrap": "absent: it is not installed"}
    assert (found.prefix, found.plan.user, found.plan.lifeline) == ([], None, 9)


def test_behind_bubblewrap_no_guardian_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "choose_once", lambda: (True, None))
    found = enclosure(launch(write_kernel(tmp_path, HONEST), tmp_path), tmp_path / "home", 9)
    assert found.plan.lifeline is None
    assert found.plan.user is None  # a user namespace has one user
    assert "user" in found.absent
    assert "--unshare-user" in found.prefix


def test_a_worker_reads_its_kernel_and_neither_cache_nor_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_bubblewrap(monkeypatch)
    for name in ("cache", "roots", "compiled"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAR_STORE", str(tmp_path / "journal.sqlite3"))
    (tmp_path / "journal.sqlite3").touch()
    monkeypatch.syspath_prepend(str(tmp_path))  # all of it could be imported from
    kernel = write_kernel(tmp_path / "roots", HONEST)
    found = enclosure(launch(kernel, tmp_path), tmp_path / "home", 9).plan
    assert str(tmp_path / "roots") in found.read
    given = [Path(one) for one in (*found.read, *found.write)]
    for name in ("cache", "journal.sqlite3"):
        assert not [one for one in given if (tmp_path / name).is_relative_to(one)]
    assert set(found.write) == {str(tmp_path / "home"), str(tmp_path / "compiled")}


def test_a_kernel_elsewhere_is_given_without_its_folder(tmp_path: Path) -> None:
    kernel = write_kernel(tmp_path, HONEST)
    (tmp_path / "secret").touch()
    found = enclosure(launch(kernel, tmp_path), tmp_path / "home", 9).plan
    assert str(kernel) in found.read
    assert str(tmp_path) in found.look
    assert not [one for one in found.read if tmp_path.is_relative_to(one)]


def test_devices_are_given_where_one_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lar.walls.paths.accelerators", lambda: ["/dev/nvidia0"])
    words = launch(write_kernel(tmp_path, HONEST), tmp_path)
    plan = enclosure(words, tmp_path / "home", 9).plan
    assert "/dev/nvidia0" in plan.devices
    assert "/sys" in plan.read
    on_cpu = enclosure(dataclasses.replace(words, device="cpu"), tmp_path / "home", 9).plan
    assert "/dev/nvidia0" not in on_cpu.devices
    assert "/sys" not in on_cpu.read
