"""A wall is called available exactly where it could be raised, and a record needs those that were shown to hold."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lar import isolation

NAMES = [
    *("separate process", "sealed memory", "not dumpable", "own user", "rlimits", "no_new_privs", "PDEATHSIG"),
    *("bubblewrap", "Landlock", "seccomp"),
]
ALL_ON = {"bubblewrap": "on (files)", "landlock": "on (version 7: files)", "seccomp": "on (129 rules)"}


def test_every_wall_is_listed_and_raised() -> None:
    layers = isolation.layers()
    assert [layer.name for layer in layers] == NAMES
    assert all(layer.raised and layer.detail for layer in layers)


def test_looking_raises_nothing() -> None:
    if sys.platform != "linux":
        pytest.skip("the walls of a process can be read on Linux only")

    def state() -> list[str]:
        wanted = ("NoNewPrivs", "Seccomp:", "CapEff", "Uid")
        return [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(wanted)]

    before, open_files = state(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counted as the kernel lists them
    isolation.layers()
    assert state() == before
    assert len(os.listdir("/proc/self/fd")) == open_files  # noqa: PTH208  # likewise


@pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")
@pytest.mark.parametrize(("name", "option", "argument"), [("no_new_privs", 38, 1), ("PDEATHSIG", 1, 9)])
def test_what_is_called_available_can_be_raised(name: str, option: int, argument: int) -> None:
    (layer,) = (layer for layer in isolation.layers() if layer.name == name)
    script = f"import ctypes; raise SystemExit(ctypes.CDLL(None).prctl({option}, {argument}, 0, 0, 0) != 0)"
    assert layer.available == (subprocess.run([sys.executable, "-c", script], check=False).returncode == 0)


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is Linux's")
def test_bubblewrap_is_tried_and_not_only_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wall() -> isolation.Layer:
        return next(layer for layer in isolation.layers() if layer.name == "bubblewrap")

    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: no permission\nto create namespaces' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert not wall().available
    assert "no permission to create namespaces" in wall().detail
    program.write_text("#!/bin/sh\nexit 0\n")
    assert wall().available
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not wall().available
    assert "install" in wall().detail


@pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")
def test_a_kernel_without_a_wall_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from lar.walls import basics, landlock

    class NoSuchCall:
        def prctl(self, *_: object) -> int:
            return -1

        def syscall(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: NoSuchCall())
    monkeypatch.setattr(landlock, "LIBC", NoSuchCall())
    monkeypatch.setattr(os, "memfd_create", _refused)
    monkeypatch.setattr(basics, "user_refusal", lambda _: "it is somebody's")
    missing = {layer.name for layer in isolation.layers() if not layer.available}
    assert missing >= {"not dumpable", "no_new_privs", "PDEATHSIG", "Landlock", "seccomp", "sealed memory", "own user"}


def _refused(*_: object) -> int:
    raise OSError(38, "Function not implemented")


def test_a_record_needs_one_wall_round_files_and_one_round_processes() -> None:
    assert isolation.record_worthy(ALL_ON) is None
    assert isolation.record_worthy(ALL_ON | {"bubblewrap": "absent: not installed"}) is None
    assert isolation.record_worthy(ALL_ON | {"landlock": "absent: not known"}) is None


@pytest.mark.parametrize(
    "without", [("bubblewrap", "landlock"), ("seccomp",), ("bubblewrap", "landlock", "seccomp")], ids=" ".join
)
def test_the_reason_against_a_record_names_the_wall_and_why_it_is_missing(without: tuple[str, ...]) -> None:
    reason = isolation.record_worthy(ALL_ON | dict.fromkeys(without, "absent: this system is too old"))
    assert reason is not None
    assert without[0] in reason.lower()
    assert "this system is too old" in reason


def test_walls_that_nobody_tells_of_do_not_stand() -> None:
    assert isolation.record_worthy({}) is not None
    assert isolation.record_worthy(ALL_ON | {"seccomp": ""}) is not None
    assert isolation.record_worthy(ALL_ON | {"seccomp": "only just"}) is not None
