"""How much a folder holds that an untrusted process can write to, and how it is removed whatever was made of it.

`os.walk` and `shutil.rmtree` call themselves once for each level, and a thousand levels end them with an error of
Python's. So nothing here does, and a tree that is too deep to be looked at counts as too large.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

_DEEPEST = 64
_BLOCK = 4096


def used(folder: Path, limit: int) -> int:
    """Return the bytes that a folder's files take up on the disk, everything at least a block; links are not followed.

    Parameters
    ----------
    folder : Path
        One that is missing holds nothing.
    limit : int
        Bytes. Counting ends above it, and a tree of more than 64 levels is above it.
    """
    total = 0
    waiting = [(str(folder), 0)]
    while waiting and total <= limit:
        path, depth = waiting.pop()
        if depth > _DEEPEST:
            return limit + 1
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                total += _BLOCK
                with contextlib.suppress(OSError):
                    total += max(0, entry.stat(follow_symlinks=False).st_blocks * 512 - _BLOCK)
                if total > limit:
                    break
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
    return total


def remove(folder: Path) -> None:
    """Remove a folder with everything in it, however deep; what cannot be removed stays."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)


def empty_if_over(folder: Path, limit: int) -> None:
    """Empty a folder that holds more than so many bytes: whoever owns it shall not be left with that."""
    if used(folder, limit) > limit:
        remove(folder)
        folder.mkdir()
