"""The plainest walls hold, and say so."""

import os
import subprocess
import sys

import pytest
from tests.processes import in_a_process

from lar.walls import basics

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")


def test_a_limit_is_lowered_and_never_raised() -> None:
    found = in_a_process(
        """
        import resource
        from lar.walls import basics
        basics.limits({"nofile": 100})
        said = basics.limits({"nofile": 200, "core": 0})
        print(json.dumps([said, resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)]))
        """
    )
    assert found == ["on (core nofile)", [100, 100], [0, 0]]


def test_capabilities_are_gone_for_programs_too() -> None:
    found = in_a_process(
        """
        import subprocess
        from lar.walls import basics
        said = basics.drop_capabilities()
        told = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
        held = [line.split()[1] for line in told.splitlines() if line.startswith(("CapPrm", "CapEff"))]
        print(json.dumps([said, held]))
        """
    )
    assert found == ["on", ["0" * 16, "0" * 16]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_a_user_without_groups() -> None:
    found = in_a_process(
        f"""
        from lar.walls import basics
        said = basics.become({basics.USER})
        try: os.setuid(0)
        except OSError as error: back = error.errno
        print(json.dumps([said, os.getresuid(), os.getresgid(), os.getgroups(), back]))
        """
    )
    user = basics.USER
    assert found == [f"on ({user})", [user] * 3, [user] * 3, [], 1]


def test_a_user_that_somebody_has_is_named() -> None:
    if os.geteuid() != 0:
        assert "only root" in (basics.user_refusal(basics.USER) or "")
        return
    assert basics.user_refusal(0) == "the user 0 is root's"


def test_a_container_without_the_user_says_so() -> None:
    script = f"from lar.walls import basics; print(basics.user_refusal({basics.USER}))"
    source = f"import sys; sys.path[:] = {[one for one in sys.path if one]!r}; {script}"
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.stdout.strip() == f"this container has no user {basics.USER}"
