"""The canaries themselves: each one notices what it is there for."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hostile.canaries import Canaries


@pytest.fixture
def canaries(tmp_path: Path) -> Canaries:
    folder = tmp_path / "kernel"
    folder.mkdir()
    found = Canaries(folder, tmp_path)
    found.set()
    return found


def test_nothing_happened(canaries: Canaries) -> None:
    assert canaries.disturbed() == []


def test_a_file_beside_the_kernel(canaries: Canaries) -> None:
    (canaries.folder / "numpy.py").write_text("", encoding="utf-8")
    assert [line.split(":")[0] for line in canaries.disturbed()] == ["folder"]


def test_a_connection(canaries: Canaries) -> None:
    folder, port, process = canaries.address.split("|")
    assert (folder, process) == (str(canaries.folder), str(os.getpid()))
    with socket.create_connection(("127.0.0.1", int(port))):
        assert canaries.disturbed() == ["network: somebody connected"]


def test_a_process_that_was_left_behind(canaries: Canaries) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=canaries.folder) as process:
        assert canaries.disturbed() == [f"process: {process.pid} is left"]
        process.kill()


def test_a_setting_of_the_supervisor(canaries: Canaries) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(before * 2)
    try:
        assert [line.split(":")[0] for line in canaries.disturbed()] == ["switch interval"]
    finally:
        sys.setswitchinterval(before)
