"""bubblewrap: namespaces of a worker's own, in which there is nothing but what it needs to see.

Raised from outside, since it is the program that starts the worker. Its process namespace ends whole: when the worker
does, or when the supervisor kills its first process.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_HOME_BYTES = 256 << 20
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")  # links into /usr, or folders of their own
_PROBE = "/usr/bin/true"
_PATIENCE_S = 5.0


def prefix(
    *, user_namespace: bool, read: Sequence[str], write: Sequence[str], devices: Sequence[str], home: str
) -> list[str]:
    """Return the words that start a command behind the wall.

    Parameters
    ----------
    user_namespace : bool
        Whether to have one, as everybody must but root. There the command has no capability; without one it has those
        that it needs to become another user, which is then up to it.
    read, write, devices : sequence of str
        Paths to be seen there, under their own names; those that are missing are left out.
    home : str
        A folder that is to be empty, writable and small.
    """
    words = [shutil.which("bwrap") or "bwrap", "--cap-drop", "ALL"]
    words += ["--unshare-user"] if user_namespace else ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--new-session", "--proc", "/proc", "--dir", "/dev"]
    for path in _SYSTEM:
        if os.path.islink(path):  # noqa: PTH114 - beside lexists, which pathlib has no word for before 3.12
            words += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).is_dir():
            words += ["--ro-bind", path, path]
    seen = [one for one in outermost(read) if not _within(one, (*_SYSTEM, "/proc", "/dev"))]
    for path in _folders_above([*seen, *write]):
        words += ["--dir", path]  # otherwise bubblewrap makes it, and for its own user alone
    for path in seen:
        words += ["--ro-bind-try", path, path]
    for path in devices:
        words += ["--dev-bind-try", path, path]
    words += ["--perms", "1777", "--size", str(_HOME_BYTES), "--tmpfs", home]
    for path in write:
        if path != home:
            words += ["--bind", path, path]
    return [*words, "--remount-ro", "/", "--chdir", home]


def outermost(paths: Sequence[str]) -> list[str]:
    """Return the paths that lie in no other one of them, sorted."""
    found: list[str] = []
    for path in sorted(set(paths), key=lambda one: (one.count("/"), one)):
        if not _within(path, found):
            found.append(path)
    return found


def _folders_above(paths: Sequence[str]) -> list[str]:
    """Return every folder on the way to these paths, the outer ones first."""
    found = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(found - {"/"}, key=lambda one: (one.count("/"), one))


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in folders)


def choose() -> tuple[bool, str | None]:
    """Try bubblewrap with every kind of word that a worker's has; a trial run takes 4 ms.

    Returns
    -------
    user_namespace : bool
        Whether it needs a user namespace here; root does without, where it may.
    reason : str or None
        Why it does not work here; None if it does.
    """
    if shutil.which("bwrap") is None:
        return True, "bwrap is not installed: install the package bubblewrap"
    if os.geteuid() == 0 and _trial(user_namespace=False) is None:
        return False, None
    return True, _trial(user_namespace=True)


@functools.cache
def choose_once() -> tuple[bool, str | None]:
    """Return what `choose` said the first time it was asked in this process."""
    return choose()


def _trial(*, user_namespace: bool) -> str | None:
    words = prefix(user_namespace=user_namespace, read=["/usr"], write=[], devices=["/dev/null"], home="/lar-home")
    try:
        done = subprocess.run(
            [*words, "--", _PROBE], capture_output=True, text=True, timeout=_PATIENCE_S, check=False, env={}
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"a trial run failed: {error}"
    return None if done.returncode == 0 else f"a trial run failed: {' '.join(done.stderr.split())}"
