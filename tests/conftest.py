"""Running the suite on several cores: what times something has the machine to itself, what shares work runs together.

Under ``pytest -n 2`` tests run beside each other. A test marked ``alone`` waits until no other runs, and none begins
before it has ended: a kernel that is timed beside somebody's compilation is rightly called disturbed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ALONE = (
    "hostile",
    "lar/test_bench",
    "lar/test_ceilings",
    "lar/test_cli_loop",
    "lar/test_clock",
    "lar/test_null",
    "lar/test_pairing",
    "lar/test_quota",
    "lar/test_recorded",
    "lar/test_scaffold",
    "lar/test_supervisor",
    "lar/test_timing",
    "lar/test_trial",
)
"""Beginnings of the paths of tests that time something, or that a deadline of a worker's decides."""

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has to be alone, and group what shares compiled kernels, data sets or fixtures of a module."""
    for item in items:
        path = item.path.relative_to(_HERE).as_posix() if item.path.is_relative_to(_HERE) else str(item.path)
        if path.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        target, backend = parameters.get("target"), parameters.get("backend")
        group = f"{target} {backend}" if isinstance(target, str) else path
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait for a turn: alone, or together with others that need not be."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent  # of all workers of this run
    kind = fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH
    # Who wants to be alone holds the door while waiting for the room to empty; otherwise others would go in for ever.
    with _locked(folder / "door", fcntl.LOCK_EX) as door, _locked(folder / "room", kind):
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, kind)
        yield handle
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # closing would not do while a forked child has it open
        os.close(handle)
