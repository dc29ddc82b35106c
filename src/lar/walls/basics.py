"""The plainest walls: resource limits, the switches of prctl(2), another user, no capabilities.

Each function raises one wall round this process and says how that went: ``on``, with what it holds, or ``absent: `` and
the reason. None of them raises an exception, since a worker with a wall less is told of, not refused.
"""

import contextlib
import ctypes
import os
import pwd
import resource
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LIBC: Any = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

USER = 60_827
"""The user and the group of a root's workers: beneath 65536, so that a container maps it, in a range (60706 to 61183)
that systemd leaves unused and Debian has given to nobody."""


def prctl(option: int, argument: int) -> str:
    """Set one of this process's switches."""
    if LIBC.prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0:
        return "on"
    return f"absent: {os.strerror(ctypes.get_errno())}"


def limits(values: Mapping[str, int]) -> str:
    """Lower resource limits, hard and soft, by their names in `resource`; a limit that is lower already stays."""
    for name, value in values.items():
        which = getattr(resource, f"RLIMIT_{name.upper()}")
        _, hard = resource.getrlimit(which)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (limit, limit))
    return f"on ({' '.join(sorted(values))})"


def user_refusal(user: int) -> str | None:
    """Return why nobody here can become this user; None if this process can."""
    if os.geteuid() != 0:
        return "only root can give a worker another user"
    with contextlib.suppress(KeyError):
        return f"the user {user} is {pwd.getpwuid(user).pw_name}'s"
    for kind in ("uid", "gid"):
        with contextlib.suppress(OSError):
            lines = [line.split() for line in Path(f"/proc/self/{kind}_map").read_text(encoding="ascii").splitlines()]
            if not any(int(first) <= user < int(first) + int(count) for first, _, count in lines):
                return f"this container has no user {user}"
    return None


def become(user: int) -> str:
    """Give up root for a user with no groups, for good."""
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError as error:
        return f"absent: {error.strerror}"
    return f"on ({user})"


def drop_capabilities() -> str:
    """Give up every capability, so that root is a user like others.

    The bounding set goes first: a program that root executes would have them all again.
    """
    for number in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break  # past the last one, or not allowed: then there is nothing to be had
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    nothing = ctypes.create_string_buffer(24)
    if LIBC.capset(header, nothing) != 0:
        return f"absent: {os.strerror(ctypes.get_errno())}"
    return "on"


def attempt(raise_wall: Callable[[], str]) -> str:
    """Raise a wall; what goes wrong on the way is a reason for its absence."""
    try:
        return raise_wall()
    except (OSError, ValueError, AttributeError) as error:
        return f"absent: {' '.join(str(error).split())}"


def loadavg_tasks() -> int:
    """Return how many threads there are on this machine: more than any one user can have. 0 where it is not told."""
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 0
