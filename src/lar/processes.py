"""Which process is which, by facts that outlive it: a process id alone is soon given to another.

Whoever writes down that a process holds or does something must later be able to tell whether that very process is
still there, also after a SIGKILL, a reboot, or from within another container. So an identity is the id together with
the moment the process started, the boot it belongs to and the namespace its id is counted in; and what is out of sight
is never called gone.
"""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


def identity(pid: int | None = None) -> dict[str, Any]:
    """Return what tells a process from every other one.

    Parameters
    ----------
    pid : int or None
        None for the process that asks.

    Returns
    -------
    dict
        JSON-able: ``pid`` (int), ``started`` (clock ticks since boot; where there is no `/proc`, seconds since 1970;
        None if there is no such process), ``boot`` and ``namespace`` (str; empty where the system does not tell).
    """
    pid = os.getpid() if pid is None else pid
    return {"pid": pid, "started": _started(pid), "boot": _boot(), "namespace": _namespace()}


def gone(who: Mapping[str, Any]) -> bool:
    """Say whether a process is certain to run no more.

    Parameters
    ----------
    who : mapping
        What `identity` returned, possibly in another process, before a reboot, or on another machine.

    Returns
    -------
    bool
        True also of a zombie, of another process under the same id, and of an identity that names no process at all.
        False of one that cannot be seen from here: a process in another container of the same machine.
    """
    pid, started = who.get("pid"), who.get("started")
    if not isinstance(pid, int) or pid <= 0 or started is None or who.get("boot") != _boot():
        return True
    if who.get("namespace") != _namespace():
        return False
    found = _started(pid)
    if found is not None:
        return bool(found != started)
    try:
        os.kill(pid, 0)  # sends nothing
    except PermissionError:
        return False  # another user's, in a /proc that hides those
    except OSError:
        return True
    return True  # a zombie, or it has ended just now


def _started(pid: int) -> float | None:
    """Return when a process started; None of one that is not there, or that has ended and was not waited for."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # The second field is the program's name in brackets, which may itself hold spaces and brackets.
            fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
            return None if fields[0] in {b"Z", b"X"} else int(fields[19])
        return None
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    return None


def _boot() -> str:
    with contextlib.suppress(OSError):
        return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
    return ""


def _namespace() -> str:
    with contextlib.suppress(OSError):
        return str((_PROC / "self" / "ns" / "pid").readlink())
    return ""
