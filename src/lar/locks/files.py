"""The files that locks are taken on, in folders where other users may have put anything in the way."""

import contextlib
import hashlib
import itertools
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lar.errors import StoreError


def open_file(path: Path, *, everybody: bool) -> int:
    """Open a lock's file, never through a link, and make it where there is none.

    Where anybody may make files, Linux refuses O_CREAT for another user's file (fs.protected_regular): so it is opened
    first, and made only if it is not there.
    """
    mode = 0o666 if everybody else 0o600
    for attempt in itertools.count():
        try:
            descriptor = _open_or_make(path, mode)
            break
        except (FileNotFoundError, FileExistsError):  # removed, or made, between two looks
            if attempt >= 100 or not path.parent.is_dir():
                raise
        except PermissionError:
            if attempt >= 10:  # long enough for whoever made file or folder to open it to everybody
                raise
            time.sleep(0.01)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        os.close(descriptor)
        raise StoreError(f"{path}: is not a lock's file; remove it")
    return descriptor


def _open_or_make(path: Path, mode: int) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        os.fchmod(descriptor, mode)  # whatever the umask
        return descriptor


def machine_folder() -> Path:
    """Return the folder of the locks that the whole machine shares, made so that every user can use it."""
    # Not tempfile.gettempdir(): with a TMPDIR of their own (a session's, a service's) two users would not meet.
    shared = Path("/tmp")  # noqa: S108 - the one folder that every user of a machine shares; see the checks below
    folder = Path(
        os.environ.get("LAR_LOCKS") or (shared if shared.is_dir() else Path(tempfile.gettempdir())) / "lar-locks"
    )
    with told(folder):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode):
            raise StoreError(f"{folder}: is not a folder; remove it")
        if about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) != 0o1777:
            folder.chmod(0o1777)  # as for /tmp itself: anybody makes files, nobody removes another's
    return folder


def file_name(key: str) -> str:
    """Return a name that no other key has, and from which a person can tell what it is."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in key)[:80]
    return f"{plain}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}.lock"


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the file system says into one line for a person."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from None
