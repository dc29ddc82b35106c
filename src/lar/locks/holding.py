"""Taking a lock, waiting for it, holding it, letting it go: by threads of this process and against all others."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lar.errors import BusyError
from lar.locks.files import file_name, open_file, told
from lar.locks.words import holder, write_words

Tell = Callable[[str], None]
"""Takes one line for a person: whom this process waits for."""

_PAUSES_S = (0.01, 0.02, 0.05, 0.1)  # asking takes microseconds, so that waiting does not disturb what is being timed
_held = threading.local()
_descriptors: set[int] = set()


@contextlib.contextmanager
def hold(
    folder: Path, what: str, key: str, wait_s: float, doing: str, tell: Tell | None, *, everybody: bool = False
) -> Iterator[None]:
    """Hold the lock of a key in a folder; see `lar.locks` for what it promises."""
    path = folder / file_name(key)
    mine: set[Path] = _held.__dict__.setdefault("paths", set())
    if path in mine:
        yield
        return
    descriptor = _take(path, what, wait_s, tell, everybody=everybody)
    try:
        write_words(descriptor, doing)
        mine.add(path)
        yield
    finally:
        mine.discard(path)
        _release(descriptor)


def _take(path: Path, what: str, wait_s: float, tell: Tell | None, *, everybody: bool) -> int:
    """Lock a file and return its descriptor."""
    deadline = time.monotonic() + wait_s
    asked = 0
    while True:
        with told(path):
            descriptor = open_file(path, everybody=everybody)
        _descriptors.add(descriptor)
        taken = False
        try:
            with told(path):
                taken = _try(descriptor)
            if taken:
                # Somebody may have cleared the folder up since it was opened: then the next file there counts.
                taken = _is_at(descriptor, path)
                if taken:
                    return descriptor
                continue
            if time.monotonic() >= deadline:
                raise BusyError(f"{what} is held by {holder(descriptor)}")
            if asked == 0 and tell is not None:
                tell(f"waiting for {what}, held by {holder(descriptor)}")
        finally:
            if not taken:
                _close(descriptor)
        pause = _PAUSES_S[min(asked, len(_PAUSES_S) - 1)]
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        asked += 1


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _release(descriptor: int) -> None:
    if descriptor in _descriptors:  # not in a child that left the block its parent had forked in
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        _close(descriptor)


def _close(descriptor: int) -> None:
    _descriptors.discard(descriptor)
    os.close(descriptor)


def _forget_in_child() -> None:
    """Close what a fork has copied: the lock stays the parent's and ends with it."""
    for descriptor in _descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()
    _held.__dict__.clear()


os.register_at_fork(after_in_child=_forget_in_child)
