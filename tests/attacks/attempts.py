"""What attempts on the walls are made of. One returns what it got hold of; one that is refused raises."""

import ctypes
import os
import subprocess
from collections.abc import Callable
from typing import Any

FACTS: dict[str, Any] = {}
"""Whom and what to attack; filled in by the kernel."""

LIBC: Any = ctypes.CDLL(None, use_errno=True)
ATTEMPTS: dict[str, Callable[[], object]] = {}
INSIDE: dict[str, Callable[[Any], object]] = {}


def attempt(function: Callable[[], object]) -> Callable[[], object]:
    ATTEMPTS[function.__name__] = function
    return function


def inside(function: Callable[[Any], object]) -> Callable[[Any], object]:
    """Register an attempt on the sealed memory that it is given."""
    INSIDE[function.__name__] = function
    return function


def call(name: str, *arguments: Any) -> int:
    """Make a call of the C library that answers -1 where it is refused."""
    result: int = getattr(LIBC, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def tried(what: Callable[[], object]) -> str:
    try:
        return f"got {what()}"
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"refused: {type(error).__name__}: {error}"
