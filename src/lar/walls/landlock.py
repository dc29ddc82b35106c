"""Landlock: which files a process can open, by the kernel's own hand, without privileges and without namespaces.

Every access that the running kernel can restrict is restricted; rules then give back what is needed. A rule holds for
everything beneath its folder. What Landlock leaves open (status, owners, modes, times of files) seccomp closes.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

from lar.walls.basics import LIBC

# Numbers of system calls: the same on every processor that Linux has but Alpha.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

# linux/landlock.h
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_VERSION = (1 << 13) - 1  # execute, write, read, list, remove and make of all kinds
_SINCE = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_TCP = 0b11  # bind and connect, since version 4
_SCOPES = 0b11  # abstract sockets and signals, since version 6

_ON_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
READ = _READ_FILE | _READ_DIR
LOOK = _READ_DIR
WRITE = READ | _WRITE_FILE | _TRUNCATE | _MAKE_REG | _MAKE_DIR | _REMOVE_FILE | _REMOVE_DIR | _REFER
DEVICE = READ | _WRITE_FILE | _IOCTL_DEV


def version() -> int:
    """Return the version of Landlock's interface.

    Raises
    ------
    OSError
        If this kernel has none, or it was switched off at boot.
    """
    found: int = LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if found < 1:
        raise OSError(ctypes.get_errno(), f"landlock_create_ruleset: {os.strerror(ctypes.get_errno())}")
    return found


def restrict(rules: Iterable[tuple[str, int]]) -> str:
    """Confine this thread, and all it starts from now on, to some files.

    Parameters
    ----------
    rules : iterable of (str, int)
        A path, and one of `READ`, `LOOK` (list folders), `WRITE` and `DEVICE`. A path that is not there is left out.

    Raises
    ------
    OSError
        If the kernel refuses; the process is as free as before.
    """
    abi = version()
    handled = _FIRST_VERSION
    for since, right in _SINCE.items():
        handled |= right if abi >= since else 0
    fields = [handled, _TCP, _SCOPES][: 3 if abi >= 6 else 2 if abi >= 4 else 1]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0), "create_ruleset")
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        _checked(LIBC.syscall(_RESTRICT_SELF, ruleset, 0), "restrict_self")
    finally:
        os.close(ruleset)
    held = ["files", *(["TCP"] if abi >= 4 else []), *(["signals", "abstract sockets"] if abi >= 6 else [])]
    return f"on (version {abi}: {', '.join(held)})"


def _allow(ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(f"/proc/self/fd/{parent}"):  # noqa: PTH112 - as quick as this can be asked
                rights &= _ON_A_FILE
            if rights:
                rule = struct.pack("=Qi", rights, parent)
                _checked(LIBC.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), f"add_rule {path}")
        finally:
            if path != "/proc/self":  # kept open: once out of the kernel's cache, it would come back as another
                os.close(parent)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock_{what}: {os.strerror(ctypes.get_errno())}")
    return result
