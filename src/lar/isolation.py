"""Which walls round a worker this system offers, found out without raising one, and which of them lar raises.

A wall that is there and not raised is said as plainly as one that is missing: whoever reads a result should know what
its kernel could have reached.
"""

import contextlib
import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# linux/prctl.h, linux/landlock.h and, for every processor Linux has but Alpha, the system call's number.
_PR_GET_PDEATHSIG = 2
_PR_GET_SECCOMP = 21
_PR_GET_NO_NEW_PRIVS = 39
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_CREATE_RULESET_VERSION = 1


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
        _layer("rlimits", _limits, "memory, file size, open files and processor time end"),
        _layer("no_new_privs", lambda: _prctl(_PR_GET_NO_NEW_PRIVS), "no set-user-id program gives more rights"),
        _layer("PDEATHSIG", lambda: _prctl(_PR_GET_PDEATHSIG), "no worker outlives its supervisor"),
        _layer("bubblewrap", _bubblewrap, "own users, processes and network, a read-only system", raised=False),
        _layer("Landlock", _landlock, "only the files that are needed can be opened", raised=False),
        _layer("seccomp", _seccomp, "no sockets, no new processes, no tracing", raised=False),
    ]


def _layer(name: str, missing: Callable[[], str | None], keeps_out: str, *, raised: bool = True) -> Layer:
    reason = missing()
    return Layer(name, reason is None, raised, reason or keeps_out)


# Each of these returns None if the wall can be raised here, or why not.


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
    if shutil.which("bwrap") is None:
        return "bwrap is not installed: install the package bubblewrap"
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--", "true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"a trial run failed: {error}"
    return None if done.returncode == 0 else f"a trial run failed: {' '.join(done.stderr.split())}"


def _landlock() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    libc: Any = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_CREATE_RULESET_VERSION)
    return None if version >= 1 else f"landlock_create_ruleset: {os.strerror(ctypes.get_errno())}"


def _seccomp() -> str | None:
    missing = _prctl(_PR_GET_SECCOMP)
    if missing is not None:
        return missing
    with contextlib.suppress(OSError):
        if "errno" not in Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split():
            return "the kernel's filters cannot answer with an error"
    return None
