"""A wall is called available exactly where it could be raised."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lar import isolation

RAISED = {"separate process", "sealed memory", "rlimits", "no_new_privs", "PDEATHSIG"}
NOT_YET = {"bubblewrap", "Landlock", "seccomp"}


def test_every_wall_is_listed_with_what_lar_does_about_it() -> None:
    layers = isolation.layers()
    assert {layer.name for layer in layers if layer.raised} == RAISED
    assert {layer.name for layer in layers if not layer.raised} == NOT_YET
    assert all(layer.detail for layer in layers)


def test_looking_raises_nothing() -> None:
    if sys.platform != "linux":
        pytest.skip("the walls of a process can be read on Linux only")

    def state() -> list[str]:
        wanted = ("NoNewPrivs", "Seccomp:", "CapEff")
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


def test_bubblewrap_is_tried_and_not_only_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name != "posix":
        pytest.skip("the stand-in for bwrap is a shell script")

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


def test_a_kernel_without_a_wall_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSuchCall:
        def prctl(self, *_: object) -> int:
            return -1

        def syscall(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: NoSuchCall())
    if hasattr(os, "memfd_create"):
        monkeypatch.setattr(os, "memfd_create", _refused)
    missing = {layer.name for layer in isolation.layers() if not layer.available}
    assert missing >= {"no_new_privs", "PDEATHSIG", "Landlock", "seccomp", "sealed memory"}


def _refused(*_: object) -> int:
    raise OSError(38, "Function not implemented")
