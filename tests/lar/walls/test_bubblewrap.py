"""Behind bubblewrap there is what was given, and it is used where it was seen to work."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lar.walls import basics, bubblewrap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


@pytest.fixture
def bubblewrap_here() -> None:
    _, reason = bubblewrap.choose()
    if reason:
        pytest.skip(reason)


@pytest.mark.usefixtures("bubblewrap_here")
def test_behind_bubblewrap_there_is_what_was_given_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    for name in ("closed/given", "write", "other"):
        (tmp_path / name).mkdir()
    root = os.geteuid() == 0
    words = bubblewrap.prefix(
        user_namespace=not root,
        read=["/usr", str(tmp_path / "closed" / "given"), str(tmp_path / "missing")],
        write=[str(tmp_path / "home"), str(tmp_path / "write")],
        devices=["/dev/null"],
        home=str(tmp_path / "home"),
    )
    script = f"""
ls {tmp_path} {tmp_path}/closed /dev
touch {tmp_path}/home/x {tmp_path}/write/x && echo written
touch /x {tmp_path}/closed/given/x /usr/x 2>/dev/null || echo refused
cat /proc/net/dev | wc -l; ls -d /proc/[0-9]* | wc -l; pwd
"""
    become = ["setpriv", f"--reuid={basics.USER}", f"--regid={basics.USER}", "--clear-groups"] if root else []
    if root:
        (tmp_path / "write").chmod(0o777)
    done = subprocess.run([*words, "--", *become, "sh", "-c", script], capture_output=True, text=True, check=True)
    lines = done.stdout.split()
    assert {"closed", "home", "write", "given", "written", "refused", "null", str(tmp_path / "home")} <= set(lines)
    assert not {"other", "missing", "zero", "sda"} & set(lines)
    assert "3" in lines  # the headings and the loopback device alone
    assert (tmp_path / "write" / "x").exists()
    assert not (tmp_path / "home").exists()


def test_paths_within_others_are_given_once() -> None:
    found = bubblewrap.outermost(["/usr/lib", "/usr", "/usr2", "/a/b", "/a/b/c", "/usr"])
    assert found == ["/usr", "/usr2", "/a/b"]


def test_a_trial_run_that_hangs_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(bubblewrap, "_PATIENCE_S", 0.2)
    began = time.monotonic()
    assert "trial run failed" in (bubblewrap.choose()[1] or "")
    assert time.monotonic() - began < 30
