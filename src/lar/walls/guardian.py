"""A worker's parent, where no process namespace is: whatever the worker starts ends with it, however far it ran.

A child that forks twice and opens a session of its own leaves every group one could kill. It is given to its nearest
ancestor that asked for orphans, and that is the guardian: a process of ours between supervisor and worker, outside the
worker's walls. So nothing is left behind, and the program that uses lar adopts no strangers and keeps its own children.
"""

import contextlib
import os
import select
import signal
from pathlib import Path

from lar.walls import basics


def stand(lifeline: int) -> None:
    """Fork. The child returns, to become the worker in a session of its own; the parent never does.

    Parameters
    ----------
    lifeline : int
        The reading end of a pipe. Once something can be read from it, or all that could write to it are gone, the
        guardian kills its child with all it has started. It then ends as the child did: with its exit code, or with 128
        and the signal's number.
    """
    basics.prctl(basics.PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        os.close(lifeline)
        os.setsid()
        return
    code = 1
    try:
        code = _guard(child, lifeline)
    finally:
        os._exit(code)


def _guard(child: int, lifeline: int) -> int:
    basics.prctl(basics.PR_SET_DUMPABLE, 0)
    os.dup2(lifeline, 3)
    os.closerange(4, 1 << 16)  # above all the worker's socket: its end must be seen by the supervisor
    with contextlib.suppress(ProcessLookupError):
        ended = os.pidfd_open(child)
        watched = select.poll()
        for descriptor in (3, ended):
            watched.register(descriptor, select.POLLIN)
        watched.poll()
    code = 0
    with contextlib.suppress(ChildProcessError):
        while True:
            _kill_children(spare=None if _readable(3) else child)
            pid, status = os.waitpid(-1, 0)
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def _kill_children(spare: int | None) -> None:
    """Kill all children but one that has ended by itself: its own exit status is to be told."""
    for pid in _children():
        if pid != spare:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _children() -> list[int]:
    own = os.getpid()
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{own}/task/{own}/children").read_text(encoding="ascii").split()]
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):  # a kernel that keeps no list of children
        with contextlib.suppress(OSError):
            if int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]) == own:
                found.append(int(path.parent.name))
    return found
