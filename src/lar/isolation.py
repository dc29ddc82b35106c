"""Which walls round a worker this system offers, found out without raising one, and what a record needs of them.

A wall that is there and not raised is said as plainly as one that is missing: whoever reads a result should know what
its kernel could have reached.
"""

import contextlib
import ctypes
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# linux/prctl.h
_PR_GET_PDEATHSIG = 2
_PR_GET_DUMPABLE = 3
_PR_GET_SECCOMP = 21
_PR_GET_NO_NEW_PRIVS = 39


@dataclass(frozen=True)
class Layer:
    """One wall.

    Attributes
    ----------
    name : str
    available : bool
        Whether this system offers it.
    raised : bool
        Whether lar raises it round every worker, where it is available.
    detail : str
        What it keeps out; where it is not available, why not.
    """

    name: str
    available: bool
    raised: bool
    detail: str


def layers() -> list[Layer]:
    """Return every wall, from the plainest to the strictest; takes a few milliseconds."""
    return [
        _layer("separate process", _processes, "a crash, a hang or a changed global state stays in the worker"),
        _layer("sealed memory", _sealed_memory, "inputs in a memfd that the worker cannot write to"),
        _layer("not dumpable", lambda: _prctl(_PR_GET_DUMPABLE), "nobody reads the supervisor's memory or descriptors"),
        _layer("own user", _own_user, "a user that owns nothing, so that the limit on processes holds for root too"),
        _layer("rlimits", _limits, "memory, file size, open files, processes and processor time end"),
        _layer("no_new_privs", lambda: _prctl(_PR_GET_NO_NEW_PRIVS), "no set-user-id program gives more rights"),
        _layer("PDEATHSIG", lambda: _prctl(_PR_GET_PDEATHSIG), "no worker outlives its supervisor"),
        _layer("bubblewrap", _bubblewrap, "own processes and network, a system that is read-only and small"),
        _layer("Landlock", _landlock, "only the files that are needed can be opened"),
        _layer("seccomp", _seccomp, "no sockets, no new processes, no tracing, no scheduling"),
    ]


def record_worthy(isolation: Mapping[str, str]) -> str | None:
    """Return why what a worker measured behind these walls must not become a record; None if it may.

    Files are kept from a kernel by bubblewrap or by Landlock. Neither keeps it from starting a process, which neither a
    stop nor the worker's clock reaches: that is seccomp's part.

    Parameters
    ----------
    isolation : mapping of str to str
        What `lar.supervisor.WorkerProcess.isolation` says, which an outcome repeats.
    """
    if not (_stands(isolation, "bubblewrap") or _stands(isolation, "landlock")):
        reasons = [isolation.get(name, "not known").removeprefix("absent: ") for name in ("bubblewrap", "landlock")]
        return f"the kernel could reach other files: no bubblewrap ({reasons[0]}) and no Landlock ({reasons[1]})"
    if not _stands(isolation, "seccomp"):
        reason = isolation.get("seccomp", "not known").removeprefix("absent: ")
        return f"the kernel could have others work for it: no seccomp ({reason})"
    return None


def _stands(isolation: Mapping[str, str], name: str) -> bool:
    return isolation.get(name, "").split(" ")[0] == "on"


def _layer(name: str, missing: Callable[[], str | None], keeps_out: str) -> Layer:
    reason = missing()
    return Layer(name, reason is None, raised=True, detail=reason or keeps_out)


# Each of these returns None if the wall can be raised here, or why not. The walls are imported on Linux alone.


def _processes() -> str | None:
    return None if hasattr(os, "posix_spawn") else "this system starts no POSIX processes"


def _sealed_memory() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    import fcntl

    try:
        descriptor = os.memfd_create("lar-doctor", os.MFD_ALLOW_SEALING)
    except OSError as error:
        return f"memfd_create: {error.strerror}"
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, getattr(fcntl, "F_SEAL_FUTURE_WRITE", 0x10))
    except OSError as error:
        return f"F_SEAL_FUTURE_WRITE: {error.strerror} (Linux 5.1 has it)"
    finally:
        os.close(descriptor)
    return None


def _own_user() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    from lar.walls import basics

    return basics.user_refusal(basics.USER)


def _limits() -> str | None:
    return None if importlib.util.find_spec("resource") else "this system has no resource limits"


def _prctl(option: int) -> str | None:
    """Ask for a state of this process, which succeeds exactly where the kernel knows the wall."""
    if sys.platform != "linux":
        return "needs Linux"
    state = ctypes.c_int()
    argument = ctypes.byref(state) if option == _PR_GET_PDEATHSIG else 0
    libc = ctypes.CDLL(None, use_errno=True)
    return None if libc.prctl(option, argument, 0, 0, 0) >= 0 else os.strerror(ctypes.get_errno())


def _bubblewrap() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    from lar.walls import bubblewrap

    return bubblewrap.choose()[1]


def _landlock() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    from lar.walls import landlock

    try:
        landlock.version()
    except OSError as error:
        return str(error.strerror)
    return None


def _seccomp() -> str | None:
    missing = _prctl(_PR_GET_SECCOMP)
    if missing is not None:
        return missing
    with contextlib.suppress(OSError):
        if "errno" not in Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split():
            return "the kernel's filters cannot answer with an error"
    from lar.walls import seccomp

    try:
        seccomp.library()
    except OSError as error:
        return str(error.strerror)
    return None
